import type { ByteSource } from '../binary/byte-source.ts'
import type { Decode } from './decode-plan.ts'

/** What is done for one record, in the order of the writer's fields. */
export interface RecordSteps {
  /** Reads a field, or skips one that nobody asks for: those give nothing. */
  readonly reads: readonly Decode[]
  /** Fields of the value, in their order: what the read at that index gave, or a default made anew. */
  readonly members: readonly { readonly name: string; readonly from: number | (() => unknown) }[]
}

/**
 * Makes the function that reads one kind of record. Where the runtime allows it, it is written as code: an object that
 * is made in one piece, and calls that always meet the same function, are several times faster. Only names that are
 * plain identifiers are written into code; a record with any other name is put together member by member.
 */
export function recordDecoder(steps: RecordSteps): Decode {
  return steps.members.every(({ name }) => isPlainName(name)) ? (written(steps) ?? stepped(steps)) : stepped(steps)
}

/** Letters, digits and `_`; not the one name that would set the prototype. */
export function isPlainName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== '__proto__'
}

function written({ reads, members }: RecordSteps): Decode | undefined {
  const lines = reads.map((_, index) => `const v${index} = read${index}(source)`)
  const values = members.map(({ name, from }, index) => {
    return `"${name}": ${typeof from === 'number' ? `v${from}` : `default${index}()`}`
  })
  const defaults = members.flatMap(({ from }, index) =>
    typeof from === 'number' ? [] : [[`default${index}`, from] as const],
  )
  const names = [...reads.map((_, index) => `read${index}`), ...defaults.map(([name]) => name)]
  const make = compiled(names, `return source => { ${lines.join(';')}; return { ${values.join(', ')} } }`)
  return make?.(...reads, ...defaults.map(([, from]) => from)) as Decode | undefined
}

/** A function from code, or nothing under a policy that forbids code from text. */
export function compiled(parameters: readonly string[], code: string): ((...values: unknown[]) => unknown) | undefined {
  try {
    // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- only names made here and plain identifiers are in it
    return new Function(...parameters, code) as (...values: unknown[]) => unknown
  } catch {
    return undefined
  }
}

function stepped({ reads, members }: RecordSteps): Decode {
  const hasProto = members.some(({ name }) => name === '__proto__')
  return (source: ByteSource) => {
    const values = reads.map((read) => read(source))
    const entry = ({ from }: RecordSteps['members'][number]) => (typeof from === 'number' ? values[from] : from())
    // Assigning to such a member would set the prototype.
    if (hasProto) return Object.fromEntries(members.map((member) => [member.name, entry(member)]))
    const value: Record<string, unknown> = {}
    for (const member of members) value[member.name] = entry(member)
    return value
  }
}
