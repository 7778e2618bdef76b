import { KafkaError, kafkaErrorByCode, Produce, readBatchHeader, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { Topic } from '../topics/topic.ts'
import { ConnectionRefused, handler } from './handler.ts'
import { findTopic } from './topic-of.ts'

/**
 * Produce (0), versions 3-13 (0-2 are announced for old librdkafka and refused, KAFKA-18659).
 * Behaviour: appends each partition's batch the moment the request is read, so that order on a connection is order in
 * the log, and answers once all of it is durable. A transactional batch is answered at once: nobody sees it before the
 * commit, whose sync covers it. acks=0 is never answered; an error then ends the connection.
 * Versions: 8 lists refused records, 13 names topics by id.
 * Not done: adding partitions to transactions by producing (transaction version 2, KIP-890); throttling.
 */
export const produce = handler(Produce, (request, broker, { version }) => {
  const outcomes: Outcome[] = []
  const responses = request.topicData.map(({ name, topicId, partitionData }) => {
    const { topic, error } = findTopic(broker.catalog, { name, topicId }, version >= 13 ? 'id' : 'name')
    const partitionResponses = partitionData.map((partition) => {
      const outcome = topic === undefined ? failed(error) : append(broker, { request, topic, partition, version })
      outcomes.push(outcome)
      const { lsn: _, ...response } = outcome
      return { index: partition.index, ...response }
    })
    return { name, topicId, partitionResponses }
  })
  if (request.acks === 0) {
    const failure = outcomes.find(({ errorCode }) => errorCode !== KafkaError.NONE.code)
    if (failure === undefined) return undefined
    throw new ConnectionRefused(`produce with acks=0 failed: ${kafkaErrorByCode(failure.errorCode).name}`)
  }
  const lsn = outcomes.reduce((highest, outcome) => Math.max(highest, outcome.lsn), 0)
  return lsn === 0 ? { responses } : broker.storage.durable(lsn).then(() => ({ responses }))
})

type Request = RequestOf<typeof Produce>

interface Append {
  request: Request
  topic: Topic
  partition: Request['topicData'][number]['partitionData'][number]
  version: number
}

interface Outcome {
  errorCode: number
  errorMessage?: string | null
  baseOffset: number
  logAppendTimeMs?: number
  logStartOffset?: number
  recordErrors?: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[]
  /** What has to be durable before the answer; 0 for nothing. */
  lsn: number
}

function append(broker: BrokerContext, { request, topic, partition, version }: Append): Outcome {
  if (![0, 1, -1].includes(request.acks)) return failed(KafkaError.INVALID_REQUIRED_ACKS)
  const log = broker.partitions.get(topic.name, partition.index)
  if (log === undefined) return failed(KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
  if (partition.records === null) return failed(KafkaError.INVALID_RECORD)
  const transaction = transactionOf(partition.records)
  if (transaction !== undefined) {
    const refusal = verifyTransaction(broker, { request, topic, partition, version }, transaction)
    if (refusal !== undefined) return refusal
  }
  const { records: batch } = partition
  const isTransactionVerified = transaction !== undefined
  const nowMs = broker.clock.wall()
  const outcome = log.append({ batch, nowMs, apiVersion: version, isTransactionVerified })
  return transaction === undefined ? outcome : { ...outcome, lsn: 0 }
}

function verifyTransaction(
  { transactions }: BrokerContext,
  { request, topic, partition }: Append,
  producer: { producerId: number; producerEpoch: number },
): Outcome | undefined {
  const { transactionalId } = request
  if (transactionalId === null) return failed(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  const errorCode = transactions.verifyProduce({
    transactionalId,
    ...producer,
    topic: topic.name,
    partition: partition.index,
  })
  return errorCode === KafkaError.NONE.code ? undefined : failed(kafkaErrorByCode(errorCode))
}

/** The producer of a transactional batch; undefined for any other (also a malformed one, which the log refuses). */
function transactionOf(batch: Buffer): { producerId: number; producerEpoch: number } | undefined {
  try {
    const { isTransactional, producerId, producerEpoch } = readBatchHeader(batch)
    return isTransactional ? { producerId, producerEpoch } : undefined
  } catch {
    return undefined
  }
}

function failed(error: KafkaError): Outcome {
  return { errorCode: error.code, baseOffset: -1, lsn: 0 }
}
