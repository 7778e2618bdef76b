import type { AggregateHistory } from '@keyfold/event-store'
import { loadApp } from '../aggregates/load-app.ts'
import { parseMoment } from '../aggregates/parse-moment.ts'
import { eventColumns, eventRow, eventSchema, eventView } from '../aggregates/shown-events.ts'
import { defineCommand } from '../command.ts'
import { anything, listOf, objectOf, text, whole } from '../json-schema.ts'
import { jsonText } from '../json-text.ts'
import type { Table } from '../report.ts'

interface ShowOptions {
  readonly app: string
  readonly at?: number | Date
  readonly diff?: boolean
  readonly events?: boolean
}

export const aggregateShow = defineCommand<ShowOptions>({
  path: 'aggregate show',
  summary: "show an aggregate's state, now or at an earlier version or time",
  details: `The state is made by the application's own code: --app names its compiled module, which is started to look only: it
claims no partition, projects nothing and makes nothing. With several modules in the file: dist/app.module.js#AppModule.`,
  arguments: [
    ['<type>', 'the name of the aggregate, such as account'],
    ['<id>', 'which one'],
  ],
  options: [
    { flags: '--app <module>', description: 'the compiled Nest module of the application', isRequired: true },
    { flags: '--at <version or time>', description: 'as of then: 7, 2026-01-01T00:00, -1h', parse: parseMoment },
    { flags: '--diff', description: 'what each event changed' },
    { flags: '--events', description: 'the events that led there' },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold aggregate show account a-1 --app dist/app.module.js', 'its state and version'],
    [
      'keyfold aggregate show account a-1 --app dist/app.module.js --at 3 --diff',
      'its first three events and their changes',
    ],
  ],
  exits: { usage: 'there is no such aggregate, or it has no such version' },
  data: objectOf({
    aggregate: text,
    topic: text,
    partition: whole,
    key: text,
    version: whole,
    newestVersion: whole,
    state: anything,
    'events?': listOf(eventSchema),
    'changes?': listOf(objectOf({ version: whole, type: text, path: text, 'before?': anything, 'after?': anything })),
    eventsOmitted: whole,
  }),
  async run(context, { app, at, diff = false, events = false }, [type = '', id = '']) {
    const aggregates = await loadApp(context, app)
    const history = await aggregates.show(type, id, { changes: diff, ...(at !== undefined && { at }) })
    const { events: _shown, ...place } = history
    const { aggregate, topic, partition, key, version, newestVersion, state } = place
    const of = version === newestVersion ? '' : ` of ${newestVersion}`
    const views = history.events.map(eventView)
    const changes = changesOf(history)
    return {
      data: {
        ...place,
        ...(events && { events: views }),
        ...(diff && { changes }),
      },
      ids: [key],
      lines: [`${aggregate} ${key}: version ${version}${of}, in ${topic}/${partition}`, jsonText(state, 2)],
      tables: [
        ...(events ? [{ title: 'events', columns: eventColumns, rows: views.map(eventRow) } satisfies Table] : []),
        ...(diff
          ? [
              {
                title: 'changes',
                columns: [{ heading: 'VERSION', right: true }, 'TYPE', 'WHERE', 'BEFORE', 'AFTER'],
                rows: changes.map((row) => [row.version, row.type, row.path, shown(row.before), shown(row.after)]),
              } satisfies Table,
            ]
          : []),
      ],
    }
  },
})

function changesOf({ events }: AggregateHistory) {
  return events.flatMap(({ aggregateVersion: version, type, changes = [] }) =>
    changes.map(({ path, before, after }) => ({
      version,
      type,
      path,
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    })),
  )
}

function shown(value: unknown): string {
  return value === undefined ? '' : jsonText(value)
}
