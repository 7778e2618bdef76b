import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aggregateStoreContract } from '../testing/aggregate-store.contract.ts'
import { MemoryAggregateStore, MemoryAggregateStores } from './memory-aggregate-store.ts'
import { SqliteAggregateStores } from './sqlite-aggregate-store.ts'
import { StateStores } from './state-stores.ts'

let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'keyfold-state-'))))
afterEach(() => rmSync(directory, { recursive: true }))

let tokens = 0
const sqlite = () => new SqliteAggregateStores(directory, () => `token ${++tokens}`)
const identity = { application: 'a/b', clusterId: 'c', topic: 't', partition: 0, stateKey: '1' }

describe('a store in memory', () => {
  let stores: MemoryAggregateStores
  beforeEach(() => (stores = new MemoryAggregateStores()))
  aggregateStoreContract(() => stores)
})

describe('a store in a SQLite file', () => {
  aggregateStoreContract(sqlite)

  it('is made anew when its file is something else', () => {
    sqlite().open(identity).close()
    const [path] = files()
    if (path === undefined) throw new Error('no file')
    writeFileSync(path, 'this is no database, and was never meant to be one'.repeat(100))
    const store = sqlite().open(identity)
    expect(store.checkpoint).toBeUndefined()
    store.close()
  })

  it('is made anew when its file has an older format', () => {
    sqlite().open(identity).close()
    const database = new DatabaseSync(files()[0] ?? '')
    database.exec('DROP TABLE accepted; CREATE TABLE accepted (seq INTEGER PRIMARY KEY, id_hash INTEGER)')
    database.close()
    const store = sqlite().open(identity)
    expect([store.checkpoint, store.findCommand('x')]).toEqual([undefined, undefined])
    store.close()
  })

  it('survives a boot of the system when it was closed before, and is emptied when it was not', () => {
    const boot = (id: string) => new SqliteAggregateStores(directory, () => `token ${++tokens}`, id)
    const checkpoint = { anchor: null, stateOffset: 1, claim: null }
    const nothing = { aggregates: new Map(), accepted: [], outcomes: [], forgotten: [], checkpoint }
    const changes = { ...nothing, window: { commands: 1, notBeforeMs: 0 } }
    const open = boot('one').open(identity)
    open.save(changes)
    const killed = boot('one').open(identity)
    expect(killed.checkpoint).toEqual(checkpoint)
    killed.close()
    const again = boot('two').open(identity)
    expect(again.checkpoint).toEqual(checkpoint)
    open.close()
    const lost = boot('three').open(identity)
    expect(lost.checkpoint).toBeUndefined()
    for (const store of [again, lost]) store.close()
  })

  it('is done without where it cannot be opened, or is lost again and again', () => {
    const warnings: string[] = []
    writeFileSync(join(directory, 'file'), '')
    const nowhere = new SqliteAggregateStores(join(directory, 'file', 'below'), () => 'token')
    const stores = new StateStores(nowhere, (message) => warnings.push(message))
    expect(stores.open(identity)).toBeInstanceOf(MemoryAggregateStore)
    expect(warnings).toEqual([expect.stringContaining('t/0 is kept in memory')])

    const failing = new StateStores(sqlite(), (message) => warnings.push(message))
    for (let time = 0; time < 3; time++) {
      const store = failing.open(identity)
      expect(store).not.toBeInstanceOf(MemoryAggregateStore)
      store.close()
      failing.failed('t', 0, new Error('the disk is full'))
    }
    expect(failing.open(identity)).toBeInstanceOf(MemoryAggregateStore)
    expect(warnings.at(-1)).toContain('kept in memory from now on')
  })
})

function files(): readonly string[] {
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return found.filter((name) => name.endsWith('.sqlite')).map((name) => join(directory, name))
}
