import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import { parsePlace, placeOf } from '../projections/event-place.ts'
import { addressOptions, type AddressOptions, operationsClient } from '../projections/operations-client.ts'
import { parkedSchema, parkedTable, type ParkedView } from '../projections/projection-views.ts'
import type { Report } from '../report.ts'

interface KeyOptions extends AddressOptions {
  readonly key?: string
}

const keyOption = { flags: '-k, --key <key>', description: 'only events of this key' } as const

export const parkedList = defineCommand<KeyOptions>({
  path: 'parked list',
  summary: 'list the events that a projector has set aside',
  arguments: [['<projector>', 'its name']],
  options: [keyOption, ...addressOptions],
  examples: [['keyfold parked list balances', 'every one, with its error or what it waits behind']],
  data: listOf(parkedSchema),
  async run(context, { key, ...address }, [projector = '']): Promise<Report> {
    const client = operationsClient(address, context.world.env, context.signal)
    const events = await client.get<readonly ParkedView[]>(`/${encodeURIComponent(projector)}/parked`)
    const wanted = events.filter((event) => key === undefined || event.key === key)
    return { data: wanted, ids: wanted.map(placeOf), tables: [parkedTable(wanted)] }
  },
})

export const parkedShow = defineCommand<AddressOptions>({
  path: 'parked show',
  summary: 'show one parked event with its whole error',
  arguments: [
    ['<projector>', 'its name'],
    ['<place>', 'as parked list shows it: topic/partition@offset'],
  ],
  options: [...addressOptions],
  examples: [['keyfold parked show balances bank.account/2@117', 'what went wrong, and how often it was tried']],
  data: parkedSchema,
  async run(context, options, [projector = '', place = '']): Promise<Report> {
    const client = operationsClient(options, context.world.env, context.signal)
    const events = await client.get<readonly ParkedView[]>(`/${encodeURIComponent(projector)}/parked`)
    const event = events.find((each) => placeOf(each) === place)
    if (event === undefined) throw new CliError('PARKED_UNKNOWN', `${projector} has no parked event at ${place}`)
    const { key, type, attempts, error, parkedAtMs } = event
    const behind = events.filter((each) => each.key === key && each.offset > event.offset).length
    return {
      data: event,
      ids: [place],
      lines: [
        `${type ?? 'a record without a type'} of key ${key} at ${place}`,
        `parked ${new Date(parkedAtMs).toISOString()}, tried again ${attempts} times; ${behind} later events of the key wait`,
        error ?? 'it has not failed: it waits behind another event of its key',
        `read it: keyfold consume ${event.topic} -p ${event.partition} -o ${event.offset} -n 1`,
      ],
    }
  },
})

export const parkedRetry = defineCommand<KeyOptions>({
  path: 'parked retry',
  summary: 'apply parked events again, in the order of each key',
  arguments: [['<projector>', 'its name']],
  options: [keyOption, ...addressOptions],
  examples: [['keyfold parked retry balances --key account-7', 'this key alone; without --key, all']],
  exits: { partial: 'some failed again' },
  data: objectOf({ applied: whole, left: whole, errors: listOf(text) }),
  async run(context, { key, ...address }, [projector = '']): Promise<Report> {
    const client = operationsClient(address, context.world.env, context.signal)
    const path = `/${encodeURIComponent(projector)}/parked/retry`
    const report = await client.post<Retried>(path, key === undefined ? {} : { key })
    return {
      status: report.left === 0 ? 'ok' : 'partial',
      data: report,
      lines: [`${report.applied} applied, ${report.left} still parked`],
      diagnostics: report.errors.map((message) => ({ severity: 'error', code: 'HANDLER_FAILED', message })),
    }
  },
})

interface Retried {
  readonly applied: number
  readonly left: number
  readonly errors: readonly string[]
}

interface DropOptions extends KeyOptions {
  readonly place?: string
  readonly all?: boolean
  readonly reason: string
}

export const parkedDrop = defineCommand<DropOptions>({
  path: 'parked drop',
  summary: 'give parked events up: the read model goes on without them',
  details: 'The log keeps them, and a rebuild tries them again.',
  arguments: [['<projector>', 'its name']],
  options: [
    keyOption,
    { flags: '--place <place>', description: 'one event: topic/partition@offset' },
    { flags: '--all', description: 'every parked event' },
    { flags: '--reason <text>', description: 'why, for whoever misses them later', isRequired: true },
    ...addressOptions,
  ],
  examples: [
    ['keyfold parked drop balances --place bank.account/2@117 --reason "typed twice" --yes', 'this event alone'],
  ],
  data: objectOf({ dropped: whole }),
  async run(context, { key, place, all = false, reason, ...address }, [projector = '']): Promise<Report> {
    if ([key !== undefined, place !== undefined, all].filter(Boolean).length !== 1)
      throw new CliError('USAGE', 'say which events: --key, --place or --all')
    const which = place ?? (key === undefined ? 'all events' : `the events of key ${key}`)
    await context.confirm(`drop ${which} that ${projector} has parked`)
    const client = operationsClient(address, context.world.env, context.signal)
    const selection = all ? { all } : place === undefined ? { key } : { place: parsePlace(place, '--place') }
    const path = `/${encodeURIComponent(projector)}/parked/drop`
    const answer = await client.post<{ readonly dropped: number }>(path, { ...selection, reason })
    return { data: answer, lines: [`${answer.dropped} dropped`] }
  },
})
