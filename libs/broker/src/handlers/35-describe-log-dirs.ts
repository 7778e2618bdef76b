import { DescribeLogDirs, KafkaError } from '@keyfold/protocol'
import { handler } from './handler.ts'
import { replicaProblem } from './misrouted.ts'

/**
 * DescribeLogDirs (35), versions 1-5.
 * Behaviour: the one data directory with the sizes of the logs of this node in it, for the topics asked for or for all.
 * Versions: 3 has an error for the whole answer; 4 and 5 have the size of the file system and whether it is cordoned.
 * Not done: the size of the file system (-1, "not known").
 */
export const describeLogDirs = handler(DescribeLogDirs, (request, broker) => {
  const { catalog, partitions, storage } = broker
  const wanted = request.topics?.map(({ topic, partitions: indexes }) => ({ name: topic, indexes: new Set(indexes) }))
  const all = wanted ?? catalog.all().map(({ name }) => ({ name, indexes: undefined }))
  const topics = all.map(({ name, indexes }) => ({
    name,
    partitions: partitions
      .ofTopic(name)
      .filter(({ index }) => indexes?.has(index) ?? true)
      .filter(({ index }) => replicaProblem(broker, name, index) === undefined)
      .map(({ index, sizeInBytes }) => ({
        partitionIndex: index,
        partitionSize: sizeInBytes,
        offsetLag: 0,
        isFutureKey: false,
      })),
  }))
  const found = topics.filter((topic) => topic.partitions.length > 0)
  return {
    errorCode: KafkaError.NONE.code,
    results: [{ errorCode: KafkaError.NONE.code, logDir: storage.location, topics: found }],
  }
})
