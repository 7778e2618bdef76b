import type { KafkaClient } from '../kafka-client.ts'

/** The values of all committed records in a topic of one partition, as text and in order. */
export async function committedValues(kafka: KafkaClient, topic: string): Promise<readonly string[]> {
  const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
  const [end = 0] = await kafka.endOffsets(topic, 'committed')
  const values: string[] = []
  for (let position = 0; position < end;) {
    const batch = await reader.next()
    values.push(...batch.records.map(({ value }) => value?.toString() ?? ''))
    position = batch.position
  }
  await reader.close()
  return values
}
