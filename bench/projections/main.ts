import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { MemorySchemaLog, startRegistry } from '@keyfold/registry'
import { Client } from 'pg'
import {
  findPostgres,
  type PostgresServer,
  startPostgres,
} from '../../libs/projections/src/testdata/postgres-server.ts'
import { startBundled } from '../broker-vs-kafka/processes.ts'
import { median, printTable, whole } from '../figures.ts'
import type { ContestantName, Places } from './contestants.ts'
import { fill, type LogAddress } from './log.ts'

const NAMES: readonly ContestantName[] = [
  'kafkajs loop, decodes only',
  'Keyfold, no store',
  'hand-written loop, node:sqlite',
  'Keyfold, SQLite, SQL per event',
  'Keyfold, SQLite, folded rows',
  'hand-written loop, PostgreSQL',
  'Keyfold, PostgreSQL, folded rows',
]

const { values: options } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    partitions: { type: 'string', default: '1,8' },
    only: { type: 'string' },
    /** One upsert per event takes long: it gets this share of the log. */
    'slow-share': { type: 'string', default: '0.02' },
  },
})

const SLOW: ContestantName = 'hand-written loop, PostgreSQL'

let databases = 0

/**
 * A read model of balances built from offset zero: Keyfold beside the loops that one would write by hand, in turn, each
 * in a process of its own, on a bundled broker in another one. `npm run bench:projections -- --events 1000000`.
 */
async function main(): Promise<void> {
  const events = Number(options.events)
  const broker = await startBundled()
  const registry = await startRegistry({ log: new MemorySchemaLog(), port: 0 })
  const postgres = findPostgres() === undefined ? undefined : await startPostgres()
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}); broker, reader and database on the same ` +
      `machine; ${whole(events)} events, medians of ${options.rounds}; PostgreSQL ${postgres === undefined ? 'is not here' : 'with its default settings'}\n\n`,
  )
  try {
    for (const partitions of options.partitions.split(',').map(Number)) {
      const address = {
        broker: broker.address,
        registry: registry.url,
        topic: `bench.account-${partitions}`,
        partitions,
        events,
      }
      await fill(address)
      await compare(address, postgres)
    }
  } finally {
    await postgres?.destroy()
    await registry.close()
    await broker.end()
    await broker.remove()
  }
}

async function compare(address: LogAddress, postgres: PostgresServer | undefined): Promise<void> {
  const names = NAMES.filter((name) => options.only === undefined || name.includes(options.only))
  const able = names.filter((name) => postgres !== undefined || !name.includes('PostgreSQL'))
  const results = new Map<ContestantName, Result[]>(able.map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++)
    for (const name of able) results.get(name)?.push(await measure(name, address, postgres))
  const perSecond = (name: ContestantName): number => median(results.get(name)?.map((each) => each.perSecond) ?? [])
  const rows = able.map((name) => {
    const rival = name.startsWith('Keyfold') ? rivalOf(name) : undefined
    const ratio =
      rival === undefined || !able.includes(rival)
        ? ''
        : `${(perSecond(name) / perSecond(rival)).toFixed(2)}× the ${rival}`
    const resident = median(results.get(name)?.map((each) => each.residentMib) ?? [])
    const cpu = median(results.get(name)?.map((each) => each.cpuMicrosPerEvent) ?? [])
    return [name, whole(perSecond(name)), ratio, `${cpu.toFixed(1)} µs`, `${whole(resident)} MiB`]
  })
  printTable(`${address.partitions} partitions`, ['', 'events/s', 'ratio', 'processor per event', 'most memory'], rows)
}

function rivalOf(name: ContestantName): ContestantName {
  if (name.includes('PostgreSQL')) return 'hand-written loop, PostgreSQL'
  return name.includes('SQLite') ? 'hand-written loop, node:sqlite' : 'kafkajs loop, decodes only'
}

interface Result {
  readonly perSecond: number
  /** Of the reading process, its start included. */
  readonly cpuMicrosPerEvent: number
  readonly residentMib: number
}

async function measure(name: ContestantName, address: LogAddress, server: PostgresServer | undefined): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-bench-'))
  const postgres = server === undefined ? undefined : { ...server.connection, database: await freshDatabase(server) }
  const share = name === SLOW ? Number(options['slow-share']) : 1
  const places: Places = { address: { ...address, events: Math.ceil(address.events * share) }, directory, postgres }
  const child = await promisify(execFile)(process.execPath, [
    '--conditions=@keyfold/source',
    '--no-warnings',
    join(import.meta.dirname, 'measure.ts'),
    JSON.stringify([name, places]),
  ])
  await rm(directory, { recursive: true })
  return JSON.parse(child.stdout) as Result
}

async function freshDatabase({ connection }: PostgresServer): Promise<string> {
  const client = new Client(connection)
  await client.connect()
  const database = `bench${++databases}`
  await client.query(`CREATE DATABASE ${database}`)
  await client.end()
  return database
}

await main()
