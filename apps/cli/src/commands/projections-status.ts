import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf } from '../json-schema.ts'
import { parseDuration } from '../parse-duration.ts'
import { pause } from '../pause.ts'
import { addressOptions, type AddressOptions, operationsClient } from '../projections/operations-client.ts'
import {
  partitionsTable,
  projectionSchema,
  projectionsTable,
  type ProjectionView,
} from '../projections/projection-views.ts'
import type { Report } from '../report.ts'

interface StatusOptions extends AddressOptions {
  readonly watch?: boolean
  readonly every: number
  /** Milliseconds. */
  readonly failOver?: number
}

export const projectionsStatus = defineCommand<StatusOptions>({
  path: 'projections status',
  summary: 'say how far projectors are, partition by partition',
  details:
    'Without a name: all projectors. With --fail-over it is a probe: exit code 1 when the oldest event that is not ' +
    'applied is older than that, or a projector has failed.',
  arguments: [['[projector...]', 'their names']],
  options: [
    { flags: '-w, --watch', description: 'again and again until Ctrl-C; with --fail-over until one is over it' },
    { flags: '--every <duration>', description: 'how often with --watch', parse: parseDuration, default: 2_000 },
    { flags: '--fail-over <age>', description: 'exit 1 when a projector is further behind: 60s', parse: parseDuration },
    ...addressOptions,
  ],
  examples: [
    ['keyfold projections status balances --fail-over 60s', 'a probe: exit code 1 when balances is a minute behind'],
    ['keyfold projections status --watch', 'all projectors, every two seconds'],
  ],
  exits: { found: 'a projector has failed, or is further behind than --fail-over' },
  data: listOf(projectionSchema),
  async run(context, { watch = false, every, failOver, ...address }, names) {
    const client = operationsClient(address, context.world.env, context.signal)
    const ask = async (): Promise<readonly ProjectionView[]> =>
      named(await client.get<readonly ProjectionView[]>(''), names)
    if (!watch) return reportOf(await ask(), failOver)
    context.stream.open()
    while (!context.signal.aborted) {
      const views = await ask()
      for (const view of views) context.stream.write(view, () => lineOf(view))
      if (failOver !== undefined && views.some((view) => isOver(view, failOver))) return { status: 'found', data: null }
      await pause(every, context.signal)
    }
    return undefined
  },
})

function named(views: readonly ProjectionView[], names: readonly string[]): readonly ProjectionView[] {
  const unknown = names.find((name) => !views.some(({ projector }) => projector === name))
  if (unknown === undefined)
    return names.length === 0 ? views : views.filter(({ projector }) => names.includes(projector))
  const known = views.map(({ projector }) => projector).join(', ')
  throw new CliError('PROJECTION_UNKNOWN', `the application has no projector ${unknown}, only ${known}`)
}

/** A projector that somebody has paused is behind on purpose. */
function isOver({ state, lagSeconds }: ProjectionView, failOverMs: number): boolean {
  return state === 'failed' || (state !== 'paused' && lagSeconds * 1000 > failOverMs)
}

function reportOf(views: readonly ProjectionView[], failOver: number | undefined): Report {
  const over = views.filter((view) => (failOver === undefined ? view.state === 'failed' : isOver(view, failOver)))
  return {
    status: over.length === 0 ? 'ok' : 'found',
    data: views,
    ids: over.map(({ projector }) => projector),
    tables: [projectionsTable(views), ...views.map(partitionsTable)],
    diagnostics: over.map(({ projector, state, lagSeconds, error }) => ({
      severity: 'error',
      code: state === 'failed' ? 'PROJECTION_FAILED' : 'LAG_OVER_LIMIT',
      message:
        state === 'failed' ? `${projector} has failed: ${error?.message}` : `${projector} is ${lagSeconds} s behind.`,
    })),
  }
}

function lineOf({ projector, state, lag, lagSeconds, parked }: ProjectionView): string {
  return `${projector}\t${state}\t${lag}\t${lagSeconds}\t${parked}`
}
