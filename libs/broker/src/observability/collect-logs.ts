import type { BrokerContext } from '../broker-context.ts'
import type { Partition } from '../partition/partition.ts'
import type { Exposition } from './exposition.ts'

/** Sizes and offsets of the logs. Partitions come in the order in which they were made: a bound cuts off the newest. */
export function collectLogs(broker: BrokerContext, into: Exposition): void {
  const { catalog, partitions } = broker
  const sizes = new Map<string, number>(catalog.all().map(({ name }) => [name, 0]))
  const stableAge = stableAges(broker)
  let total = 0
  let damaged = 0
  let oldest = 0
  for (const partition of partitions.all()) {
    const { topic, index, sizeInBytes } = partition
    total += sizeInBytes
    if (partition.isDamaged) damaged += 1
    sizes.set(topic, (sizes.get(topic) ?? 0) + sizeInBytes)
    into.sample('keyfold_broker_partition_log_bytes', sizeInBytes, topic, index)
    into.sample('keyfold_broker_partition_log_start_offset', partition.logStartOffset, topic, index)
    into.sample('keyfold_broker_partition_log_end_offset', partition.logEndOffset, topic, index)
    into.sample('keyfold_broker_partition_high_watermark', partition.highWatermark, topic, index)
    into.sample('keyfold_broker_partition_last_stable_offset', partition.lastStableOffset, topic, index)
    const ageSeconds = stableAge(partition)
    if (ageSeconds === undefined) continue
    into.sample('keyfold_broker_partition_last_stable_age_seconds', ageSeconds, topic, index)
    oldest = Math.max(oldest, ageSeconds)
  }
  for (const [topic, bytes] of sizes) into.sample('keyfold_broker_topic_log_bytes', bytes, topic)
  into.sample('keyfold_broker_topics', catalog.size)
  into.sample('keyfold_broker_partitions', catalog.partitionCount)
  into.sample('keyfold_broker_damaged_partitions', damaged)
  into.sample('keyfold_broker_log_bytes', total)
  into.sample('keyfold_broker_last_stable_age_seconds', oldest)
}

/** How long an open transaction has held a partition's last stable offset; undefined if none does. */
function stableAges({ transactions, clock }: BrokerContext): (partition: Partition) => number | undefined {
  const beginMs = new Map<number, number>()
  for (const { partitionIds, startMs } of transactions.open) {
    for (const id of partitionIds) beginMs.set(id, Math.min(startMs, beginMs.get(id) ?? startMs))
  }
  const nowMs = clock.steady()
  return (partition) => {
    if (partition.lastStableOffset >= partition.highWatermark) return undefined
    const startMs = beginMs.get(partition.id) ?? hangingSince(partition)
    return startMs === undefined ? undefined : Math.max(0, nowMs - startMs) / 1000
  }
}

/** A transaction that no coordinator knows of hangs: what is known of its time is that of the producer's last batch. */
function hangingSince(partition: Partition): number | undefined {
  const hanging = partition.describeProducers().filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0)
  return hanging.length === 0 ? undefined : Math.min(...hanging.map(({ lastTimestamp }) => lastTimestamp))
}
