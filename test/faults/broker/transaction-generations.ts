/** Versions of Produce, TxnOffsetCommit and EndTxn that clients use up to transaction version 1, and those of KIP-890. */
export const versions = {
  1: { produce: 9, stage: 3, end: 3 },
  2: { produce: 12, stage: 5, end: 5 },
} as const

export type Generation = keyof typeof versions
