import { AddPartitionsToTxn, KafkaError, kafkaErrorByCode, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { PlaceInTopic, ProducerRequest } from '../transactions/transaction-requests.ts'
import { handler } from './handler.ts'
import { coordinatorProblem } from './misrouted.ts'
import { fencedCodeFor } from './producer-epoch.ts'

/**
 * AddPartitionsToTxn (24), versions 0-5.
 * Behaviour: announces the partitions a transaction is going to write to. One unknown partition, and none is added:
 * the known ones answer OPERATION_NOT_ATTEMPTED. What begins a transaction is on its way to the disk when this answers:
 * Produce and TxnOffsetCommit wait for it, since a transaction of which a crash leaves no trace could be half committed.
 * Versions: 2 knows PRODUCER_FENCED, 3 is flexible; 4 and 5 are for brokers among themselves: several transactions in
 * one request, and whether partitions are in a transaction without adding them (KIP-890).
 * Not done: nothing.
 */
export const addPartitionsToTxn = handler(AddPartitionsToTxn, (request, broker, { version }) => {
  const response = version >= 4 ? answerBatch(broker, request) : answerOne(broker, request, version)
  broker.storage.demand()
  return response
})

type Request = RequestOf<typeof AddPartitionsToTxn>

function answerBatch(broker: BrokerContext, request: Request) {
  return { resultsByTransaction: request.transactions.map((each) => answerOf(broker, each)) }
}

function answerOne(broker: BrokerContext, request: Request, version: number) {
  const topics = request.v3AndBelowTopics
  const codes = addAll(broker, {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    places: placesIn(topics),
  })
  return { resultsByTopicV3AndBelow: resultsOf(topics, (place) => fencedCodeFor(version, 2, codes(place).code)) }
}

type Topics = readonly { name: string; partitions: readonly number[] }[]
/** What each partition is answered. */
type Codes = (place: PlaceInTopic) => KafkaError

interface Transaction extends ProducerRequest {
  places: readonly PlaceInTopic[]
}

function answerOf(
  broker: BrokerContext,
  { topics, verifyOnly, ...producer }: ProducerRequest & { topics: Topics; verifyOnly: boolean },
) {
  const transaction = { ...producer, places: placesIn(topics) }
  const codes = verifyOnly ? verifyAll(broker, producer) : addAll(broker, transaction)
  const { transactionalId } = producer
  return { transactionalId, topicResults: resultsOf(topics, (place) => codes(place).code) }
}

/** Adds all or, if one of them is unknown, none. */
function addAll(broker: BrokerContext, { places, ...producer }: Transaction): Codes {
  const misrouted = coordinatorProblem(broker, producer.transactionalId)
  if (misrouted !== undefined) return () => misrouted
  if (places.some((place) => isUnknown(broker, place))) {
    return (place) =>
      isUnknown(broker, place) ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : KafkaError.OPERATION_NOT_ATTEMPTED
  }
  const nowMs = broker.clock.steady()
  const { errorCode } = broker.transactions.addPartitions({ ...producer, partitions: places, nowMs })
  return () => kafkaErrorByCode(errorCode)
}

function verifyAll(broker: BrokerContext, producer: ProducerRequest): Codes {
  const misrouted = coordinatorProblem(broker, producer.transactionalId)
  return (place) => misrouted ?? broker.transactions.verifyPartition({ ...producer, ...place })
}

function isUnknown({ partitions }: BrokerContext, { topic, partition }: PlaceInTopic): boolean {
  return partitions.get(topic, partition) === undefined
}

function placesIn(topics: Topics): PlaceInTopic[] {
  return topics.flatMap(({ name: topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

function resultsOf(topics: Topics, codeOf: (place: PlaceInTopic) => number) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf({ topic: name, partition: partitionIndex }),
    })),
  }))
}
