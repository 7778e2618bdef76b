import type { BrokerConfig, ConfigSource } from '../config/broker-config.ts'
import { longMax } from '../config/config-definition.ts'
import { type TopicConfigKey, topicConfigDefinition, topicConfigs } from '../config/topic-configs.ts'
import type { PartitionConfig } from '../partition/partition-config.ts'

export interface ConfigLayer {
  /** The key under which this layer has the value: the broker's setting may have another name. */
  key: string
  value: string
  source: ConfigSource
}

/** Every value set for a topic's setting, the one in force first: the topic's own, the broker's, the default. */
export function topicConfigLayers(
  broker: BrokerConfig,
  configs: ReadonlyMap<string, string>,
  key: TopicConfigKey,
): [ConfigLayer, ...ConfigLayer[]] {
  const definition = topicConfigDefinition(key)
  const own = configs.get(key)
  const synonym = definition?.synonym
  const ofBroker = synonym === undefined ? [] : broker.layers(synonym).map((layer) => ({ key: synonym, ...layer }))
  const fallback: ConfigLayer = { key: synonym ?? key, value: topicConfigs[key].default, source: 'default' }
  const inherited: [ConfigLayer, ...ConfigLayer[]] = isFilled(ofBroker) ? ofBroker : [fallback]
  return own === undefined ? inherited : [{ key, value: own, source: 'topic' }, ...inherited]
}

/** The settings that partitions act on. */
export function partitionConfigOf(broker: BrokerConfig, configs: ReadonlyMap<string, string>): PartitionConfig {
  const text = (key: TopicConfigKey) => topicConfigLayers(broker, configs, key)[0].value
  const number = (key: TopicConfigKey) => (text(key) === longMax ? Number.POSITIVE_INFINITY : Number(text(key)))
  const cleanup = text('cleanup.policy')
  const compression = text('compression.type')
  const maxCompactionLagMs = number('max.compaction.lag.ms')
  const compacted = cleanup.includes('compact')
  const segmentMs = number('segment.ms')
  return {
    segmentBytes: number('segment.bytes'),
    // Only closed segments are compacted: a bound on that is a bound on the age of a segment.
    segmentMs: compacted ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs,
    indexIntervalBytes: number('index.interval.bytes'),
    maxMessageBytes: number('max.message.bytes'),
    timestampType: text('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    compacted,
    deletes: cleanup.includes('delete'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs,
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    deleteRetentionMs: number('delete.retention.ms'),
    compressionType: compression === 'uncompressed' ? 'none' : (compression as PartitionConfig['compressionType']),
    compressionLevel: compressionLevel(compression, number),
    validatesCompressed: broker.boolean('keyfold.records.validate.compressed'),
    decompressedBytesMax: broker.number('keyfold.decompressed.bytes.max'),
  }
}

/** The level that a topic asks for; gzip's -1 leaves it to the library, whose own default it is. */
function compressionLevel(compression: string, number: (key: TopicConfigKey) => number): number | undefined {
  if (compression !== 'gzip' && compression !== 'zstd' && compression !== 'lz4') return undefined
  return number(`compression.${compression}.level`)
}

function isFilled<T>(list: T[]): list is [T, ...T[]] {
  return list.length > 0
}
