import type { KafkaAdmin, StoredRecord } from '@keyfold/kafka'
import { partitionForKey } from '@keyfold/kafka'
import { InvalidArgumentError } from 'commander'
import { RegisteredSchemas } from '../avro/registered-schemas.ts'
import { CliError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { compileFilter, type Filter } from '../consume/filter.ts'
import { type PartitionToRead, readPartitions } from '../consume/read-partitions.ts'
import { defaultFormat, parseRecordFormat, type RecordFormat } from '../consume/record-format.ts'
import { type RecordView, recordSchema, recordView } from '../consume/record-view.ts'
import { boundsOf, parseStartPosition, type StartPosition } from '../consume/start-position.ts'
import type { Context } from '../context.ts'
import { listOf } from '../json-schema.ts'
import { isOutputFormat } from '../output-format.ts'
import { parseCount, parseNumbers } from '../parse-numbers.ts'

interface ConsumeOptions {
  readonly output?: readonly (string | StartPosition)[]
  readonly partitions?: readonly number[]
  readonly key?: string
  readonly count?: number
  readonly group?: string
  readonly filter?: Filter
  readonly format?: RecordFormat
  readonly follow?: boolean
  readonly raw?: boolean
  readonly uncommitted?: boolean
}

export const consume = defineCommand<ConsumeOptions>({
  path: 'consume',
  summary: 'print the records of topics',
  details: `Without --follow it reads up to what is there when it starts. Records of one partition come in their order.
Keys and values that begin with a zero byte and a schema id are decoded through the registry; -o ndjson keeps every
digit of 64-bit numbers, and says in "undecoded" why something could not be decoded.

--group begins where the group stands and moves it as records are printed. It does not join the group: while the group
has members it is refused.

--filter takes comparisons (== != < <= > >=, contains, startsWith) of topic, partition, offset, timestamp, key,
value.a.b[0] and headers['x'] with numbers, 'texts', true, false, null; joined by && || ! and parentheses.

--format takes %t topic, %p partition, %o offset, %k key, %v value, %T time, %h headers, %%, \\n and \\t.`,
  arguments: [['<topic...>', 'their names']],
  options: [
    {
      flags: '-o, --output <where or format>',
      description:
        'where to begin: start, end, an offset, +n, -n, @2026-01-01T00:00, @-1h (default: start; end with --follow); or table, plain, json, ndjson; may be given twice',
      parse: parseOutput,
    },
    { flags: '-p, --partitions <list>', description: 'only these: 0,1', parse: parseNumbers },
    { flags: '-k, --key <key>', description: 'only records with this key, looked for in its one partition' },
    { flags: '-n, --count <n>', description: 'end after so many records', parse: parseCount },
    { flags: '-g, --group <group>', description: 'go on where this group stands, and move it' },
    { flags: '--filter <expression>', description: 'only records for which it is true', parse: parseFilter },
    { flags: '--format <format>', description: 'how a record looks', parse: parseRecordFormat },
    { flags: '-f, --follow', description: 'wait for more until Ctrl-C' },
    { flags: '--raw', description: 'only the bytes of the values, each with a line feed' },
    { flags: '--uncommitted', description: 'also records of transactions that are open or aborted' },
  ],
  uses: ['kafka', 'registry'],
  examples: [
    ['keyfold consume bank.account -o -10', 'the last ten records of every partition'],
    ['keyfold consume bank.account -k alice -o ndjson', 'every record with that key, from the one partition it is in'],
    ['keyfold consume bank.account -o @-1h --filter "value.amountCents > 10000"', 'what was large in the last hour'],
    ['keyfold consume bank.account --follow --format "%p %o %k %v"', 'new records as they come'],
  ],
  exits: {
    usage: 'a topic or partition does not exist, or an option cannot be read',
    refused: 'with --group: the group has members',
    interrupted: 'ended by Ctrl-C',
  },
  data: listOf(recordSchema),
  async run(context, options, topics) {
    const admin = await context.admin()
    const partitions = await partitionsToRead(admin, topics, options)
    const group = options.group === undefined ? undefined : await joinedGroup(admin, options.group, partitions)
    const print = printer(context, options)
    let left = options.count ?? Number.POSITIVE_INFINITY
    context.stream.open()
    await readPartitions(group?.partitions ?? partitions, {
      kafka: await context.kafka(),
      isolation: isolationOf(options),
      signal: context.signal,
      onRecords: async (records, from, position) => {
        let seen = position
        for (const record of records) {
          if (left > 0 && (await print(record))) left--
          if (left > 0) continue
          seen = record.offset + 1
          break
        }
        await context.world.drained()
        await group?.moveTo(from, seen)
        return left > 0
      },
    })
    return undefined
  },
})

/** Option `-o` says two things that cannot be confused: a place to begin, and a format. */
function parseOutput(text: string, before: unknown): readonly (string | StartPosition)[] {
  const earlier = (before as readonly (string | StartPosition)[] | undefined) ?? []
  return [...earlier, isOutputFormat(text) ? text : parseStartPosition(text)]
}

function parseFilter(text: string): Filter {
  try {
    return compileFilter(text)
  } catch (error) {
    throw error instanceof CliError ? new InvalidArgumentError(error.message) : error
  }
}

function isolationOf({ uncommitted = false }: ConsumeOptions): 'committed' | 'uncommitted' {
  return uncommitted ? 'uncommitted' : 'committed'
}

async function partitionsToRead(
  admin: KafkaAdmin,
  topics: readonly string[],
  options: ConsumeOptions,
): Promise<readonly PartitionToRead[]> {
  const { output = [], follow = false, key, partitions: wanted } = options
  const given = output.filter((each) => typeof each !== 'string').at(-1)
  const position: StartPosition = given ?? { kind: follow ? 'end' : 'start' }
  const all: PartitionToRead[] = []
  for (const topic of new Set(topics)) {
    const { partitions } = await admin.describeTopic(topic)
    const missing = wanted?.find((partition) => partition >= partitions)
    if (missing !== undefined)
      throw new CliError('USAGE', `topic ${topic} has ${partitions} partitions, not ${missing}`)
    const ofKey = key === undefined ? undefined : partitionForKey(Buffer.from(key), partitions)
    const bounds = await boundsOf(admin, topic, { position, isolation: isolationOf(options) })
    for (const { partition, from, end } of bounds) {
      if (wanted?.includes(partition) === false || (ofKey !== undefined && ofKey !== partition)) continue
      all.push({ topic, partition, from, until: follow ? undefined : end })
    }
  }
  return all
}

/** A group's offsets, read at the beginning and moved as records are printed. Errors: `GROUP_ACTIVE`. */
async function joinedGroup(admin: KafkaAdmin, groupId: string, partitions: readonly PartitionToRead[]) {
  const found = (await admin.listGroups()).some((group) => group.groupId === groupId)
  if (found && (await admin.describeGroup(groupId)).members.length > 0)
    throw new CliError('GROUP_IN_USE', `the group ${groupId} has members`)
  const offsets = await admin.groupOffsets(groupId)
  return {
    partitions: partitions.map((each) => {
      const stands = offsets.find(({ topic, partition }) => topic === each.topic && partition === each.partition)
      return stands === undefined ? each : { ...each, from: stands.offset }
    }),
    moveTo: ({ topic, partition }: PartitionToRead, offset: number) =>
      admin.setGroupOffsets(groupId, [{ topic, partition, offset }]),
  }
}

/** Prints a record unless it is filtered out; says whether it did. */
function printer(context: Context, options: ConsumeOptions): (record: StoredRecord) => Promise<boolean> {
  const { key, filter, format = defaultFormat, raw = false } = options
  const schemas = new RegisteredSchemas(context.registry())
  const warned = new Set<string>()
  return async (record) => {
    if (key !== undefined && record.key?.equals(Buffer.from(key)) !== true) return false
    if (raw && filter === undefined) return write(context, record)
    const view = await recordView(record, schemas)
    if (filter !== undefined && !filter({ ...view })) return false
    if (view.undecoded !== undefined && !warned.has(view.undecoded)) {
      warned.add(view.undecoded)
      context.diagnose(undecodedDiagnostic(view, view.undecoded))
    }
    if (raw) return write(context, record)
    context.stream.write(view, () => format(view))
    return true
  }
}

function write({ world }: Context, { value }: StoredRecord): boolean {
  world.write(value ?? Buffer.alloc(0))
  world.write(Buffer.from('\n'))
  return true
}

function undecodedDiagnostic({ topic, partition, offset }: RecordView, reason: string) {
  return {
    severity: 'warning',
    code: 'NOT_DECODED',
    message: `${topic}/${partition}@${offset} and perhaps others are shown as base64: ${reason}.`,
    fix: 'check --registry; --raw prints bytes as they are',
  } as const
}
