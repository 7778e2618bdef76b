import { InvalidArgumentError } from 'commander'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { parseCount, parseWhole } from '../parse-numbers.ts'
import { debugLines, debugSchema, type DebugView } from '../projections/debug-view.ts'
import { parsePlace, placeOf } from '../projections/event-place.ts'
import { addressOptions, type AddressOptions, operationsClient } from '../projections/operations-client.ts'
import type { Diagnostic, Report } from '../report.ts'

interface RangeOptions {
  readonly topic?: string
  readonly partition?: number
  readonly key?: string
  readonly from?: number
  readonly to?: number
  readonly count?: number
  readonly warmUp?: boolean
}

export const projectionsDebug = defineCommand<RangeOptions & AddressOptions>({
  path: 'projections debug',
  summary: 'show what a projector does with events, on rows of their own',
  details: `The events are applied one by one to tables that nobody reads and that are gone afterwards; serving rows,
checkpoints and parked events stay as they are, and effects do not run. Shown is what the handlers were given, which
rows each event changed (+ new, - deleted, ~ changed), why it failed, and which events would wait behind it.

Events of one partition are tried, by default from its beginning, 100 at most. The first one meets empty tables: with
--warm-up everything that lies before an event in its partition has been applied, of all keys (a million log positions
at most). The application does the work, beside its other work.`,
  arguments: [
    ['<projector>', 'its name'],
    ['[place]', 'one event, as parked list shows it: topic/partition@offset; more of them with -n'],
  ],
  options: [
    { flags: '--topic <topic>', description: 'where the projector reads several' },
    { flags: '-p, --partition <n>', description: 'this one', parse: parseWhole },
    { flags: '-k, --key <key>', description: 'only events of this key, looked for in its one partition' },
    {
      flags: '--from <offset>',
      description: 'the first; -20 begins twenty log positions before the end',
      parse: offset,
    },
    { flags: '--to <offset>', description: 'end before this one', parse: parseWhole },
    { flags: '-n, --count <n>', description: 'so many events at most, up to 1000', parse: parseCount },
    { flags: '--warm-up', description: 'apply what lies before them first' },
    ...addressOptions,
  ],
  examples: [
    ['keyfold projections debug balances --key alice', 'all events of a key, from empty tables'],
    ['keyfold projections debug balances bank.account/2@117 --warm-up', 'why this event fails on the rows it meets'],
    ['keyfold projections debug balances -p 2 --from -20 --warm-up --json', 'the newest of a partition, for programs'],
  ],
  exits: { found: 'an event fails, or would wait behind one that does' },
  data: debugSchema,
  async run(context, options, [projector = '', place]): Promise<Report> {
    const client = operationsClient(options, context.world.env, context.signal)
    const path = `/${encodeURIComponent(projector)}/debug`
    const view = await client.post<DebugView>(path, questionOf(options, place))
    const isSound = view.events.every(({ outcome }) => outcome === 'applied' || outcome === 'passed-over')
    return {
      status: isSound ? 'ok' : 'found',
      data: view,
      items: view.events,
      ids: view.events.map(placeOf),
      lines: debugLines(view),
      diagnostics: moreToSee(view),
    }
  },
})

function questionOf(options: RangeOptions, place: string | undefined): object {
  const { topic, partition, key, from, to, count, warmUp } = options
  const range = { topic, partition, key, from, to }
  if (place === undefined) return { ...range, eventsMax: count, warmUp }
  const tooMuch = Object.entries(range).find(([, value]) => value !== undefined)
  if (tooMuch !== undefined) throw new CliError('USAGE', `${place} says where: leave --${tooMuch[0]} out`)
  const event = parsePlace(place, '<place>')
  const end = count === undefined ? { to: event.offset + 1 } : { eventsMax: count }
  return { topic: event.topic, partition: event.partition, from: event.offset, ...end, warmUp }
}

function moreToSee({ projector, topic, partition, key, next, warmUp }: DebugView): readonly Diagnostic[] {
  if (next === null) return []
  const options = [`--topic ${topic} -p ${partition} --from ${next}`, key === null ? [] : `--key ${key}`]
  const command = ['keyfold projections debug', projector, ...options.flat(), warmUp === null ? [] : '--warm-up']
  const fix = `Go on with: ${command.flat().join(' ')}`
  return [{ severity: 'info', code: 'MORE_EVENTS', message: `the range goes on at offset ${next}.`, fix }]
}

/** An offset, or a distance from the end. */
function offset(text: string): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('Give an offset, or -n for n log positions before the end')
}
