import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, truth, whole } from '../json-schema.ts'

interface ListOptions {
  readonly internal?: boolean
}

export const topicsList = defineCommand<ListOptions>({
  path: 'topics list',
  summary: 'list the topics of a cluster',
  options: [{ flags: '--internal', description: 'also those in which Kafka keeps its own state' }],
  uses: ['kafka'],
  examples: [
    ['keyfold topics list', 'name, partitions and replicas of every topic'],
    ['keyfold topics list -q', 'only the names, one on each line'],
  ],
  data: listOf(objectOf({ name: text, partitions: whole, replicationFactor: whole, isInternal: truth })),
  async run(context, { internal = false }) {
    const admin = await context.admin()
    const topics = (await admin.listTopics()).filter(({ isInternal }) => internal || !isInternal)
    return {
      data: topics,
      ids: topics.map(({ name }) => name),
      tables: [
        {
          columns: ['TOPIC', { heading: 'PARTITIONS', right: true }, { heading: 'REPLICAS', right: true }],
          rows: topics.map(({ name, partitions, replicationFactor }) => [name, partitions, replicationFactor]),
        },
      ],
    }
  },
})
