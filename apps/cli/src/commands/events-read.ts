import { HEADERS } from '@keyfold/event-store'
import { headerText } from '@keyfold/kafka'
import { readStored } from '../aggregates/read-stored.ts'
import { eventColumns, eventRow, eventSchema } from '../aggregates/shown-events.ts'
import { defineCommand } from '../command.ts'
import { listOf } from '../json-schema.ts'
import { parseCount } from '../parse-numbers.ts'

interface ReadOptions {
  readonly key?: string
  readonly type?: string
  readonly count: number
}

export const eventsRead = defineCommand<ReadOptions>({
  path: 'events read',
  summary: 'show the newest events of a topic as they are stored, with their versions and commands',
  details: `Events are shown with the schema they were written with: no code of the application is asked. Records that are no events
are left out; keyfold consume shows everything.`,
  arguments: [['<topic>', 'the topic of an aggregate']],
  options: [
    { flags: '-k, --key <id>', description: 'only this aggregate' },
    { flags: '--type <name>', description: 'only events of this full name' },
    { flags: '-n, --count <n>', description: 'so many, the newest ones', parse: parseCount, default: 100 },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold events read bank.account -k a-1', 'the last 100 events of one account'],
    ['keyfold events read bank.account --type bank.MoneyDeposited -n 5', 'the last five deposits'],
  ],
  exits: { usage: 'the topic does not exist' },
  data: listOf(eventSchema),
  async run(context, { key, type, count }, [topic = '']) {
    const events = await readStored(context, {
      topics: [topic],
      newest: count,
      isWanted: (record) => {
        const stored = headerText(record, HEADERS.type)
        if (stored === undefined || (type !== undefined && stored !== type)) return false
        return key === undefined || record.key?.toString() === key
      },
    })
    return {
      data: events,
      ids: events.map(({ headers }) => headers[HEADERS.id] ?? ''),
      tables: [
        {
          columns: ['KEY', ...eventColumns],
          rows: events.map((event) => [event.key, ...eventRow(event)]),
        },
      ],
    }
  },
})
