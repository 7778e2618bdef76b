import { readCommand } from '../aggregates/command-file.ts'
import { loadApp } from '../aggregates/load-app.ts'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { anything, listOf, objectOf, oneOf, text, whole } from '../json-schema.ts'
import { jsonText } from '../json-text.ts'
import { parseCount } from '../parse-numbers.ts'

interface ReplayOptions {
  readonly app: string
  readonly command: string
  readonly at?: number
}

export const aggregateReplay = defineCommand<ReplayOptions>({
  path: 'aggregate replay',
  summary: 'say what an aggregate would answer to a command, now or at an earlier version; writes nothing',
  details: `The file holds { "command": "bank.Deposit", "payload": { "amount": { "$bigint": "200" } } }; the id of the aggregate need not
be in it. Time and new ids are those of now: a decision that uses them may differ from the one that was made.`,
  arguments: [
    ['<type>', 'the name of the aggregate, such as account'],
    ['<id>', 'which one'],
  ],
  options: [
    { flags: '--app <module>', description: 'the compiled Nest module of the application', isRequired: true },
    { flags: '--command <file>', description: 'the command, as JSON', isRequired: true },
    { flags: '--at <version>', description: 'on the aggregate as it was then (default: now)', parse: parseVersion },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    [
      'keyfold aggregate replay account a-1 --app dist/app.module.js --command deposit.json --at 3',
      'events or a rejection',
    ],
  ],
  exits: { found: 'the command is rejected or fails', usage: 'there is no such aggregate, version or command' },
  data: objectOf({
    aggregate: text,
    key: text,
    version: whole,
    outcome: oneOf('events', 'rejected', 'failed'),
    state: anything,
    'events?': listOf(objectOf({ type: text, data: anything, 'key?': text })),
    'stateAfter?': anything,
    'rejection?': objectOf({ code: text, message: text, details: anything }),
    'error?': objectOf({ code: text, message: text, fix: text }),
  }),
  async run(context, { app, command: file, at }, [type = '', id = '']) {
    const aggregates = await loadApp(context, app)
    const descriptor = aggregates.all.find(({ name }) => name === type)
    if (descriptor === undefined) {
      const there = aggregates.all.map(({ name }) => name).join(', ')
      throw new CliError('AGGREGATE_UNKNOWN', `${app} has no aggregate ${type}, only ${there}`)
    }
    const command = await readCommand(file, descriptor, id)
    const run = await aggregates.dryRun(command, at === undefined ? {} : { atVersion: at })
    const { aggregate, key, version, state } = run
    const place = { aggregate, key, version, outcome: run.kind, state }
    const on = `${aggregate} ${key} at version ${version}`
    if (run.kind === 'events')
      return {
        data: { ...place, events: run.events, stateAfter: run.stateAfter },
        ids: run.events.map((event) => event.type),
        lines: [`${on} would accept it`, ...(run.events.length === 0 ? ['no events'] : [])],
        tables: [
          {
            title: 'events',
            columns: ['TYPE', 'DATA'],
            rows: run.events.map(({ type, data }) => [type, jsonText(data)]),
          },
        ],
      }
    if (run.kind === 'rejected') {
      const { code, message, details } = run.rejection
      return {
        status: 'found',
        data: { ...place, rejection: { code, message, details } },
        ids: [code],
        lines: [`${on} would reject it: ${code}: ${message}`],
      }
    }
    const { code, message, fix } = run.error
    return {
      status: 'found',
      data: { ...place, error: { code, message, fix } },
      ids: [code],
      lines: [`${on} would fail: ${code}: ${message}`],
    }
  },
})

/** Reads a version; 0 is before the first event. */
function parseVersion(input: string): number {
  return input === '0' ? 0 : parseCount(input)
}
