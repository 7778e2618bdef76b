import { CreatePartitions, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { assignmentsProblem, partitionRoomProblem, type TopicFailure } from '../topics/new-topic.ts'
import type { Topic } from '../topics/topic.ts'
import { eachOnce } from './each-once.ts'
import { handler } from './handler.ts'

/**
 * CreatePartitions (37), versions 0-3.
 * Behaviour: adds partitions to topics up to a greater count; answers once they are durable. A topic that is named twice
 * is refused.
 * Versions: 2 is flexible.
 * Not done: timeouts (creation never waits for others).
 */
export const createPartitions = handler(CreatePartitions, async (request, broker) => {
  let lsn = 0
  const results = eachOnce(request.topics, ({ name }) => name).map(({ item: wanted, isTwice }) => {
    if (isTwice) return { name: wanted.name, errorCode: KafkaError.INVALID_REQUEST.code }
    const topic = broker.catalog.get(wanted.name)
    const problem = problemOf(broker, wanted)
    if (problem !== undefined || topic === undefined) {
      const { code } = problem?.error ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION
      return { name: wanted.name, errorCode: code, errorMessage: problem?.message ?? null }
    }
    if (!request.validateOnly) lsn = broker.catalog.addPartitions(topic, wanted.count, assigned(topic, wanted))
    return { name: wanted.name, errorCode: KafkaError.NONE.code }
  })
  await broker.storage.durable(lsn)
  return { results }
})

type Wanted = RequestOf<typeof CreatePartitions>['topics'][number]

function problemOf(broker: BrokerContext, { name, count, assignments }: Wanted): TopicFailure | undefined {
  if (!broker.storage.acceptsWrites) return failure(KafkaError.KAFKA_STORAGE_ERROR, KafkaError.KAFKA_STORAGE_ERROR.text)
  const topic = broker.catalog.get(name)
  if (topic === undefined) return failure(KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${name}' does not exist.`)
  const added = count - topic.partitionCount
  if (added <= 0) {
    const text = `Topic currently has ${topic.partitionCount} partitions, which is ${added === 0 ? 'the same as' : 'higher than'} the requested ${count}.`
    return failure(KafkaError.INVALID_PARTITIONS, text)
  }
  if (assignments !== null && assignments.length !== added) {
    const text = `Increasing the number of partitions by ${added} but ${assignments.length} assignments provided.`
    return failure(KafkaError.INVALID_REPLICA_ASSIGNMENT, text)
  }
  const nodes = assignments?.map(({ brokerIds }) => brokerIds) ?? []
  const problem = assignmentsProblem(broker.cluster, nodes, topic.replicationFactor)
  return problem ?? partitionRoomProblem(broker, added)
}

/** The nodes chosen for the new partitions, if any are. */
function assigned({ partitionCount }: Topic, { assignments }: Wanted): Map<number, readonly number[]> {
  return new Map(assignments?.map(({ brokerIds }, n) => [partitionCount + n, brokerIds]))
}

function failure(error: KafkaError, message: string): TopicFailure {
  return { error, message }
}
