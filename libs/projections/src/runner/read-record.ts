import type { KafkaClient, StoredRecord } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { ParkedEvent } from '../parking.ts'

/** Reads one record at its offset. Errors: `HISTORY_MISSING`, those of the client. */
export async function readRecord(
  kafka: KafkaClient,
  { topic, partition, offset }: Pick<ParkedEvent, 'topic' | 'partition' | 'offset'>,
): Promise<StoredRecord> {
  const reader = kafka.openPartitionReader({ topic, partition, fromOffset: offset, isolation: 'committed' })
  try {
    for (;;) {
      const { records, position } = await reader.next()
      const [first] = records
      if (first?.offset === offset) return first
      if (position > offset)
        throw fail('HISTORY_MISSING', `${topic}/${partition} has no record at offset ${offset} any more`, {
          details: { topic, partition, offset },
        })
    }
  } finally {
    await reader.close()
  }
}
