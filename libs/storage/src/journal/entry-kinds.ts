/** Journal entry kinds of storage itself. Kinds 1 to 15 are reserved for it; others belong to the states given to it. */
export const entryKinds = {
  partitionCreated: 1,
  partitionRemoved: 2,
  batch: 3,
  logStartMoved: 4,
  segmentsCleaned: 5,
} as const
