import { defineCommand } from '../command.ts'
import { listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'

export const topicsDescribe = defineCommand({
  path: 'topics describe',
  summary: 'show the partitions of a topic with their offsets, and its settings',
  arguments: [['<topic>', 'its name']],
  uses: ['kafka'],
  examples: [
    ['keyfold topics describe bank.account', 'leaders, replicas, first and last offsets, settings of its own'],
  ],
  exits: { usage: 'the topic does not exist' },
  data: objectOf({
    name: text,
    topicId: orNull(text),
    isInternal: truth,
    replicationFactor: whole,
    partitions: listOf(
      objectOf({
        partition: whole,
        leader: whole,
        replicas: listOf(whole),
        inSyncReplicas: listOf(whole),
        startOffset: whole,
        endOffset: whole,
      }),
    ),
    configs: listOf(objectOf({ name: text, value: orNull(text), source: text })),
  }),
  async run(context, _options, [name = '']) {
    const admin = await context.admin()
    const topic = await admin.describeTopic(name)
    const [starts, ends, configs] = await Promise.all([
      admin.offsets(name, 'earliest'),
      admin.offsets(name, 'latest'),
      admin.topicConfigs(name),
    ])
    const partitions = topic.layout.map((layout) => ({
      ...layout,
      startOffset: starts[layout.partition] ?? 0,
      endOffset: ends[layout.partition] ?? 0,
    }))
    const own = configs.filter(({ source }) => source === 'topic')
    const { topicId = null, isInternal, replicationFactor } = topic
    return {
      data: {
        name,
        topicId,
        isInternal,
        replicationFactor,
        partitions,
        configs: own.map((config) => ({ name: config.name, value: config.value, source: config.source })),
      },
      ids: [name],
      lines: [`topic ${name}${topicId === null ? '' : ` (id ${topicId})`}`],
      tables: [
        {
          columns: [
            { heading: 'PARTITION', right: true },
            { heading: 'LEADER', right: true },
            'REPLICAS',
            'IN SYNC',
            { heading: 'START', right: true },
            { heading: 'END', right: true },
          ],
          rows: partitions.map(({ partition, leader, replicas, inSyncReplicas, startOffset, endOffset }) => [
            partition,
            leader,
            replicas.join(','),
            inSyncReplicas.join(','),
            startOffset,
            endOffset,
          ]),
        },
        ...(own.length === 0
          ? []
          : [{ columns: ['SETTING', 'VALUE'], rows: own.map((config) => [config.name, config.value]) }]),
      ],
    }
  },
})
