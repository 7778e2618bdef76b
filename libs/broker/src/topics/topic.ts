/** A topic as clients know it. */
export interface Topic {
  readonly name: string
  /** Random, new for each creation: clients notice by it that a topic was deleted and created again (KIP-516). */
  readonly id: string
  readonly partitionCount: number
  /** Settings that differ from the broker's. */
  readonly configs: ReadonlyMap<string, string>
  readonly isInternal: boolean
  /** How many of the virtual nodes are shown as holding each partition. */
  readonly replicationFactor: number
  /** Node ids by partition, the leader first, where the creator chose them; elsewhere the cluster does. */
  readonly assignments: ReadonlyMap<number, readonly number[]>
}

/** Indexes 0 … partitionCount - 1. */
export function partitionIndexes(topic: Topic): number[] {
  return Array.from({ length: topic.partitionCount }, (_, index) => index)
}
