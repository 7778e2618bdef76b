import type { Rejection } from '@keyfold/eventsourcing'
import type { RecordToWrite, StoredRecord } from '@keyfold/kafka'

/** Written once per claim: who took the partition over, and how far it had read. Key `claim`. */
export interface Claimed {
  readonly kind: 'Claimed'
  /** Counts the claims of the partition. */
  readonly generation: number
  /** Of the writers' group, where instances share partitions. */
  readonly groupGeneration?: number
  readonly instanceId: string
  readonly producerId: number
  readonly producerEpoch: number
  /** The end of the events partition when it was claimed. */
  readonly endOffset: number
  readonly claimedAt: string
}

/** How a command with a given id ended when it left no events. Key `outcome:<command id>`. */
export interface StoredOutcome {
  readonly kind: 'Outcome'
  readonly commandId: string
  readonly key: string
  readonly fingerprint: string
  readonly batchId: string
  /** The version that the decision was made on. */
  readonly version: number
  /** Undefined: the command was accepted and changed nothing. */
  readonly rejection?: Rejection
  /** Of the aggregate's last event, for a command that changed nothing. */
  readonly lastOffset?: number
  /** When it was decided, in milliseconds since 1970. */
  readonly atMs: number
}

/** An aggregate's state as it was after one of its events. Key `snapshot:<aggregate id>`. */
export interface Snapshot {
  readonly kind: 'Snapshot'
  readonly key: string
  /** Under another one the events may mean another state: `stateKeyOf`. */
  readonly stateKey: string
  readonly uptoOffset: number
  readonly uptoVersion: number
  /** As `textOfState` gives it. */
  readonly state: string
}

/**
 * Proves, with a commit of its own, that nobody had taken over when the decisions of a batch were made. Key `barrier`.
 */
interface Barrier {
  readonly kind: 'Barrier'
  readonly batchId: string
}

export type StateRecord = Claimed | StoredOutcome | Snapshot | Barrier

export function encodeState(record: StateRecord): RecordToWrite {
  return { key: Buffer.from(keyOf(record)), value: Buffer.from(JSON.stringify(record)) }
}

/** Lets compaction forget an outcome. */
export function forgetOutcome(commandId: string): RecordToWrite {
  return { key: Buffer.from(outcomeKey(commandId)), value: null }
}

export type ReadState = StateRecord | { readonly kind: 'Forgotten'; readonly commandId: string } | undefined

/** Undefined for a record that is not one of ours. */
export function decodeState({ key, value, timestampMs }: StoredRecord): ReadState {
  const name = key?.toString() ?? ''
  if (value === null)
    return name.startsWith(outcomePrefix)
      ? { kind: 'Forgotten', commandId: name.slice(outcomePrefix.length) }
      : undefined
  try {
    const record = JSON.parse(value.toString()) as StateRecord
    if (!kinds.has(record.kind) || keyOf(record) !== name) return undefined
    // Outcomes that older code stored have no time of their own.
    return record.kind === 'Outcome' ? { ...record, atMs: record.atMs ?? timestampMs } : record
  } catch {
    return undefined
  }
}

const outcomePrefix = 'outcome:'
const kinds: ReadonlySet<string> = new Set([
  'Claimed',
  'Outcome',
  'Snapshot',
  'Barrier',
] satisfies StateRecord['kind'][])

function keyOf(record: StateRecord): string {
  if (record.kind === 'Outcome') return outcomeKey(record.commandId)
  if (record.kind === 'Snapshot') return `snapshot:${record.key}`
  return record.kind === 'Claimed' ? 'claim' : 'barrier'
}

function outcomeKey(commandId: string): string {
  return outcomePrefix + commandId
}
