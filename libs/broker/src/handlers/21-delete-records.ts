import { DeleteRecords, KafkaError } from '@keyfold/protocol'
import { topicConfigLayers } from '../topics/effective-config.ts'
import { handler } from './handler.ts'
import { leaderProblem } from './misrouted.ts'

/**
 * DeleteRecords (21), versions 0-2.
 * Behaviour: moves the start of partitions forward (-1: to the high watermark) and answers once that is durable.
 * Topics that are only compacted refuse it (POLICY_VIOLATION).
 * Versions: 2 is flexible.
 * Not done: timeouts (there are no followers to wait for).
 */
export const deleteRecords = handler(DeleteRecords, async (request, broker) => {
  const { catalog, config, partitions, storage } = broker
  let lsn = 0
  const topics = request.topics.map(({ name, partitions: wanted }) => {
    const topic = catalog.get(name)
    const isOnlyCompacted =
      topic !== undefined && !topicConfigLayers(config, topic.configs, 'cleanup.policy')[0].value.includes('delete')
    const results = wanted.map(({ partitionIndex, offset }) => {
      const partition = partitions.get(name, partitionIndex)
      if (partition === undefined) return failed(partitionIndex, KafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      const misrouted = leaderProblem(broker, name, partitionIndex)
      if (misrouted !== undefined) return failed(partitionIndex, misrouted)
      if (isOnlyCompacted) return failed(partitionIndex, KafkaError.POLICY_VIOLATION)
      const deleted = partition.deleteRecordsBefore(offset)
      lsn = Math.max(lsn, deleted.lsn)
      return { partitionIndex, lowWatermark: deleted.lowWatermark, errorCode: deleted.errorCode }
    })
    return { name, partitions: results }
  })
  await storage.durable(lsn)
  return { topics }
})

function failed(partitionIndex: number, error: KafkaError) {
  return { partitionIndex, lowWatermark: -1, errorCode: error.code }
}
