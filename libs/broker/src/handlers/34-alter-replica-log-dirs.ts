import { AlterReplicaLogDirs, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'

/**
 * AlterReplicaLogDirs (34), versions 1-2.
 * Behaviour: there is one directory, which has every log already; any other is unknown.
 * Versions: 2 is flexible.
 * Not done: several directories.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, (request, { storage, partitions }) => ({
  results: request.dirs.flatMap(({ path, topics }) =>
    topics.map(({ name, partitions: indexes }) => ({
      topicName: name,
      partitions: indexes.map((partitionIndex) => {
        const known =
          partitions.get(name, partitionIndex) === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : undefined
        const error = path === storage.location ? (known ?? KafkaError.NONE) : KafkaError.LOG_DIR_NOT_FOUND
        return { partitionIndex, errorCode: error.code }
      }),
    })),
  ),
}))
