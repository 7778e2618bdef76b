import type { Plan, Script, ScriptTopic } from '../script.ts'

const admin = { connection: 'admin' }

export const createTopic: Plan = (script) => {
  const version = script.version('CreateTopics')
  if (version === undefined || script.topics.length > 7) return undefined
  const kind = script.one<ScriptTopic['kind']>('plain', 'plain', 'compacted', 'log append time')
  const name = script.fresh('topic-')
  const partitions = script.between(1, 4)
  const configs = {
    plain: script.chance(0.3) ? [{ name: 'retention.ms', value: '86400000' }] : [],
    compacted: [{ name: 'cleanup.policy', value: 'compact' }],
    'log append time': [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
  }[kind]
  return {
    operation: {
      title: `create a topic (${kind})`,
      api: 'CreateTopics',
      version,
      ...admin,
      about: [name],
      request: {
        topics: [{ name, numPartitions: partitions, replicationFactor: script.one(1, -1), assignments: [], configs }],
        timeoutMs: 10_000,
        validateOnly: false,
      },
      settle: [{ kind: 'topic', topic: name, partitions }],
    },
    learn: () => script.topics.push({ name, partitions, kind }),
  }
}

/** Topics that cannot be, and those that already are. */
export const createWrongTopic: Plan = (script) => {
  const version = script.version('CreateTopics')
  const known = script.pick(script.topics)?.name ?? 'none'
  if (version === undefined) return undefined
  const good = { name: 'wrong', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const config = (name: string, value: string | null) => ({ ...good, configs: [{ name, value }] })
  const assigned = { ...good, numPartitions: -1, replicationFactor: -1 }
  const wrong: readonly (readonly [string, readonly object[]])[] = [
    ['known', [{ ...good, name: known }]],
    ['no partitions', [{ ...good, numPartitions: 0 }]],
    ['too few partitions', [{ ...good, numPartitions: -2 }]],
    ['replication factor 3', [{ ...good, replicationFactor: 3 }]],
    ['replication factor 0', [{ ...good, replicationFactor: 0 }]],
    ['bad name', [{ ...good, name: script.one('', '.', '..', 'a b', 'ä', 'x'.repeat(250)) }]],
    ['twice', [good, good]],
    ['unknown config', [config('no.such.config', '1')]],
    ['bad config', [config('retention.ms', 'soon')]],
    ['bad choice', [config('cleanup.policy', 'shred')]],
    ['out of range', [config('segment.bytes', '3')]],
    ['null config', [config('retention.ms', null)]],
    ['unknown broker', [{ ...assigned, assignments: [{ partitionIndex: 0, brokerIds: [99] }] }]],
    ['gap in the assignment', [{ ...assigned, assignments: [{ partitionIndex: 1, brokerIds: [1] }] }]],
    ['no replicas', [{ ...assigned, assignments: [{ partitionIndex: 0, brokerIds: [] }] }]],
    ['assignment and count', [{ ...good, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }]],
    [
      'collision',
      [
        { ...good, name: known.replaceAll('-', '.') },
        { ...good, name: known.replaceAll('-', '_') },
      ],
    ],
  ]
  const [title, topics] = script.pick(wrong) ?? ['twice', [good, good]]
  return {
    operation: {
      title: `create a wrong topic: ${title}`,
      api: 'CreateTopics',
      version,
      ...admin,
      about: [known],
      request: { topics, timeoutMs: 10_000, validateOnly: true },
    },
  }
}

/** Deletes a topic, or what is none. Not often: everything that was appended is gone. */
export const deleteTopic: Plan = (script) => {
  const version = script.version('DeleteTopics')
  if (version === undefined) return undefined
  const topic = script.topics.length > 4 && script.chance(0.3) ? script.topics[0] : undefined
  const name = topic?.name ?? 'no-such-topic'
  const byId = script.chance(0.5)
  const named = byId ? { name: null, topicId: { $: 'topicId', of: name } } : { name }
  return {
    operation: {
      title: `delete ${topic === undefined ? 'an unknown topic' : `topic ${name}`}`,
      api: 'DeleteTopics',
      version,
      ...admin,
      about: [name],
      request: { ...(version >= 6 ? { topics: [named] } : { topicNames: [name] }), timeoutMs: 10_000 },
      settle: topic === undefined ? [] : [{ kind: 'no topic', topic: name }],
    },
    learn: () => {
      if (topic === undefined) return
      script.topics.splice(script.topics.indexOf(topic), 1)
      for (const { appended, inTransaction } of script.producers) {
        for (const place of appended.keys()) if (place.startsWith(`${name}/`)) appended.delete(place)
        for (const place of inTransaction) if (place.startsWith(`${name}/`)) inTransaction.delete(place)
      }
    },
  }
}

export const createPartitions: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('CreatePartitions')
  if (topic === undefined || version === undefined) return undefined
  const grows = topic.partitions < 6 && script.chance(0.3)
  const count = grows ? topic.partitions + 1 : script.one(topic.partitions, 0, -1, topic.partitions - 1)
  const validateOnly = grows ? false : script.chance(0.5)
  const name = grows || script.chance(0.8) ? topic.name : 'no-such-topic'
  return {
    operation: {
      title: grows ? 'one more partition' : `${count} partitions of ${topic.partitions}`,
      api: 'CreatePartitions',
      version,
      ...admin,
      about: [name],
      request: { topics: [{ name, count, assignments: null }], timeoutMs: 10_000, validateOnly },
      settle: grows ? [{ kind: 'topic', topic: name, partitions: count }] : [],
    },
    learn: () => {
      if (grows) topic.partitions = count
    },
  }
}

export const metadata: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('Metadata')
  if (topic === undefined || version === undefined) return undefined
  const wrong = script.one('no-such-topic', '', 'a b', '.')
  const byId = version >= 12 && script.chance(0.3)
  const one = byId ? { name: null, topicId: { $: 'topicId', of: topic.name } } : { name: topic.name }
  const unknown = byId ? { name: null, topicId: { $: 'topicId', of: 'nothing' } } : { name: wrong }
  const topics = script.chance(0.2) && version >= 1 ? [] : [one, ...(script.chance(0.3) ? [unknown] : [])]
  return {
    operation: {
      title: 'metadata',
      api: 'Metadata',
      version,
      ...admin,
      about: [topic.name],
      request: {
        topics,
        ...(version >= 4 && { allowAutoTopicCreation: false }),
        ...(version >= 8 && { includeTopicAuthorizedOperations: script.chance(0.2) }),
      },
    },
  }
}

export const describeTopicPartitions: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('DescribeTopicPartitions')
  if (topic === undefined || version === undefined) return undefined
  const topics = [{ name: topic.name }, ...(script.chance(0.2) ? [{ name: 'no-such-topic' }] : [])]
  return {
    operation: {
      title: 'describe topic partitions',
      api: 'DescribeTopicPartitions',
      version,
      ...admin,
      about: [topic.name],
      request: { topics, responsePartitionLimit: script.one(2_000, 2) },
    },
  }
}

const KEYS = [
  'cleanup.policy',
  'compression.type',
  'delete.retention.ms',
  'max.message.bytes',
  'message.timestamp.type',
  'min.insync.replicas',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.ms',
] as const

export const describeConfigs: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('DescribeConfigs')
  if (topic === undefined || version === undefined) return undefined
  const key = script.one(...KEYS)
  const configurationKeys = script.chance(0.1) ? null : [key, script.one(...KEYS), 'no.such.config']
  const [resourceType, resourceName] = script.one<[number, string]>(
    [2, topic.name],
    [2, topic.name],
    [2, 'no-such-topic'],
    [3, 'x'],
  )
  return {
    operation: {
      title: 'describe configs',
      api: 'DescribeConfigs',
      version,
      ...admin,
      about: [topic.name],
      request: {
        resources: [{ resourceType, resourceName, configurationKeys }],
        includeSynonyms: script.chance(0.5),
      },
    },
  }
}

/** Settings that change what a topic shows, but not how it treats the batches that the script sends. */
const HARMLESS: readonly (readonly [string, string])[] = [
  ['retention.bytes', '123456789'],
  ['retention.ms', '7200000'],
  ['delete.retention.ms', '1000'],
  ['segment.ms', '3600000'],
  ['min.insync.replicas', '1'],
  ['max.message.bytes', '900000'],
]

const SET = 0
const DELETE = 1

export const changeConfig: Plan = (script) => {
  const topic = script.pick(script.topics)
  const version = script.version('IncrementalAlterConfigs')
  if (topic === undefined || version === undefined) return undefined
  const [name, value] = script.pick(HARMLESS) ?? ['retention.ms', '1']
  const configOperation = script.one(SET, SET, DELETE)
  const settled = configOperation === SET ? value : null
  return {
    operation: {
      title: `${configOperation === SET ? 'set' : 'delete'} ${name}`,
      api: 'IncrementalAlterConfigs',
      version,
      ...admin,
      about: [topic.name],
      request: {
        resources: [
          {
            resourceType: 2,
            resourceName: topic.name,
            configs: [{ name, configOperation, value: configOperation === SET ? value : null }],
          },
        ],
        validateOnly: false,
      },
      settle: [
        { kind: 'config', topic: topic.name, key: name, value: settled },
        { kind: 'pause', ms: 20 },
      ],
    },
  }
}

/** All of a topic's settings at once, the old way: what is not named is reset. */
export const replaceConfigs: Plan = (script) => {
  const topic = script.pick(script.topics.filter(({ kind }) => kind === 'plain'))
  const version = script.version('AlterConfigs')
  if (topic === undefined || version === undefined) return undefined
  const [name, value] = script.pick(HARMLESS) ?? ['retention.ms', '1']
  return {
    operation: {
      title: `replace the configs by ${name}`,
      api: 'AlterConfigs',
      version,
      ...admin,
      about: [topic.name],
      request: {
        resources: [{ resourceType: 2, resourceName: topic.name, configs: [{ name, value }] }],
        validateOnly: false,
      },
      settle: [
        { kind: 'config', topic: topic.name, key: name, value },
        { kind: 'pause', ms: 20 },
      ],
    },
  }
}

export const wrongConfigChange: Plan = (script: Script) => {
  const topic = script.pick(script.topics)
  const version = script.version('IncrementalAlterConfigs')
  if (topic === undefined || version === undefined) return undefined
  const change = (name: string, configOperation: number, value: string | null) => [{ name, configOperation, value }]
  const wrong: readonly (readonly [string, readonly object[]])[] = [
    ['unknown key', change('no.such.config', SET, '1')],
    ['bad number', change('retention.ms', SET, 'soon')],
    ['out of range', change('segment.bytes', SET, '-5')],
    ['bad choice', change('compression.type', SET, 'rar')],
    ['append to a number', change('retention.ms', 2, '1')],
    ['subtract from a number', change('retention.ms', 3, '1')],
    ['unknown operation', change('retention.ms', 9, '1')],
    ['null value', change('retention.ms', SET, null)],
    ['twice', [...change('retention.ms', SET, '1'), ...change('retention.ms', SET, '2')]],
    ['append a bad member', change('cleanup.policy', 2, 'shred')],
  ]
  const [title, configs] = script.pick(wrong) ?? ['unknown key', []]
  const resourceName = script.chance(0.9) ? topic.name : 'no-such-topic'
  return {
    operation: {
      title: `wrong config change: ${title}`,
      api: 'IncrementalAlterConfigs',
      version,
      ...admin,
      about: [topic.name],
      request: { resources: [{ resourceType: 2, resourceName, configs }], validateOnly: true },
    },
  }
}
