import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { type ReadModelStoreHarness, readModelStoreContract } from '../testing/read-model-store.contract.ts'
import { MemoryReadModelStore } from './memory-read-model-store.ts'
import type { MemoryReader, MemoryTransaction } from './memory-tables.ts'
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
    put: (tx, key, value) => tx.run('INSERT OR REPLACE INTO entries VALUES (?, ?)', key, value),
    entries: (handle) => toRecord(handle.all('SELECT key, value FROM entries')),
  }
}

function toRecord(rows: readonly { key: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
}

function runContract<Tx, Reader>(name: string, harness: () => ReadModelStoreHarness<Tx, Reader>): void {
  describe(name, () => {
    it.each(readModelStoreContract.map((statement) => [statement.title, statement] as const))(
      '%s',
      async (_, statement) => {
        const fresh = harness()
        await fresh.store.open()
        await statement.run(fresh)
        await fresh.store.close()
      },
    )
  })
}

runContract('MemoryReadModelStore', memory)
runContract('SqliteReadModelStore', sqlite)
