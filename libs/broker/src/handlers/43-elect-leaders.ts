import { ElectLeaders, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * ElectLeaders (43), versions 0-2.
 * Behaviour: every partition that there is has its leader, so no election is ever needed; asked about all partitions,
 * there is nothing to say.
 * Versions: 1 tells preferred (0) from unclean (1) elections.
 * Not done: replication.
 */
export const electLeaders = handler(ElectLeaders, ({ electionType, topicPartitions }, { partitions }) => {
  const isDefined = electionType === 0 || electionType === 1
  const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions: indexes }) => ({
    topic,
    partitionResult: indexes.map((partitionId) => {
      const isKnown = partitions.get(topic, partitionId) !== undefined
      const outcome = isKnown ? KafkaError.ELECTION_NOT_NEEDED : KafkaError.UNKNOWN_TOPIC_OR_PARTITION
      const error = isDefined ? outcome : KafkaError.INVALID_REQUEST
      return { partitionId, errorCode: error.code, errorMessage: error.text }
    }),
  }))
  const { code } = isDefined ? KafkaError.NONE : KafkaError.INVALID_REQUEST
  return { errorCode: code, replicaElectionResults }
})
