import type { KafkaClient } from '../kafka-client.ts'

/** The values of all committed records in a partition, the first unless another is named, as text and in order. */
export async function committedValues(kafka: KafkaClient, topic: string, partition = 0): Promise<readonly string[]> {
  const reader = kafka.openPartitionReader({ topic, partition, fromOffset: 0, isolation: 'committed' })
  const end = (await kafka.endOffsets(topic, 'committed'))[partition] ?? 0
  const values: string[] = []
  for (let position = 0; position < end;) {
    const batch = await reader.next()
    values.push(...batch.records.map(({ value }) => value?.toString() ?? ''))
    position = batch.position
  }
  await reader.close()
  return values
}
