import type { KafkaAdmin, RecordToWrite } from '@keyfold/kafka'
import { partitionForKey } from '@keyfold/kafka'
import type { RecordInput } from './record-input.ts'

/** One request for each of these, and at the end of what has been read so far. */
const BATCH_BYTES = 512 * 1024

export interface WrittenPartition {
  readonly partition: number
  readonly records: number
  readonly firstOffset: number
  readonly lastOffset: number
}

interface OpenBatch {
  records: RecordToWrite[]
  bytes: number
}

/** Collects records into one batch for each partition; a key goes where Kafka's clients put it. */
export class BatchingWriter {
  readonly #admin: KafkaAdmin
  readonly #topic: string
  readonly #partitions: number
  readonly #open = new Map<number, OpenBatch>()
  readonly #written = new Map<number, WrittenPartition>()
  #spread: number

  /** `spread`: where the first record without a key goes; the next ones go around. */
  constructor(
    admin: KafkaAdmin,
    target: { readonly topic: string; readonly partitions: number; readonly spread: number },
  ) {
    this.#admin = admin
    this.#topic = target.topic
    this.#partitions = target.partitions
    this.#spread = target.spread
  }

  get written(): readonly WrittenPartition[] {
    return [...this.#written.values()].sort((left, right) => left.partition - right.partition)
  }

  get recordCount(): number {
    return this.written.reduce((sum, { records }) => sum + records, 0)
  }

  async add({ record, partition = this.#partitionOf(record) }: RecordInput): Promise<void> {
    let batch = this.#open.get(partition)
    if (batch === undefined) this.#open.set(partition, (batch = { records: [], bytes: 0 }))
    batch.records.push(record)
    batch.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + 64
    if (batch.bytes >= BATCH_BYTES) await this.#write(partition, batch)
  }

  /** Writes what has been collected. */
  async flush(): Promise<void> {
    for (const [partition, batch] of this.#open) await this.#write(partition, batch)
  }

  #partitionOf({ key }: RecordToWrite): number {
    return key === null ? this.#spread++ % this.#partitions : partitionForKey(key, this.#partitions)
  }

  async #write(partition: number, { records }: OpenBatch): Promise<void> {
    this.#open.delete(partition)
    const offset = await this.#admin.append({ topic: this.#topic, partition, records })
    const before = this.#written.get(partition)
    this.#written.set(partition, {
      partition,
      records: records.length + (before?.records ?? 0),
      firstOffset: before?.firstOffset ?? offset,
      lastOffset: offset + records.length - 1,
    })
  }
}
