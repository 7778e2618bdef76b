import {
  KafkaError,
  kafkaErrorByCode,
  Produce,
  readBatchHeader,
  type RecordBatchHeader,
  type RequestOf,
} from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { Partition } from '../partition/partition.ts'
import type { Topic } from '../topics/topic.ts'
import { ConnectionRefused, handler } from './handler.ts'
import { LeaderHints } from './leader-hints.ts'
import { leaderProblem } from './misrouted.ts'
import { abortableCodeFor } from './producer-epoch.ts'
import { findTopic } from './topic-of.ts'

/**
 * Produce (0), versions 3-13 (0-2 are announced for old librdkafka and refused, KAFKA-18659).
 * Behaviour: appends each partition's batch the moment the request is read, so that order on a connection is order in
 * the log, and answers once all of it is durable. A transactional batch waits only for the beginning of its
 * transaction, so that no crash takes both without a trace: nobody sees the batch before the commit, whose sync covers
 * it. acks=0 is never answered; an error then ends the connection.
 * Versions: 8 lists refused records, 10 names the leader to who asked another node (KIP-951), 11 knows TRANSACTION_ABORTABLE, 12 adds the partition to the transaction by
 * writing to it (transaction version 2, KIP-890), 13 names topics by id.
 * Not done: throttling.
 */
export const produce = handler(Produce, (request, broker, { version }) => {
  const outcomes: Outcome[] = []
  const hints = new LeaderHints(broker)
  const responses = request.topicData.map(({ name, topicId, partitionData }) => {
    const { topic, error } = findTopic(broker.catalog, { name, topicId }, version >= 13 ? 'id' : 'name')
    const partitionResponses = partitionData.map((partition) => {
      const outcome = topic === undefined ? failed(error) : append(broker, { request, topic, partition, version })
      outcomes.push(outcome)
      const { lsn: _, ...response } = outcome
      const hint = version >= versionThatHints ? hints.of(outcome.errorCode, topic?.name, partition.index) : {}
      return { index: partition.index, ...response, ...hint }
    })
    return { name, topicId, partitionResponses }
  })
  if (request.acks === 0) {
    const failure = outcomes.find(({ errorCode }) => errorCode !== KafkaError.NONE.code)
    if (failure === undefined) return undefined
    throw new ConnectionRefused(`produce with acks=0 failed: ${kafkaErrorByCode(failure.errorCode).name}`)
  }
  const lsn = outcomes.reduce((highest, outcome) => Math.max(highest, outcome.lsn), 0)
  const { nodeEndpoints } = hints
  const answer = { responses, ...(nodeEndpoints.length > 0 && { nodeEndpoints }) }
  return lsn === 0 ? answer : broker.storage.durable(lsn).then(() => answer)
})

/** From this version on, who asks the wrong node is told the right one. */
const versionThatHints = 10

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
  const misrouted = leaderProblem(broker, topic.name, partition.index)
  if (misrouted !== undefined) return failed(misrouted)
  if (partition.records === null) return failed(KafkaError.INVALID_RECORD)
  const transactional = transactionalHeader(partition.records)
  if (transactional !== undefined) {
    const errorCode = admit(broker, { request, topic, partition, version }, log, transactional)
    if (errorCode !== KafkaError.NONE.code) return failed(kafkaErrorByCode(errorCode))
  }
  const isTransactional = transactional !== undefined
  const outcome = log.append({
    batch: partition.records,
    nowMs: broker.clock.wall(),
    apiVersion: version,
    isTransactionVerified: isTransactional,
    mustStartAtZero: isTransactional && version >= versionThatAdds,
  })
  return isTransactional ? { ...outcome, lsn: broker.transactions.begunAt(request.transactionalId ?? '') } : outcome
}

/** From this version on, producing adds the partition to the transaction. */
const versionThatAdds = 12

/** Whether a transactional batch may be appended; 0 if so. */
function admit(
  broker: BrokerContext,
  { request, topic, partition, version }: Append,
  log: Partition,
  header: RecordBatchHeader,
): number {
  const { transactionalId } = request
  if (transactionalId === null) return KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED.code
  const adds = version >= versionThatAdds
  const { producerId, producerEpoch, baseSequence } = header
  const fenced = log.expectTransactional({ producerId, producerEpoch, baseSequence, mustStartAtZero: adds })
  if (fenced !== KafkaError.NONE) return fenced.code
  if (!adds && !broker.config.boolean('transaction.partition.verification.enable')) return KafkaError.NONE.code
  const place = { topic: topic.name, partition: partition.index }
  const nowMs = broker.clock.steady()
  const admission = { transactionalId, producerId, producerEpoch, ...place, adds, nowMs }
  return abortableCodeFor(version, 11, broker.transactions.admitProduce(admission))
}

/** The header of a transactional batch; undefined for any other (also a malformed one, which the log refuses). */
function transactionalHeader(batch: Buffer): RecordBatchHeader | undefined {
  try {
    const header = readBatchHeader(batch)
    return header.isTransactional ? header : undefined
  } catch {
    return undefined
  }
}

function failed(error: KafkaError): Outcome {
  return { errorCode: error.code, baseOffset: -1, lsn: 0 }
}
