import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, truth, whole } from '../json-schema.ts'
import { parseInstant } from '../parse-instant.ts'
import { parseNumbers, parseWhole } from '../parse-numbers.ts'
import type { Report } from '../report.ts'

interface TrimOptions {
  readonly before?: number
  readonly beforeTime?: number
  readonly all?: boolean
  readonly partitions?: readonly number[]
  readonly execute?: boolean
}

export const topicsTrim = defineCommand<TrimOptions>({
  path: 'topics trim',
  summary: 'delete the oldest records of a topic',
  details:
    'Shows what it would do; --execute does it. Event topics are the source of truth: what is trimmed is lost to every rebuild.',
  arguments: [['<topic>', 'its name']],
  options: [
    { flags: '--before <offset>', description: 'delete the records below this offset', parse: parseWhole },
    {
      flags: '--before-time <time>',
      description: 'delete the records older than this: 2026-01-01T00:00, -7d',
      parse: parseInstant,
    },
    { flags: '--all', description: 'delete all records' },
    { flags: '-p, --partitions <list>', description: 'only in these: 0,1', parse: parseNumbers },
    { flags: '--execute', description: 'do it' },
  ],
  uses: ['kafka'],
  examples: [
    ['keyfold topics trim audit --before-time -30d', 'show what a month would leave'],
    ['keyfold topics trim audit --before-time -30d --execute', 'do it'],
  ],
  exits: { usage: 'the topic or the partition does not exist' },
  data: objectOf({
    name: text,
    isExecuted: truth,
    partitions: listOf(objectOf({ partition: whole, startOffset: whole, newStartOffset: whole, deleted: whole })),
  }),
  async run(context, options, [name = '']): Promise<Report> {
    const { before, beforeTime, all, partitions: wanted, execute = false } = options
    if ([before, beforeTime, all].filter((each) => each !== undefined).length !== 1)
      throw new CliError('USAGE', 'give exactly one of --before, --before-time and --all')
    const admin = await context.admin()
    const { layout } = await admin.describeTopic(name)
    const missing = wanted?.find((partition) => partition >= layout.length)
    if (missing !== undefined) throw new CliError('USAGE', `topic ${name} has no partition ${missing}`)
    const [starts, ends] = await Promise.all([admin.offsets(name, 'earliest'), admin.offsets(name, 'latest')])
    const targets = beforeTime === undefined ? ends : await admin.offsets(name, { timestampMs: beforeTime })
    const partitions = layout
      .filter(({ partition }) => wanted === undefined || wanted.includes(partition))
      .map(({ partition }) => {
        const start = starts[partition] ?? 0
        const end = ends[partition] ?? 0
        const target = before ?? targets[partition] ?? start
        const newStartOffset = Math.min(Math.max(start, target), end)
        return { partition, startOffset: start, newStartOffset, deleted: newStartOffset - start }
      })
    const changed = partitions.filter(({ deleted }) => deleted > 0)
    if (execute && changed.length > 0)
      await admin.deleteRecords(name, new Map(changed.map((each) => [each.partition, each.newStartOffset])))
    const isExecuted = execute && changed.length > 0
    const isDryRun = !execute && changed.length > 0
    return {
      data: { name, isExecuted, partitions },
      ids: changed.map(({ partition }) => String(partition)),
      items: partitions,
      tables: [
        {
          columns: [
            { heading: 'PARTITION', right: true },
            { heading: 'START', right: true },
            { heading: 'NEW START', right: true },
            { heading: 'OFFSETS', right: true },
          ],
          rows: partitions.map((each) => [each.partition, each.startOffset, each.newStartOffset, each.deleted]),
        },
      ],
      diagnostics: isDryRun
        ? [{ severity: 'info', code: 'DRY_RUN', message: 'nothing was deleted.', fix: 'add --execute' }]
        : [],
    }
  },
})
