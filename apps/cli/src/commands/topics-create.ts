import { defineCommand } from '../command.ts'
import { mapOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import { parseCount } from '../parse-numbers.ts'
import { parseSetting } from '../parse-settings.ts'

interface CreateOptions {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
  readonly dryRun?: boolean
}

export const topicsCreate = defineCommand<CreateOptions>({
  path: 'topics create',
  summary: 'create a topic',
  arguments: [['<topic>', 'its name: letters, digits, dots, underscores, hyphens']],
  options: [
    { flags: '-p, --partitions <n>', description: 'how many; without it what the cluster takes', parse: parseCount },
    { flags: '-r, --replication-factor <n>', description: 'how many replicas of each', parse: parseCount },
    { flags: '-c, --config <key=value>', description: 'a setting under Kafka’s name; repeat it', parse: parseSetting },
    { flags: '--dry-run', description: 'only ask the cluster whether it would' },
  ],
  uses: ['kafka'],
  examples: [
    ['keyfold topics create bank.account -p 4 -c retention.ms=-1', 'a topic for events: kept for ever'],
    ['keyfold topics create state -p 4 -c cleanup.policy=compact --dry-run', 'would the cluster make this one?'],
  ],
  exits: { usage: 'it exists already, or the cluster refuses its name or a setting' },
  data: objectOf({
    name: text,
    partitions: orNull(whole),
    replicationFactor: orNull(whole),
    configs: mapOf(text),
    isCreated: truth,
  }),
  async run(context, { partitions, replicationFactor, config: configs = {}, dryRun = false }, [name = '']) {
    const admin = await context.admin()
    await admin.createTopic({
      name,
      configs,
      validateOnly: dryRun,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    })
    return {
      data: {
        name,
        partitions: partitions ?? null,
        replicationFactor: replicationFactor ?? null,
        configs,
        isCreated: !dryRun,
      },
      ids: [name],
      lines: [dryRun ? `topic ${name} would be created` : `topic ${name} created`],
    }
  },
})
