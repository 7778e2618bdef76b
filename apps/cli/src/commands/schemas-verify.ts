import {
  compareSides,
  compareWithRecord,
  parseStatesLine,
  recordStates,
  RegistryEventCodec,
  type ReplaySide,
  type StatesLine,
} from '@keyfold/event-store'
import { InvalidArgumentError } from 'commander'
import { open } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { parseWhole } from '../parse-numbers.ts'
import { objectOf, text, whole } from '../json-schema.ts'
import type { Report } from '../report.ts'
import { aggregatesOf } from '../schemas/replay-module.ts'
import { replayReport, replaySchema } from '../schemas/replay-report.ts'

interface VerifyOptions {
  readonly before?: string
  readonly after?: string
  readonly code?: string
  readonly record?: string
  readonly against?: string
  readonly sample?: number
  readonly max: number
}

export const schemasVerify = defineCommand<VerifyOptions>({
  path: 'schemas verify',
  summary: 'fold the stored events with the code before and after a change, and show which states differ',
  details: [
    'A module exports its aggregates: export const aggregates = [Account, …], values or decorated classes, compiled.',
    'Either both are there at once (--before, --after), or the states of the old code are recorded first (--record)',
    'and compared with the new code later (--against), up to the same events. Nothing is written to Kafka or registry.',
  ].join('\n'),
  options: [
    { flags: '--replay', description: 'what it does; said for the reader' },
    { flags: '--before <module>', description: 'the code before the change' },
    { flags: '--after <module>', description: 'the code after it' },
    { flags: '--code <module>', description: 'the code whose states are recorded or compared' },
    { flags: '--record <file>', description: 'write the states of --code into a file' },
    { flags: '--against <file>', description: 'compare the states of --code with such a file' },
    {
      flags: '--sample <share>',
      description: 'share of the aggregates, by their keys: 0.1 (default: all)',
      parse: parseShare,
    },
    { flags: '--max <n>', description: 'differences that are shown', parse: parseWhole, default: 20 },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold schemas verify --replay --before dist-old/bank.js --after dist/bank.js', 'both at once'],
    ['keyfold schemas verify --replay --code dist/bank.js --record states.ndjson', 'before the change'],
    ['keyfold schemas verify --replay --code dist/bank.js --against states.ndjson', 'after the change'],
  ],
  exits: { found: 'states differ, or cannot be made', usage: 'a module or a record cannot be used' },
  data: { type: 'object', anyOf: [replaySchema, objectOf({ recorded: text, states: whole })] },
  async run(context, options): Promise<Report> {
    const { before, after, code, record, against, sample = 1, max } = options
    const limits = { differencesMax: max }
    if (before !== undefined && after !== undefined && code === undefined) {
      const sides = [await sideOf(context, before), await sideOf(context, after)] as const
      return replayReport(await compareSides(...sides, { sample, ...limits }))
    }
    if (code !== undefined && record !== undefined && against === undefined && before === undefined)
      return recorded(record, recordStates(await sideOf(context, code), { sample }))
    if (code !== undefined && against !== undefined && record === undefined && before === undefined)
      return replayReport(await compareWithRecord(linesOf(against), await sideOf(context, code), limits))
    const fix = 'Give --before and --after, or --code with --record or --against'
    throw new CliError('USAGE', 'it is not clear which code is to be compared with what', fix)
  },
})

/** Each side has its own codec, which registers nothing. */
async function sideOf(context: Context, path: string): Promise<ReplaySide> {
  const codec = new RegistryEventCodec({ url: context.settings.registryUrl, register: 'none' })
  return { kafka: await context.kafka(), codec, aggregates: await aggregatesOf(path) }
}

async function recorded(path: string, lines: AsyncIterable<StatesLine>): Promise<Report> {
  const file = await opened(path, 'w', 'FILE_UNWRITABLE')
  let states = 0
  try {
    for await (const line of lines) {
      if (line.kind === 'state') states += 1
      await file.appendFile(`${JSON.stringify(line)}\n`)
    }
  } finally {
    await file.close()
  }
  return { data: { recorded: path, states }, ids: [path], lines: [`${states} states are recorded in ${path}`] }
}

async function* linesOf(path: string): AsyncGenerator<StatesLine> {
  const file = await opened(path, 'r', 'FILE_UNREADABLE')
  try {
    for await (const line of file.readLines()) if (line !== '') yield parseStatesLine(line)
  } finally {
    await file.close()
  }
}

async function opened(path: string, flags: 'r' | 'w', code: 'FILE_UNREADABLE' | 'FILE_UNWRITABLE') {
  try {
    return await open(path, flags)
  } catch (error) {
    throw new CliError(code, (error as Error).message)
  }
}

function parseShare(given: string): number {
  const share = Number(given)
  if (share > 0 && share <= 1) return share
  throw new InvalidArgumentError('Give a share above 0 and at most 1, such as 0.1.')
}
