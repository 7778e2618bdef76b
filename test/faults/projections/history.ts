import type { PlantedBugName } from './planted-bugs.ts'

/** A read model at one moment: what one transaction of the database shows. */
export interface Snapshot {
  readonly generation: number
  /** The checkpoint of each partition. */
  readonly positions: readonly number[]
  readonly rows: readonly BalanceRow[]
  /** In the order in which it was written. */
  readonly audit: readonly AuditRow[]
  readonly parked: readonly ParkedRow[]
}

export interface BalanceRow {
  readonly account: string
  readonly cents: bigint
  readonly version: bigint
}

export interface AuditRow {
  /** Of the process that applied it, or where processes share, of its tenure: a later one is higher. */
  readonly incarnation: number
  readonly partition: number
  readonly offset: number
  readonly key: string
}

export interface ParkedRow {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly error: string | null
}

/** One committed event, as plain kafkajs reads it. */
export interface LogEvent {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly version: bigint
  readonly amount: bigint
  readonly note: string
}

/** An effect that was seen outside, in the order of the sightings. */
export interface SeenEffect {
  readonly incarnation: number
  readonly partition: number
  readonly offset: number
}

/** A client's question: what does this account hold, once that acknowledged event is in? */
export interface Query {
  /** Whose questions follow one another. */
  readonly session: string
  /** The fault that was going on when it was asked. */
  readonly during: string
  readonly account: string
  /** The newest event of the account that was acknowledged to the client, or the one of its partition that it waited for. */
  readonly token: { readonly partition: number; readonly offset: number; readonly version: bigint }
  /** `timeout`: not visible yet, so nothing was read. `none`: the process died. */
  readonly outcome: 'visible' | 'timeout' | 'error' | 'none'
  /** Of the row that was shown; 0 without a row. */
  readonly seen: bigint
  /** An event of the account was set aside. */
  readonly isParked: boolean
  /** The client had given up waiting. */
  readonly isLate: boolean
  readonly error?: string | undefined
}

/** What a lane did and saw. */
export interface History {
  readonly plant: PlantedBugName | undefined
  readonly snapshots: Snapshot[]
  readonly effects: SeenEffect[]
  readonly queries: Query[]
  /** Where effects begin: the ends before the first process was started. */
  firstEnds: readonly number[]
  /** Where the log ends, markers included. */
  ends: readonly number[]
  log: readonly LogEvent[]
  /** What should have happened and did not. */
  readonly stuck: string[]
  /** Where checkpoints went on from hand to hand although nothing happened. */
  readonly restless: string[]
  /** How often each fault struck, and how often each left the trace that shows that it bit (`coverage.ts`). */
  readonly counts: Record<string, number>
}

export function newHistory(plant?: PlantedBugName): History {
  const seen = { snapshots: [], effects: [], queries: [] }
  return { plant, ...seen, firstEnds: [], ends: [], log: [], stuck: [], restless: [], counts: {} }
}
