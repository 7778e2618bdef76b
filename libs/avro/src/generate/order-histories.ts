import { AvroError } from '../errors.ts'
import type { TypeHistory } from './schema-history.ts'

/**
 * Each history after those that it refers to, and otherwise as they were given: generated code uses what stands above it.
 * Throws `AVRO_HISTORY_INVALID` when histories, or the files of two contexts, would need each other.
 */
export function orderHistories(histories: readonly TypeHistory[]): readonly TypeHistory[] {
  const byKey = new Map(histories.map((history) => [history.key, history]))
  const ordered = inOrder([...byKey.keys()], (key) => byKey.get(key)?.uses ?? [])
  const contextOf = (key: string) => byKey.get(key)?.context ?? ''
  const contexts = Map.groupBy(histories, ({ context }) => context)
  inOrder([...contexts.keys()], (context) => {
    const used = contexts.get(context)?.flatMap(({ uses }) => uses.map(contextOf)) ?? []
    return used.filter((other) => other !== context)
  })
  return ordered.flatMap((key) => byKey.get(key) ?? [])
}

function inOrder(keys: readonly string[], usedBy: (key: string) => readonly string[]): readonly string[] {
  const done = new Set<string>()
  const visit = (key: string, above: readonly string[]) => {
    if (done.has(key)) return
    if (above.includes(key)) throw circle([...above.slice(above.indexOf(key)), key])
    for (const used of usedBy(key)) visit(used, [...above, key])
    done.add(key)
  }
  for (const key of keys) visit(key, [])
  return [...done]
}

function circle(keys: readonly string[]): AvroError {
  return new AvroError('AVRO_HISTORY_INVALID', `schemas refer to each other in a circle: ${keys.join(' → ')}`, {
    fix: 'Move what both need into a type of its own, in a context that refers to neither.',
  })
}
