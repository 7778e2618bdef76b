/** A record as its producer saw it. `unknown`: nobody can say whether it was stored. */
export interface SentRecord {
  /** Unique in the whole history. */
  readonly value: string
  readonly topic: string
  readonly partition: number
  /** Records of one producer in one partition have to be stored in the order in which they were sent. */
  readonly producer: string
  /** The transaction it belongs to; its outcome is then the transaction's. */
  readonly transaction?: string
  outcome: Outcome
  /** Where the broker said that it is. */
  offset?: number
}

/** `refused`: the broker said that it was not stored; for a transaction, that it is aborted. */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

export interface SentTransaction {
  readonly id: string
  outcome: Outcome
  /** The position that the transaction gives to a group. */
  readonly position?: Position
}

/** Where a group stands in one partition. */
export interface Position {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export type Isolation = 'read_committed' | 'read_uncommitted'

/** A record that a reader was given. */
export interface SeenRecord {
  readonly reader: string
  readonly isolation: Isolation
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** What became of a group's position, in the order in which it happened. */
export type PositionEvent = Position & {
  readonly kind: 'sent' | 'acknowledged' | 'fetched'
  /** A transaction, whose outcome decides. */
  readonly transaction?: string
}

/** What clients did and saw while the broker was killed under them, and what is there in the end. */
export class History {
  readonly records: SentRecord[] = []
  readonly transactions: SentTransaction[] = []
  readonly positions: PositionEvent[] = []
  /** Seen while it went on. */
  readonly seen: SeenRecord[] = []
  /** Everything that a read_committed reader gets in the end, in order of the offsets of each partition. */
  final: SeenRecord[] = []
  /** What a group without committed position has is -1. */
  finalPositions: Position[] = []

  /** One JSON object per line, for people who look for the cause of a violation. */
  toLines(): string[] {
    const { records, transactions, positions, seen, final, finalPositions } = this
    return Object.entries({ records, transactions, positions, seen, final, finalPositions }).flatMap(([kind, list]) =>
      list.map((entry) => JSON.stringify({ kind, ...entry })),
    )
  }
}
