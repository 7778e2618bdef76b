import type { KafkaClient } from '@keyfold/kafka'

/**
 * How many partitions an aggregate's topic had when it was used first. A topic that has grown since sends known keys to
 * other partitions, where they have no history: the number is fixed for its life. It is the first record of the state
 * topic, under the key `topic`, and is written once.
 */
export async function recordedPartitions(kafka: KafkaClient, stateTopic: string): Promise<number | undefined> {
  const [starts, ends] = await Promise.all([kafka.startOffsets(stateTopic), kafka.endOffsets(stateTopic, 'committed')])
  const [fromOffset = 0] = starts
  const [endOffset = 0] = ends
  if (fromOffset >= endOffset) return undefined
  const at = { topic: stateTopic, partition: 0, fromOffset, isolation: 'committed', maxBytes } as const
  const reader = kafka.openPartitionReader(at)
  try {
    for (let position = fromOffset; position < endOffset;) {
      const batch = await reader.next()
      position = batch.position
      const found = batch.records.find(({ key }) => key?.toString() === recordKey)
      if (found?.value !== undefined && found.value !== null)
        return (JSON.parse(found.value.toString()) as { readonly partitions: number }).partitions
    }
    return undefined
  } finally {
    await reader.close()
  }
}

/** Whether it could be written. Errors: those of the Kafka client. */
export async function recordPartitions(
  kafka: KafkaClient,
  { stateTopic, partitions }: { readonly stateTopic: string; readonly partitions: number },
): Promise<boolean> {
  const producer = await kafka.openTransactionalProducer({
    transactionalId: `${stateTopic}.partitions`,
    transactionTimeoutMs: 15_000,
    partitions: [{ topic: stateTopic, partition: 0 }],
  })
  const value = Buffer.from(JSON.stringify({ kind: 'Topic', partitions }))
  const record = { key: Buffer.from(recordKey), value }
  const outcome = await producer.commit([{ topic: stateTopic, partition: 0, records: [record] }])
  await producer.close()
  // Another instance that started at the same moment has written the same.
  return outcome.kind === 'committed' || outcome.kind === 'fenced'
}

const recordKey = 'topic'
/** It is found in the first batch nearly always. */
const maxBytes = 16_384
