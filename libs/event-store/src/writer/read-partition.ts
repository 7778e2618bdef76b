import type { KafkaClient, StoredRecord } from '@keyfold/kafka'

export interface PartitionRange {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  /** Reading ends when the position has reached it. */
  readonly endOffset: number
}

const maxBytes = 4 * 1_048_576

/**
 * The committed records of a range, in batches. Done when the fetch position has passed the end: the tail may be markers.
 */
export async function* readPartition(
  kafka: KafkaClient,
  range: PartitionRange,
): AsyncGenerator<readonly StoredRecord[]> {
  const { topic, partition, fromOffset, endOffset } = range
  if (fromOffset >= endOffset) return
  const reader = kafka.openPartitionReader({ topic, partition, fromOffset, isolation: 'committed', maxBytes })
  try {
    for (let position = fromOffset; position < endOffset;) {
      const batch = await reader.next()
      position = batch.position
      if (batch.records.length > 0) yield batch.records
    }
  } finally {
    await reader.close()
  }
}
