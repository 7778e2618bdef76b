import type { KafkaClient, Offset } from '@keyfold/kafka'
import { partitionKey } from './partition-progress.ts'

/** The end of every partition, by `partitionKey`, at one moment. */
export type Ends = ReadonlyMap<string, Offset>

/** Where every partition of the topics ends now, as readers of committed events see it. */
export async function endsOf(kafka: KafkaClient, topics: readonly string[]): Promise<Ends> {
  const ends = new Map<string, Offset>()
  for (const topic of topics) {
    const offsets = await kafka.endOffsets(topic, 'committed')
    for (const [partition, end] of offsets.entries()) ends.set(partitionKey({ topic, partition }), end)
  }
  return ends
}
