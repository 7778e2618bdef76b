import { buildRecordBatch, Produce } from '@keyfold/protocol'
import type { Cluster } from '../cluster.ts'
import { KafkaClientError } from '../errors.ts'
import type { Offset, PartitionWrite } from '../kafka-client.ts'
import { throwIfRefused } from './refusal.ts'

/** Topic ids replace names from version 13 on; names are what tools have. */
const versionMax = 9

/**
 * Appends one batch with acks=all. A refusal that a moment may mend is not repeated here, and neither is a lost
 * answer: the batch could be doubled.
 */
export async function append(cluster: Cluster, { topic, partition, records }: PartitionWrite): Promise<Offset> {
  const batch = buildRecordBatch({
    timestamp: Date.now(),
    records: records.map(({ key, value, headers = {}, timestampMs }) => ({
      key,
      value,
      headers: Object.entries(headers).map(([name, text]) => ({
        key: name,
        value: typeof text === 'string' ? Buffer.from(text) : text,
      })),
      ...(timestampMs === undefined ? {} : { timestamp: timestampMs }),
    })),
  })
  const link = await cluster.linkTo(await cluster.leaderOf(topic, partition))
  const { responses } = await link.ask(
    Produce,
    {
      acks: -1,
      timeoutMs: cluster.settings.requestTimeoutMs,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
    },
    versionMax,
  )
  const answer = responses[0]?.partitionResponses[0]
  if (answer === undefined)
    throw new KafkaClientError('BROKER_REFUSED', `${topic}/${partition}: no answer for the batch`)
  throwIfRefused(answer.errorCode, `records for ${topic}/${partition}`, answer.errorMessage)
  return answer.baseOffset
}
