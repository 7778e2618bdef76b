import { randomInt } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import { RegisteredSchemas, type RegisteredType } from '../avro/registered-schemas.ts'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { failureOf } from '../failure.ts'
import { inputChunks, inputLines } from '../input-lines.ts'
import { listOf, objectOf, text, whole } from '../json-schema.ts'
import { parseWhole } from '../parse-numbers.ts'
import { BatchingWriter } from '../produce/batching-writer.ts'
import {
  type InputShape,
  type RecordInput,
  recordOfJsonLine,
  recordOfText,
  tombstone,
} from '../produce/record-input.ts'
import type { Report } from '../report.ts'

interface ProduceOptions {
  readonly key?: string
  readonly header?: Readonly<Record<string, string>>
  readonly file: string
  readonly value?: string
  readonly input: InputFormat
  readonly schema?: string
  readonly partition?: number
  readonly tombstone?: boolean
}

const INPUT_FORMATS = ['lines', 'whole', 'ndjson'] as const
type InputFormat = (typeof INPUT_FORMATS)[number]

export const produce = defineCommand<ProduceOptions>({
  path: 'produce',
  summary: 'write records to a topic',
  details: `Every line of the input is the value of one record. With -i ndjson a line has key, value, headers, partition and
timestamp, as keyfold consume -o ndjson prints them; with -i whole all of the input is one value.

With --schema values are JSON and are written as Avro: longs as whole numbers, bytes as base64, timestamps as ISO text,
decimals as text, a branch of a union that its type does not tell in an object under its name.

A record with a key goes to the partition where Kafka's clients put that key. Every replica has it when the command ends.`,
  arguments: [['<topic>', 'its name; it has to exist']],
  options: [
    { flags: '-k, --key <key>', description: 'key of the records' },
    { flags: '-H, --header <name:value>', description: 'a header; repeat it', parse: parseHeader },
    { flags: '-f, --file <path>', description: 'read this file; - is stdin', default: '-' },
    { flags: '-v, --value <text>', description: 'the value, in place of any input' },
    { flags: '-i, --input <format>', description: 'what the input is', choices: INPUT_FORMATS, default: 'lines' },
    { flags: '-p, --partition <n>', description: 'write to this one', parse: parseWhole },
    { flags: '--schema <subject or id>', description: 'write values as Avro of this schema, the newest of a subject' },
    { flags: '--tombstone', description: 'one record with a key and no value' },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold produce notes -k alice -v hello', 'one record'],
    ['keyfold produce notes -f notes.txt', 'one record for each line'],
    [
      'keyfold produce bank.account -i ndjson --schema bank.account-bank.AccountOpened -f events.ndjson',
      'Avro from JSON',
    ],
    ['keyfold produce notes -k alice --tombstone', 'delete a key from a compacted topic'],
  ],
  exits: {
    usage: 'the topic or the schema does not exist',
    partial: 'a line could not be written; lines before it were',
  },
  data: objectOf({
    topic: text,
    records: whole,
    partitions: listOf(objectOf({ partition: whole, records: whole, firstOffset: whole, lastOffset: whole })),
  }),
  async run(context, options, [topic = '']) {
    refuseContradictions(options)
    const admin = await context.admin()
    const { partitions } = await admin.describeTopic(topic)
    if (options.partition !== undefined && options.partition >= partitions)
      throw new CliError('USAGE', `topic ${topic} has ${partitions} partitions, not ${options.partition}`)
    const shape = { key: options.key, headers: options.header ?? {}, schema: await schemaOf(context, options.schema) }
    const writer = new BatchingWriter(admin, { topic, partitions, spread: randomInt(partitions) })
    try {
      await writeAll(context, options, { shape, writer })
    } catch (error) {
      if (writer.recordCount === 0) throw error
      return {
        ...reportOf(topic, writer),
        status: 'partial',
        diagnostics: [{ severity: 'error', ...failureOf(error) }],
      }
    }
    return reportOf(topic, writer)
  },
})

interface Writing {
  readonly shape: InputShape
  readonly writer: BatchingWriter
}

async function writeAll(context: Context, options: ProduceOptions, { shape, writer }: Writing): Promise<void> {
  const { partition, input, file } = options
  const at = partition === undefined ? {} : { partition }
  if (options.tombstone === true) await writer.add({ ...tombstone(shape), ...at })
  else if (options.value !== undefined) await writer.add({ ...recordOfText(Buffer.from(options.value), shape), ...at })
  else if (input === 'whole') {
    const chunks: Uint8Array[] = []
    for await (const chunk of inputChunks(file, context.world)) chunks.push(chunk)
    await writer.add({ ...recordOfText(Buffer.concat(chunks), shape), ...at })
  } else await writeLines(context, options, { shape, writer })
  await writer.flush()
}

async function writeLines(context: Context, options: ProduceOptions, { shape, writer }: Writing): Promise<void> {
  const { partition, input, file } = options
  const at = partition === undefined ? {} : { partition }
  const toRecord = input === 'ndjson' ? recordOfJsonLine : recordOfText
  let number = 0
  for await (const lines of inputLines(file, context.world)) {
    if (context.signal.aborted) return
    for (const line of lines) {
      number++
      await writer.add({ ...(await parsedLine(() => toRecord(line, shape), number, writer)), ...at })
    }
    await writer.flush()
  }
}

/** A line that cannot be read ends the command; what stands before it is written, so that it is clear what is not. */
async function parsedLine(parse: () => RecordInput, number: number, writer: BatchingWriter): Promise<RecordInput> {
  try {
    return parse()
  } catch (error) {
    await writer.flush()
    const { code, message } = failureOf(error)
    throw new CliError('INPUT_INVALID', `line ${number}: ${code === 'INPUT_INVALID' ? '' : `${code}: `}${message}`)
  }
}

function refuseContradictions(options: ProduceOptions): void {
  const { tombstone: isTombstone = false, value, key, file } = options
  if (isTombstone && key === undefined) throw new CliError('USAGE', 'a tombstone needs --key')
  if (isTombstone && value !== undefined) throw new CliError('USAGE', 'a tombstone has no --value')
  if ((isTombstone || value !== undefined) && file !== '-')
    throw new CliError('USAGE', '--file cannot be given together with --value or --tombstone')
}

/** `--schema 7` is an id, anything else a subject. */
async function schemaOf(context: Context, schema: string | undefined): Promise<RegisteredType | undefined> {
  if (schema === undefined) return undefined
  const schemas = new RegisteredSchemas(context.registry())
  if (!/^\d{1,10}$/.test(schema)) return schemas.newestOf(schema)
  return { id: Number(schema), type: await schemas.withId(Number(schema)) }
}

function parseHeader(given: string, before: unknown): Readonly<Record<string, string>> {
  const at = given.indexOf(':')
  if (at < 1) throw new InvalidArgumentError('Give name:value')
  return { ...(before as Readonly<Record<string, string>> | undefined), [given.slice(0, at)]: given.slice(at + 1) }
}

function reportOf(topic: string, writer: BatchingWriter): Report {
  const { written, recordCount } = writer
  return {
    data: { topic, records: recordCount, partitions: written },
    ids: written.map(({ partition, lastOffset }) => `${topic}/${partition}@${lastOffset}`),
    items: written,
    lines: [
      `${recordCount} ${recordCount === 1 ? 'record' : 'records'} written`,
      ...written.map(({ partition, firstOffset, lastOffset }) =>
        firstOffset === lastOffset
          ? `${topic}/${partition}@${firstOffset}`
          : `${topic}/${partition}@${firstOffset}..${lastOffset}`,
      ),
    ],
  }
}
