import { writeFile } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { planReset, type PlannedOffset, type ResetTarget } from '../groups/reset-target.ts'
import { jsonText } from '../json-text.ts'
import { listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import { parseInstant } from '../parse-instant.ts'
import { parseWhole } from '../parse-numbers.ts'
import { parseWords } from '../parse-settings.ts'
import type { Report } from '../report.ts'

const TARGETS = ['earliest', 'latest', 'offset', 'time', 'duration', 'group', 'file'] as const

interface ResetOptions {
  readonly to: (typeof TARGETS)[number]
  readonly offset?: number
  readonly time?: number
  readonly ago?: string
  readonly fromGroup?: string
  readonly file?: string
  readonly topics?: readonly string[]
  readonly plan?: string
  readonly execute?: boolean
}

export const groupsReset = defineCommand<ResetOptions>({
  path: 'groups reset',
  summary: 'move a group to other offsets',
  details: `Shows what it would do; --execute does it. Offsets outside of what is stored become the nearest one that is.
A group with members is refused: they would go on from where they are. Stop them first, then reset, then start them.`,
  arguments: [['<group>', 'its name; one that does not exist is made, with --topics']],
  options: [
    { flags: '--to <target>', description: 'where to', choices: TARGETS, isRequired: true },
    { flags: '--offset <n>', description: 'for --to offset', parse: parseWhole },
    {
      flags: '--time <time>',
      description: 'for --to time: the first record at or after 2026-01-01T00:00',
      parse: parseInstant,
    },
    { flags: '--ago <duration>', description: 'for --to duration: 30m, 2h, 7d' },
    { flags: '--from-group <group>', description: 'for --to group: where that group stands' },
    { flags: '--file <path>', description: 'for --to file: a plan as --plan writes it' },
    {
      flags: '--topics <list>',
      description: 'only these; without it all that the group has offsets in',
      parse: parseWords,
    },
    { flags: '--plan <path>', description: 'write what it would do to this file' },
    { flags: '--execute', description: 'do it' },
  ],
  uses: ['kafka'],
  examples: [
    ['keyfold groups reset billing --to earliest', 'show what reading everything again would mean'],
    ['keyfold groups reset billing --to time --time 2026-01-01T00:00 --plan plan.json', 'write a plan to look at'],
    ['keyfold groups reset billing --to file --file plan.json --execute', 'carry it out'],
  ],
  exits: { usage: 'a topic or group does not exist, or the plan cannot be read', refused: 'the group has members' },
  data: objectOf({
    group: text,
    isExecuted: truth,
    partitions: listOf(objectOf({ topic: text, partition: whole, from: orNull(whole), to: whole })),
  }),
  async run(context, options, [group = '']): Promise<Report> {
    const target = targetOf(options)
    const admin = await context.admin()
    const isKnown = (await admin.listGroups()).some(({ groupId }) => groupId === group)
    if (!isKnown && options.topics === undefined && target.kind !== 'group' && target.kind !== 'file')
      throw new CliError('GROUP_UNKNOWN', `there is no group ${group}`)
    const members = isKnown ? (await admin.describeGroup(group)).members : []
    if (members.length > 0) {
      const who = members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')
      throw new CliError('GROUP_IN_USE', `the group ${group} has ${members.length} members: ${who}`)
    }
    const partitions = await planReset(admin, group, { target, topics: options.topics })
    const { execute = false, plan } = options
    if (plan !== undefined) await writePlan(plan, { group, partitions })
    if (execute)
      await admin.setGroupOffsets(
        group,
        partitions.map(({ topic, partition, to }) => ({ topic, partition, offset: to })),
      )
    return reportOf(group, partitions, execute)
  },
})

/** Every target needs its own option, and no other one. */
const NEEDS = { offset: 'offset', time: 'time', duration: 'ago', group: 'fromGroup', file: 'file' } as const
const FLAGS = { offset: '--offset', time: '--time', ago: '--ago', fromGroup: '--from-group', file: '--file' } as const

function targetOf(options: ResetOptions): ResetTarget {
  const { to } = options
  const needed = to === 'earliest' || to === 'latest' ? undefined : NEEDS[to]
  for (const name of Object.values(NEEDS)) {
    if (name === needed && options[name] === undefined) throw new CliError('USAGE', `--to ${to} needs ${FLAGS[name]}`)
    if (name !== needed && options[name] !== undefined)
      throw new CliError('USAGE', `${FLAGS[name]} does not go with --to ${to}`)
  }
  const { offset = 0, time = 0, ago = '', fromGroup = '', file = '' } = options
  switch (to) {
    case 'offset':
      return { kind: 'offset', offset }
    case 'time':
      return { kind: 'time', timestampMs: time }
    case 'duration':
      return { kind: 'time', timestampMs: instantAgo(ago) }
    case 'group':
      return { kind: 'group', groupId: fromGroup }
    case 'file':
      return { kind: 'file', path: file }
    default:
      return { kind: to }
  }
}

function instantAgo(ago: string): number {
  try {
    return parseInstant(`-${ago}`)
  } catch {
    throw new CliError('USAGE', `--ago ${ago} is not a duration: give 30m, 2h, 7d`)
  }
}

interface Plan {
  readonly group: string
  readonly partitions: readonly PlannedOffset[]
}

async function writePlan(path: string, plan: Plan): Promise<void> {
  try {
    await writeFile(path, `${jsonText(plan, 2)}\n`)
  } catch (error) {
    throw new CliError('FILE_UNWRITABLE', `${path}: ${(error as Error).message}`)
  }
}

function reportOf(group: string, partitions: readonly PlannedOffset[], isExecuted: boolean): Report {
  return {
    data: { group, isExecuted, partitions },
    ids: partitions.map(({ topic, partition, to }) => `${topic}/${partition}@${to}`),
    items: partitions,
    tables: [
      {
        columns: [
          'TOPIC',
          { heading: 'PARTITION', right: true },
          { heading: 'FROM', right: true },
          { heading: 'TO', right: true },
          { heading: 'RECORDS', right: true },
        ],
        rows: partitions.map((each) => [
          each.topic,
          each.partition,
          each.from,
          each.to,
          each.from === null ? null : each.to - each.from,
        ]),
      },
    ],
    diagnostics: isExecuted
      ? []
      : [{ severity: 'info', code: 'DRY_RUN', message: 'nothing was changed.', fix: 'add --execute' }],
  }
}
