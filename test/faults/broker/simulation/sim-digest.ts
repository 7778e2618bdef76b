import { createHash } from 'node:crypto'
import type { Broker } from '../../../../libs/broker/src/broker.ts'

/** Everything that a broker has recovered and clients can rely on, as text, part by part. */
export async function digestOf(broker: Broker): Promise<Record<string, string>> {
  const { partitions, storage, transactions, offsets, catalog, groups, consumerGroups } = broker
  const logs = partitions.all().map(async (partition) => {
    const { topic, index, logStartOffset, lastStableOffset, highWatermark, logEndOffset } = partition
    const log = storage.partitions.get(topic, index)
    const hash = createHash('sha256')
    if (log === undefined) throw new Error(`${topic}-${index} has no log`)
    for (let offset = logStartOffset; offset < logEndOffset;) {
      const request = { offset, endOffset: logEndOffset, maxBytes: 1, minOneBatch: true }
      const [batch] = await storage.read(log, request)
      if (batch === undefined) throw new Error(`${topic}-${index} cannot be read at ${offset}`)
      hash.update(batch)
      // Of the header: the base offset and the last record's distance from it.
      offset = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1
    }
    const watermarks = [logStartOffset, lastStableOffset, highWatermark, logEndOffset]
    return { topic, index, watermarks, batches: hash.digest('hex'), producers: partition.describeProducers() }
  })
  const parts = {
    logs: await Promise.all(logs),
    transactions: transactions.list(),
    offsets: offsets.groupIds().map((group) => [group, offsets.ofGroup(group)]),
    topics: catalog.all().map(({ name, id, partitionCount, configs }) => [name, id, partitionCount, [...configs]]),
    consumerGroups: consumerGroups.all().map((group) => group.facts()),
    groups: groups.all().map(({ groupId, generationId, state }) => [groupId, generationId, state]),
  }
  const inOrder = Object.entries(parts).map(([part, list]) => [part, list.map(inOneOrder).sort()])
  return Object.fromEntries(inOrder.map(([part, lines]) => [part, String(lines)])) as Record<string, string>
}

/** JSON with the members of objects in order: two ways to the same state may have set them in different ones. */
function inOneOrder(item: unknown): string {
  return JSON.stringify(item, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)))
  })
}
