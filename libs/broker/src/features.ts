/** A capability that clients look for beyond the versions of single APIs (KIP-584). */
export interface Feature {
  readonly name: string
  /** Levels the software knows. */
  readonly supported: readonly [min: number, max: number]
  /** The level in force. */
  readonly finalized: number
}

/** What the broker announces: clients turn to the newer protocols only where these say so. */
export const features: readonly Feature[] = [
  // Transactions with an epoch each, to which partitions and groups are added by writing (KIP-890).
  { name: 'transaction.version', supported: [0, 2], finalized: 2 },
  // Consumer groups whose members are led by heartbeats alone (KIP-848).
  { name: 'group.version', supported: [0, 1], finalized: 1 },
]
