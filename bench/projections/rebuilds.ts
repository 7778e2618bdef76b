import { join } from 'node:path'
import { Client } from 'pg'
import type { PostgresServer } from '../../libs/projections/src/testdata/postgres-server.ts'
import { runChild } from '../child.ts'
import { median, printTable, whole } from '../figures.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'
import type { ContestantName, Places } from './contestants.ts'
import type { LogAddress } from './log.ts'
import type { Result } from './measure.ts'

const NAMES: readonly ContestantName[] = [
  'kafkajs loop, decodes only',
  'Keyfold, no store',
  'hand-written loop, node:sqlite',
  'Keyfold, SQLite, SQL per event',
  'Keyfold, SQLite, folded rows',
  'hand-written loop, PostgreSQL',
  'Emmett, PostgreSQL, its rebuild',
  'Keyfold, PostgreSQL, folded rows',
]

/** A statement or more per event, each with its way to the server and back. */
const SLOW = new Set<ContestantName>(['hand-written loop, PostgreSQL', 'Emmett, PostgreSQL, its rebuild'])

export interface Surroundings {
  readonly address: LogAddress
  readonly postgres: PostgresServer | undefined
  readonly emmett: string | undefined
}

export interface How {
  readonly rounds: number
  readonly only: string
  readonly profile: boolean
  readonly slowShare: number
}

let databases = 0

/** Balances from offset zero: every contestant once per round, one after the other. */
export async function compareRebuilds(surroundings: Surroundings, how: How): Promise<void> {
  const { postgres, emmett, address } = surroundings
  const names = NAMES.filter((name) => name.includes(how.only))
    .filter((name) => postgres !== undefined || !name.includes('PostgreSQL'))
    .filter((name) => emmett !== undefined || !name.includes('Emmett'))
  const results = new Map<ContestantName, Result[]>(names.map((name) => [name, []]))
  for (let round = 0; round < how.rounds; round++)
    for (const name of names) results.get(name)?.push(await measure(name, surroundings, how))
  const of = (name: ContestantName, figure: (result: Result) => number) => median((results.get(name) ?? []).map(figure))
  const rows = names.map((name) => {
    const rivals = rivalsOf(name).filter((rival) => names.includes(rival))
    const speed = of(name, ({ perSecond }) => perSecond)
    const ratios = rivals.map((rival) => `${(speed / of(rival, ({ perSecond }) => perSecond)).toFixed(2)}× ${rival}`)
    const resident = [0, 1, 2].map((index) => whole(of(name, ({ residentMib }) => residentMib[index] ?? Number.NaN)))
    const cpu = of(name, ({ cpuMicrosPerEvent }) => cpuMicrosPerEvent)
    const limits = how.profile ? [sharesText(results.get(name)?.[0]?.shares)] : []
    return [name, whole(speed), ratios.join('; '), `${cpu.toFixed(1)} µs`, `${resident.join(', ')} MiB`, ...limits]
  })
  const header = ['', 'events/s', 'ratios', 'processor per event', 'memory after a quarter, a half, all']
  printTable(
    `Rebuild, ${address.partitions} partitions`,
    [...header, ...(how.profile ? ['where the time goes'] : [])],
    rows,
  )
}

function rivalsOf(name: ContestantName): readonly ContestantName[] {
  if (!name.startsWith('Keyfold')) return []
  if (name.includes('PostgreSQL')) return ['hand-written loop, PostgreSQL', 'Emmett, PostgreSQL, its rebuild']
  return [name.includes('SQLite') ? 'hand-written loop, node:sqlite' : 'kafkajs loop, decodes only']
}

function sharesText(shares: Result['shares']): string {
  return Object.entries(shares ?? {})
    .map(([layer, share]) => `${layer} ${Math.round(share * 100)} %`)
    .join(', ')
}

async function measure(name: ContestantName, { address, ...rest }: Surroundings, how: How): Promise<Result> {
  const { postgres: server, emmett } = rest
  const postgres = server === undefined ? undefined : { ...server.connection, database: await freshDatabase(server) }
  const events = Math.ceil(address.events * (SLOW.has(name) ? how.slowShare : 1))
  const program = join(import.meta.dirname, 'measure.ts')
  const [result] = await inTemporaryDirectory((directory) => {
    const places: Places = { address: { ...address, events }, directory, postgres, emmett }
    return runChild<Result>(program, [name, places, how.profile], { conditions: 'source' })
  })
  if (result === undefined) throw new Error(`${name}: nothing was measured`)
  return result
}

async function freshDatabase({ connection }: PostgresServer): Promise<string> {
  const client = new Client(connection)
  await client.connect()
  const database = `bench${++databases}`
  await client.query(`CREATE DATABASE ${database}`)
  await client.end()
  return database
}
