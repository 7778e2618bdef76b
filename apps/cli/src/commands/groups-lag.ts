import type { KafkaAdmin } from '@keyfold/kafka'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { type GroupLag, groupLag, lagMembers } from '../groups/group-lag.ts'
import { listOf, objectOf, truth } from '../json-schema.ts'
import { parseDuration } from '../parse-duration.ts'
import { parseWhole } from '../parse-numbers.ts'
import { pause } from '../pause.ts'
import type { Report } from '../report.ts'

interface LagOptions {
  readonly watch?: boolean
  readonly every: number
  readonly failOver?: number
}

export const groupsLag = defineCommand<LagOptions>({
  path: 'groups lag',
  summary: 'say how many records groups are behind',
  details: 'Without a name: all groups. With --fail-over it is a probe: exit code 1 when a group is further behind.',
  arguments: [['[group...]', 'their names']],
  options: [
    { flags: '-w, --watch', description: 'again and again until Ctrl-C; with --fail-over until one is over it' },
    { flags: '--every <duration>', description: 'how often with --watch', parse: parseDuration, default: 2_000 },
    {
      flags: '--fail-over <records>',
      description: 'exit 1 when a group is further behind than this',
      parse: parseWhole,
    },
  ],
  uses: ['kafka'],
  examples: [
    [
      'keyfold groups lag billing --fail-over 1000',
      'a probe: exit code 1 when billing is more than 1000 records behind',
    ],
    ['keyfold groups lag --watch', 'all groups, every two seconds'],
  ],
  exits: { found: 'a group is further behind than --fail-over', usage: 'the group does not exist' },
  data: listOf(objectOf({ ...lagMembers, isOver: truth })),
  async run(context, { watch = false, every, failOver }, names) {
    const admin = await context.admin()
    const limit = failOver ?? Number.POSITIVE_INFINITY
    if (!watch) return reportOf(await lagsOf(admin, names), limit)
    context.stream.open()
    while (!context.signal.aborted) {
      const lags = await lagsOf(admin, names)
      for (const lag of lags) writeLag(context, lag, limit)
      if (lags.some(({ lag }) => lag > limit)) return { status: 'found', data: null }
      await pause(every, context.signal)
    }
    return undefined
  },
})

async function lagsOf(admin: KafkaAdmin, names: readonly string[]): Promise<readonly GroupLag[]> {
  const groups = names.length > 0 ? names : (await admin.listGroups()).map(({ groupId }) => groupId)
  const lags: GroupLag[] = []
  for (const name of groups) lags.push(await groupLag(admin, name))
  return lags
}

function writeLag({ stream }: Context, lag: GroupLag, limit: number): void {
  stream.write({ ...lag, isOver: lag.lag > limit }, () => `${lag.group}\t${lag.state}\t${lag.lag}`)
}

function reportOf(lags: readonly GroupLag[], limit: number): Report {
  const over = lags.filter(({ lag }) => lag > limit)
  return {
    status: over.length === 0 ? 'ok' : 'found',
    data: lags.map((lag) => ({ ...lag, isOver: lag.lag > limit })),
    ids: over.map(({ group }) => group),
    tables: [
      {
        columns: [
          'GROUP',
          'STATE',
          'TOPIC',
          { heading: 'PARTITION', right: true },
          { heading: 'OFFSET', right: true },
          { heading: 'END', right: true },
          { heading: 'LAG', right: true },
        ],
        rows: lags.flatMap(({ group, state, partitions }) =>
          partitions.map((each) => [group, state, each.topic, each.partition, each.offset, each.endOffset, each.lag]),
        ),
      },
    ],
    diagnostics: over.map(({ group, lag }) => ({
      severity: 'error',
      code: 'LAG_OVER_LIMIT',
      message: `group ${group} is ${lag} records behind, more than ${limit}.`,
    })),
  }
}
