import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, mapOf, objectOf, orNull, text, truth } from '../json-schema.ts'
import { parseSetting, parseWords } from '../parse-settings.ts'

interface ConfigOptions {
  readonly set?: Readonly<Record<string, string>>
  readonly unset?: readonly string[]
  readonly dryRun?: boolean
  readonly all?: boolean
}

export const topicsConfig = defineCommand<ConfigOptions>({
  path: 'topics config',
  summary: 'show the settings of a topic, or change them',
  details: 'What is set takes effect at once. Without --set and --unset nothing is changed.',
  arguments: [['<topic>', 'its name']],
  options: [
    { flags: '-s, --set <key=value>', description: 'set one; repeat it', parse: parseSetting },
    { flags: '-u, --unset <key>', description: 'go back to the cluster’s value; repeat it', parse: parseWords },
    { flags: '--dry-run', description: 'only ask the cluster whether it would' },
    { flags: '-a, --all', description: 'show those that are the cluster’s, too' },
  ],
  uses: ['kafka'],
  examples: [
    ['keyfold topics config bank.account', 'settings of its own'],
    ['keyfold topics config bank.account --set retention.ms=-1', 'keep its records for ever'],
    ['keyfold topics config bank.account --unset retention.ms', 'keep them as long as the cluster says'],
  ],
  exits: { usage: 'the topic does not exist, or the cluster refuses a setting' },
  data: objectOf({
    name: text,
    changes: mapOf(orNull(text)),
    isChanged: truth,
    configs: listOf(objectOf({ name: text, value: orNull(text), source: text, isReadOnly: truth })),
  }),
  async run(context, { set = {}, unset = [], dryRun = false, all = false }, [name = '']) {
    const both = unset.find((key) => key in set)
    if (both !== undefined) throw new CliError('USAGE', `${both} cannot be set and unset at once`)
    const changes: Record<string, string | null> = { ...set, ...Object.fromEntries(unset.map((key) => [key, null])) }
    const admin = await context.admin()
    await admin.describeTopic(name)
    const hasChanges = Object.keys(changes).length > 0
    if (hasChanges) await admin.alterTopicConfigs(name, { changes, validateOnly: dryRun })
    const isChanged = hasChanges && !dryRun
    const configs = await admin.topicConfigs(name)
    const shown = configs.filter(({ source }) => all || source === 'topic')
    return {
      data: { name, changes, isChanged, configs: shown },
      ids: shown.map((config) => config.name),
      items: shown,
      lines: hasChanges ? [`topic ${name} ${dryRun ? 'would be' : 'is'} changed`] : [],
      tables: [
        {
          columns: ['SETTING', 'VALUE', 'FROM'],
          rows: shown.map((config) => [config.name, config.value, config.source]),
        },
      ],
    }
  },
})
