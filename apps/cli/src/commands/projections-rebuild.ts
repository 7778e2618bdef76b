import { InvalidArgumentError } from 'commander'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { anything, listOf, objectOf, orNull, text, truth, whole } from '../json-schema.ts'
import {
  addressOptions,
  type AddressOptions,
  type OperationsClient,
  operationsClient,
} from '../projections/operations-client.ts'
import {
  durationText,
  type JobProgress,
  PROGRESS_STYLES,
  ProgressBar,
  type ProgressStyle,
} from '../projections/progress-bar.ts'
import type { ProjectionView } from '../projections/projection-views.ts'
import type { Report } from '../report.ts'

interface RebuildOptions extends AddressOptions {
  readonly all?: boolean
  readonly throttle?: number
  readonly hold?: boolean
  readonly progress: ProgressStyle
}

interface Rebuilt {
  readonly projector: string
  readonly generation: number
  readonly version: number
  readonly events: number
  readonly seconds: number
  readonly eventsPerSecond: number
  readonly verified: {
    readonly equal: boolean | null
    readonly differences: readonly string[]
    readonly tables: readonly unknown[]
  }
}

export const rebuiltSchema = objectOf({
  projector: text,
  generation: whole,
  version: whole,
  events: whole,
  seconds: { type: 'number' },
  eventsPerSecond: whole,
  verified: objectOf({ equal: orNull(truth), differences: listOf(text), tables: listOf(anything) }),
})

export const progressOption = {
  flags: '--progress <style>',
  description: 'how progress is told on stderr',
  choices: PROGRESS_STYLES,
  default: 'auto',
} as const

export const projectionsRebuild = defineCommand<RebuildOptions>({
  path: 'projections rebuild',
  summary: 'build read models anew from offset zero, while the old ones serve',
  details:
    'The new generation is built beside the serving one, verified against it, and switched to. Ctrl-C ends this command, ' +
    'not the rebuild: keyfold projections status shows it, keyfold projections cancel ends it.',
  arguments: [['[projector...]', 'their names']],
  options: [
    { flags: '--all', description: 'every projector of the application' },
    { flags: '--throttle <events>', description: 'events per second at most', parse: parseRate },
    { flags: '--hold', description: 'verify, follow the log, and wait for: keyfold projections swap' },
    progressOption,
    ...addressOptions,
  ],
  examples: [
    ['keyfold projections rebuild balances', 'with a progress bar'],
    ['keyfold projections rebuild --all --progress json', 'every projector, progress as JSON on stderr'],
  ],
  exits: { found: 'a rebuild has failed; what served before goes on serving' },
  data: listOf(rebuiltSchema),
  async run(context, { all = false, throttle, hold = false, progress, ...address }, names): Promise<Report> {
    const client = operationsClient(address, context.world.env, context.signal)
    const projectors = await chosen(client, names, all)
    const bar = new ProgressBar(context.world, progress)
    const body = {
      ...(throttle !== undefined && { eventsPerSecondMax: throttle }),
      ...(hold && { switch: 'manual' }),
    }
    const rebuilt: Rebuilt[] = []
    // One after the other: together they would only share the same processor and disk.
    for (const name of projectors)
      rebuilt.push(await jobWithBar<Rebuilt>(client, `/${encodeURIComponent(name)}/rebuild`, { body, bar }))
    return { data: rebuilt, ids: projectors, lines: rebuilt.map(lineOf) }
  },
})

/** Runs a job of the application under a progress bar. */
export async function jobWithBar<Answer>(
  client: OperationsClient,
  path: string,
  { body = {}, bar }: { readonly body?: object; readonly bar: ProgressBar },
): Promise<Answer> {
  try {
    return await client.job<JobProgress, Answer>(path, body, (progress) => bar.show(progress))
  } finally {
    bar.end()
  }
}

async function chosen(client: OperationsClient, names: readonly string[], all: boolean): Promise<readonly string[]> {
  if (all === names.length > 0) throw new CliError('USAGE', 'name the projectors to rebuild, or give --all')
  if (!all) return names
  const views = await client.get<readonly ProjectionView[]>('')
  return views.filter(({ state }) => state !== 'detached' && state !== 'new').map(({ projector }) => projector)
}

function parseRate(text: string): number {
  const rate = Number(text)
  if (rate > 0 && Number.isFinite(rate)) return rate
  throw new InvalidArgumentError('Give a number of events per second above 0')
}

function lineOf({ projector, generation, events, seconds, eventsPerSecond, verified }: Rebuilt): string {
  const equal = verified.equal === true ? 'equal to what served' : `not compared${reasonOf(verified.differences)}`
  const rate = eventsPerSecond.toLocaleString('en-US')
  return `${projector}: generation ${generation} serves; ${events} events in ${durationText(seconds)} (${rate}/s), ${equal}`
}

function reasonOf(differences: readonly string[]): string {
  return differences.length === 0 ? '' : ` (${differences.join('; ')})`
}
