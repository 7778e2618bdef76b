import { HEADERS } from '@keyfold/event-store'
import { headerText } from '@keyfold/kafka'
import { readStored } from '../aggregates/read-stored.ts'
import { type EventView, eventSchema } from '../aggregates/shown-events.ts'
import { defineCommand } from '../command.ts'
import { listOf, objectOf, orNull, text, whole } from '../json-schema.ts'

interface TraceOptions {
  readonly topics?: string
}

export const eventsTrace = defineCommand<TraceOptions>({
  path: 'events trace',
  summary: 'show everything that one request led to: commands, their events, and what these caused',
  details: `It reads every topic that holds events, or those of --topics, from the beginning: on a large cluster, name the topics.
An event whose cause is another event of the trace stands below it.`,
  arguments: [['<correlation-id>', 'ce_correlationid of the events: the x-correlation-id of the request']],
  options: [{ flags: '--topics <list>', description: 'only these: bank.account,bank.payment' }],
  uses: ['kafka', 'registry'],
  examples: [['keyfold events trace order-7 --topics bank.account', 'the events of one request, as a tree']],
  exits: { found: 'no event has that correlation id' },
  data: objectOf({
    correlationId: text,
    events: listOf(objectOf({ id: text, causedBy: orNull(text), depth: whole, event: eventSchema })),
  }),
  async run(context, { topics }, [correlationId = '']) {
    const wanted = topics?.split(',') ?? (await topicsOfEvents(await context.admin()))
    const events = await readStored(context, {
      topics: wanted,
      isWanted: (record) => headerText(record, HEADERS.correlationId) === correlationId,
    })
    const tree = asTree(events)
    if (tree.length === 0)
      return {
        status: 'found',
        data: { correlationId, events: [] },
        lines: [`no event of ${wanted.join(', ')} has the correlation id ${correlationId}`],
      }
    return {
      data: { correlationId, events: tree },
      ids: tree.map(({ id }) => id),
      items: tree,
      tables: [
        {
          columns: ['TIME', 'EVENT', 'KEY', { heading: 'VERSION', right: true }, 'COMMAND', 'PLACE'],
          rows: tree.map(({ depth, event }) => [
            event.time,
            `${'  '.repeat(depth)}${event.type}`,
            event.key,
            event.version,
            event.commandId,
            `${event.topic}/${event.partition}/${event.offset}`,
          ]),
        },
      ],
    }
  },
})

/** Every topic of events has a state topic beside it. */
async function topicsOfEvents(admin: {
  listTopics(): Promise<readonly { readonly name: string }[]>
}): Promise<readonly string[]> {
  const names = new Set((await admin.listTopics()).map(({ name }) => name))
  return [...names].filter((name) => names.has(`${name}.state`)).sort()
}

interface TracedEvent {
  readonly id: string
  readonly causedBy: string | null
  readonly depth: number
  readonly event: EventView
}

/** Each event after the one that caused it, and before what it caused itself. */
function asTree(events: readonly EventView[]): readonly TracedEvent[] {
  const ids = new Set(events.map(idOf))
  const below = Map.groupBy(events, (event) => {
    const cause = event.headers[HEADERS.causationId] ?? ''
    return ids.has(cause) && cause !== idOf(event) ? cause : ''
  })
  const tree: TracedEvent[] = []
  const seen = new Set<string>()
  const visit = (cause: string, depth: number): void => {
    for (const event of below.get(cause) ?? []) {
      const id = idOf(event)
      if (seen.has(id)) continue
      seen.add(id)
      tree.push({ id, causedBy: event.headers[HEADERS.causationId] ?? null, depth, event })
      visit(id, depth + 1)
    }
  }
  visit('', 0)
  return tree
}

function idOf({ headers }: EventView): string {
  return headers[HEADERS.id] ?? ''
}
