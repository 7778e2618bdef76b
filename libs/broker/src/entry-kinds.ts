/** Journal entry kinds of partitions and transactions: 16 to 31. Those of topics, groups and offsets start at 32. */
export const entryKinds = {
  producersExpired: 16,
  producerIdsAllocated: 17,
  transactionInitialised: 18,
  transactionPartitionsAdded: 19,
  transactionGroupAdded: 20,
  transactionOffsetsStaged: 21,
  transactionEnded: 22,
  transactionalIdForgotten: 23,
  abortedTransactionsForgotten: 30,
} as const
