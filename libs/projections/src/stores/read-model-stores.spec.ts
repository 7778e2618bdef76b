import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import {
  type ContractCase,
  type ReadModelStoreHarness,
  readModelStoreContract,
} from '../testing/read-model-store.contract.ts'
import { sharedReadModelContract } from '../testing/shared-read-model.contract.ts'
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

/** A store on a database of its own. */
async function postgresStore() {
  const database = `contract${++postgresStores}`
  const { connection } = postgresServer
  const client = new Client(connection)
  await client.connect()
  await client.query(`CREATE DATABASE ${database}`)
  await client.end()
  return { store: new PostgresReadModelStore({ connection: { ...connection, database } }), database }
}

async function postgres(): Promise<ReadModelStoreHarness<PostgresTransaction, PostgresReader>> {
  const { store } = await postgresStore()
  return {
    store,
    setup: (tx) => tx.exec('CREATE TABLE entries (key text PRIMARY KEY, value text NOT NULL)'),
    put: async (tx, key, value) => {
      await tx.run('INSERT INTO entries VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2', key, value)
    },
    entries: async (handle) => toRecord(await handle.all<Entry>('SELECT key, value FROM entries')),
  }
}

/** A database with a table that everybody shares, and which schemas of scratch rows are in it. */
async function postgresToLookAt() {
  const { store, database } = await postgresStore()
  const connection = new Client({ ...postgresServer.connection, database })
  await store.open()
  await connection.connect()
  await connection.query('CREATE TABLE public.shared (name text)')
  const schemas = async (): Promise<readonly unknown[]> =>
    (await connection.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'keyfold_scratch%'")).rows
  return { store, connection, schemas }
}

type Entry = { key: string; value: string }

function toRecord(rows: readonly Entry[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

type Harness<Tx, Reader> = ReadModelStoreHarness<Tx, Reader>

function runContract<Tx, Reader>(
  harness: () => Harness<Tx, Reader> | Promise<Harness<Tx, Reader>>,
  statements: readonly ContractCase[] = readModelStoreContract,
): void {
  it.each(statements.map((statement) => [statement.title, statement] as const))('%s', async (_, statement) => {
    const fresh = await harness()
    await fresh.store.open()
    await statement.run(fresh)
    await fresh.store.close()
  })
}

describe('MemoryReadModelStore', () => runContract(memory))

describe('SqliteReadModelStore', () => runContract(sqlite))

describe.skipIf(findPostgres() === undefined)('PostgresReadModelStore (skipped without a PostgreSQL server)', () => {
  beforeAll(async () => {
    postgresServer = await startPostgres({ fsync: 'off' })
  }, 60_000)

  afterAll(() => postgresServer.destroy())

  runContract(postgres)

  it('takes back all that is done with scratch rows, in its shared tables too', async () => {
    const { store, connection, schemas } = await postgresToLookAt()
    const told = await store.scratch('balances', async (scratch) => {
      await scratch.run((tx) =>
        tx.exec('CREATE TABLE sums (id bigint PRIMARY KEY, sum bigint); CREATE TABLE notes (note text)'),
      )
      return await scratch.watch(async (tx) => {
        await tx.run('INSERT INTO sums VALUES ($1, $2)', 1n, 2n ** 62n)
        await tx.run("INSERT INTO notes VALUES ('a')")
        await tx.run("INSERT INTO shared VALUES ('a')")
      })
    })
    expect(told.rows).toEqual([
      { table: 'sums', key: { id: 1 }, before: null, after: { id: 1, sum: String(2n ** 62n) } },
      { table: 'notes', key: {}, before: null, after: { note: 'a' } },
    ])
    expect(await schemas()).toEqual([])
    expect((await connection.query('SELECT * FROM public.shared')).rows).toEqual([])
    await Promise.all([store.close(), connection.end()])
  })

  it('checks on scratch rows what is deferred to the COMMIT, one step after the other', async () => {
    const { store, connection } = await postgresToLookAt()
    await store.scratch('balances', async (scratch) => {
      await scratch.run((tx) =>
        tx.exec(`CREATE TABLE parent (id integer PRIMARY KEY);
          CREATE TABLE child (parent integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`),
      )
      for (let step = 0; step < 2; step++)
        await expect(scratch.watch((tx) => tx.exec('INSERT INTO child VALUES (9)'))).rejects.toMatchObject({
          message: expect.stringContaining('foreign key'),
        })
      const inOrder = await scratch.watch((tx) =>
        tx.exec('INSERT INTO child VALUES (1); INSERT INTO parent VALUES (1)'),
      )
      expect(inOrder.rows.map(({ table }) => table)).toEqual(['child', 'parent'])
    })
    await Promise.all([store.close(), connection.end()])
  })

  it('leaves no schema of scratch rows behind when a handler ends the transaction', async () => {
    const { store, connection, schemas } = await postgresToLookAt()
    await store.scratch('balances', async (scratch) => {
      const ending = scratch.run((tx) => tx.exec('COMMIT'))
      await expect(ending).rejects.toMatchObject({ code: 'TRANSACTION_OVER' })
      expect(await schemas()).toHaveLength(1)
    })
    expect(await schemas()).toEqual([])
    await Promise.all([store.close(), connection.end()])
  })

  describe('shared by processes', () => runContract(postgres, sharedReadModelContract))
})
