import { KafkaError } from '@keyfold/protocol'
import type { Outcome } from '../history.ts'
import { repeat, type Stage } from './sim-actors.ts'
import { compactedTopic } from './sim-broker.ts'
import { type Place, requests } from './sim-requests.ts'

/** What was written under one key, in order. */
export interface KeyedWrite {
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
  outcome: Outcome
}

export const compactedPlace: Place = { topic: compactedTopic, partition: 0 }
export const compactedConfigs = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'min.cleanable.dirty.ratio', value: '0' },
  { name: 'delete.retention.ms', value: '100' },
]

/** Writes under a few keys again and again; now and then a key is deleted. */
export function putKeys(stage: Stage, name: string, writes: KeyedWrite[]): Promise<void> {
  const { random } = stage
  let count = 0
  return repeat(stage, async (broker) => {
    const key = `${name}.${Math.floor(random() * 4)}`
    const write: KeyedWrite = { key, value: random() < 0.2 ? null : `${count++}`.padEnd(60), outcome: 'unknown' }
    writes.push(write)
    const errorCode = await requests.put(broker, compactedPlace, key, write.value)
    if (errorCode === 0) write.outcome = 'acknowledged'
    else if (errorCode !== KafkaError.KAFKA_STORAGE_ERROR.code) stage.violations.push(`put: ${key} gets ${errorCode}`)
  })
}

/** Compacts, and sees that a table made from the topic is no older than what was acknowledged before. */
export function compact(
  stage: Stage,
  writes: readonly KeyedWrite[],
  onCompacted: (logs: number) => void,
): Promise<void> {
  return repeat(stage, async (broker) => {
    if (stage.random() < 0.7) {
      onCompacted(await broker.compact())
      return
    }
    const before = writes.map((write) => ({ ...write }))
    const table = await requests.table(broker, compactedPlace)
    stage.violations.push(...tableProblems(table, before, writes))
  })
}

/**
 * Of every key the newest value that was acknowledged before the table was read is there, or one that came later or may
 * count.
 */
export function tableProblems(
  table: ReadonlyMap<string, string>,
  before: readonly KeyedWrite[],
  now: readonly KeyedWrite[] = before,
): string[] {
  const certain = new Map<string, number>()
  for (const [at, { key, outcome }] of before.entries()) if (outcome === 'acknowledged') certain.set(key, at)
  return [...new Set(now.map(({ key }) => key))].flatMap((key) => {
    const from = certain.get(key) ?? -1
    const found = table.get(key) ?? null
    const allowed = now.slice(Math.max(from, 0)).filter((write) => write.key === key)
    const isAllowed = (from < 0 && found === null) || allowed.some(({ value }) => value === found)
    return isAllowed ? [] : [`lost: ${key} is ${found?.trimEnd()}, not ${allowed[0]?.value?.trimEnd()} or newer`]
  })
}
