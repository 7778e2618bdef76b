/** A partition as fetch requests name it: by the topic's name, or (from version 13 on) by its id. */
export interface PartitionReference {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** What a client wants of a partition; a session remembers it from request to request. */
export interface WantedPartition extends PartitionReference {
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly partitionMaxBytes: number
}

/** What an answer says about a partition, as far as a later one may leave it out. */
export interface AnsweredPartition {
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly recordsBytes: number
}

interface SessionPartition {
  wanted: WantedPartition
  /** What the client was told last; undefined makes the next answer tell it. */
  told: Omit<AnsweredPartition, 'recordsBytes' | 'errorCode'> | undefined
}

/** What one fetcher wants, so that its requests and answers hold only what has changed (KIP-227). */
export class FetchSession {
  readonly id: number
  /** Whether it names topics by id: requests of versions before and from 13 on do not mix. */
  readonly usesTopicIds: boolean
  /** The epoch that the next request has to have. */
  epoch = 1
  lastUsedMs: number
  readonly #partitions = new Map<string, SessionPartition>()

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id
    this.usesTopicIds = usesTopicIds
    this.lastUsedMs = nowMs
  }

  get size(): number {
    return this.#partitions.size
  }

  /** All that is wanted now, in the order in which it is to be read. */
  get wanted(): WantedPartition[] {
    return Array.from(this.#partitions.values(), ({ wanted }) => wanted)
  }

  update(wanted: readonly WantedPartition[], forgotten: readonly PartitionReference[]): void {
    for (const each of wanted) {
      const key = this.#keyOf(each)
      const known = this.#partitions.get(key)
      if (known === undefined) this.#partitions.set(key, { wanted: each, told: undefined })
      else known.wanted = each
    }
    for (const each of forgotten) this.#partitions.delete(this.#keyOf(each))
  }

  /**
   * Whether an answer to an incremental request has to name the partition; what it says is remembered. A partition with
   * records goes to the end of the order, so that a busy one does not starve the others (statement 46).
   */
  tells(reference: PartitionReference, answer: AnsweredPartition): boolean {
    const key = this.#keyOf(reference)
    const partition = this.#partitions.get(key)
    if (partition === undefined) return true
    const { told } = partition
    const { errorCode, highWatermark, lastStableOffset, logStartOffset, recordsBytes } = answer
    const isNews =
      told?.highWatermark !== highWatermark ||
      told.lastStableOffset !== lastStableOffset ||
      told.logStartOffset !== logStartOffset
    partition.told = errorCode === 0 ? { highWatermark, lastStableOffset, logStartOffset } : undefined
    if (recordsBytes > 0) {
      this.#partitions.delete(key)
      this.#partitions.set(key, partition)
    }
    return isNews || recordsBytes > 0 || errorCode !== 0
  }

  #keyOf({ topic, topicId, partition }: PartitionReference): string {
    return `${this.usesTopicIds ? topicId : topic}/${partition}`
  }
}
