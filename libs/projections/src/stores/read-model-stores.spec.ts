import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import { type ReadModelStoreHarness, readModelStoreContract } from '../testing/read-model-store.contract.ts'
import { MemoryReadModelStore } from './memory-read-model-store.ts'
import type { MemoryReader, MemoryTransaction } from './memory-tables.ts'
import { PostgresReadModelStore } from './postgres-read-model-store.ts'
import type { PostgresReader, PostgresTransaction } from './postgres-transaction.ts'
import { SqliteReadModelStore } from './sqlite-read-model-store.ts'
import type { SqliteReader, SqliteTransaction } from './sqlite-session.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'read-models-'))
})

afterEach(() => rm(directory, { recursive: true }))

function memory(): ReadModelStoreHarness<MemoryTransaction, MemoryReader> {
  return {
    store: new MemoryReadModelStore(),
    setup: () => {},
    put: (tx, key, value) => tx.set('entries', key, { key, value }),
    entries: (handle) => toRecord(handle.all('entries')),
  }
}

function sqlite(): ReadModelStoreHarness<SqliteTransaction, SqliteReader> {
  return {
    store: new SqliteReadModelStore({ directory }),
    setup: (tx) => tx.exec('CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL)'),
    put: (tx, key, value) => void tx.run('INSERT OR REPLACE INTO entries VALUES (?, ?)', key, value),
    entries: (handle) => toRecord(handle.all('SELECT key, value FROM entries')),
  }
}

let postgresServer: PostgresServer
let postgresStores = 0

/** Every harness has a database of its own. */
async function postgres(): Promise<ReadModelStoreHarness<PostgresTransaction, PostgresReader>> {
  const database = `contract${++postgresStores}`
  const { connection } = postgresServer
  const client = new Client(connection)
  await client.connect()
  await client.query(`CREATE DATABASE ${database}`)
  await client.end()
  return {
    store: new PostgresReadModelStore({ connection: { ...connection, database } }),
    setup: (tx) => tx.exec('CREATE TABLE entries (key text PRIMARY KEY, value text NOT NULL)'),
    put: async (tx, key, value) => {
      await tx.run('INSERT INTO entries VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2', key, value)
    },
    entries: async (handle) => toRecord(await handle.all<Entry>('SELECT key, value FROM entries')),
  }
}

type Entry = { key: string; value: string }

function toRecord(rows: readonly Entry[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

type Harness<Tx, Reader> = ReadModelStoreHarness<Tx, Reader>

function runContract<Tx, Reader>(harness: () => Harness<Tx, Reader> | Promise<Harness<Tx, Reader>>): void {
  it.each(readModelStoreContract.map((statement) => [statement.title, statement] as const))(
    '%s',
    async (_, statement) => {
      const fresh = await harness()
      await fresh.store.open()
      await statement.run(fresh)
      await fresh.store.close()
    },
  )
}

describe('MemoryReadModelStore', () => runContract(memory))

describe('SqliteReadModelStore', () => runContract(sqlite))

describe.skipIf(findPostgres() === undefined)('PostgresReadModelStore (skipped without a PostgreSQL server)', () => {
  beforeAll(async () => {
    postgresServer = await startPostgres()
  }, 60_000)

  afterAll(() => postgresServer.destroy())

  runContract(postgres)
})
