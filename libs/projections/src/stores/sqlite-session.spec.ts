import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowTable } from './rows/row-table.ts'
import { explained } from './sqlite-database.ts'
import { SqliteGeneration } from './sqlite-generation.ts'
import { SqliteReadModelStore } from './sqlite-read-model-store.ts'
import type { SqliteTransaction } from './sqlite-session.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sqlite-'))
})

afterEach(() => rm(directory, { recursive: true }))

function opened(name = 'rows.sqlite'): SqliteGeneration {
  const path = name === ':memory:' ? name : join(directory, name)
  return new SqliteGeneration({ path, projector: 'p', generation: 1, version: 1, ownerEpoch: 1 })
}

const PARTITION = { topic: 't', partition: 0 }

describe('a SQLite file that another process is writing to', () => {
  it('is away, not broken: who waits for it goes on by itself', () => {
    const path = join(directory, 'busy.sqlite')
    const [stopped, successor] = [new DatabaseSync(path), new DatabaseSync(path, { timeout: 0 })]
    stopped.exec('BEGIN IMMEDIATE')
    const begin = (): void => explained(path, () => successor.exec('BEGIN IMMEDIATE'))
    expect(begin).toThrow(expect.objectContaining({ code: 'READ_MODEL_UNAVAILABLE', retriable: true }))
    stopped.exec('ROLLBACK')
    expect(begin).not.toThrow()
    stopped.close()
    successor.close()
  })
})

describe('a SQLite transaction', () => {
  it('gives integers as numbers, or as bigints when asked, and never a wrong one', async () => {
    const generation = opened()
    await generation.setup((tx) => {
      tx.exec('CREATE TABLE n (small INTEGER, large INTEGER)')
      tx.run('INSERT INTO n VALUES (:small, :large)', { small: 7, large: 2n ** 60n })
    })
    const { handle } = generation
    expect(handle.get('SELECT small FROM n')).toEqual({ small: 7 })
    expect(handle.bigints.get('SELECT small, large FROM n')).toEqual({ small: 7n, large: 2n ** 60n })
    expect(handle.bigints.all('SELECT large FROM n WHERE small = ?', 7)).toEqual([{ large: 2n ** 60n }])
    expect(() => handle.get('SELECT large FROM n')).toThrow(expect.objectContaining({ code: 'INTEGER_TOO_LARGE' }))
    expect(() => handle.get('DELETE FROM n RETURNING small')).toThrow(/readonly/)
    await generation.close()
  })

  it('pauses while it writes many folded rows, and shows none of them before its end', async () => {
    const generation = opened()
    const table = rowTable('counts', { key: { name: 'text' }, columns: { count: 'integer' } })
    await generation.setup((tx) => tx.createTable(table))
    await generation.claim([PARTITION])
    const rowsSeen = (): unknown => generation.handle.get('SELECT count(*) AS rows FROM counts')
    const seenInPauses: unknown[] = []
    let isOver = false
    const look = (): void => {
      if (isOver) return
      seenInPauses.push(rowsSeen())
      setImmediate(look)
    }
    const written = generation.write({ ...PARTITION, position: 0 }, (tx) => {
      for (let name = 0; name < 1_200; name++) tx.rows(table).add({ name: `row ${name}` }, { count: 1 })
      setImmediate(look)
      return 1_200
    })
    await written.finally(() => (isOver = true))
    expect(seenInPauses.length).toBeGreaterThan(0)
    expect(seenInPauses).toEqual(seenInPauses.map(() => ({ rows: 0 })))
    expect(rowsSeen()).toEqual({ rows: 1_200 })
    await generation.close()
  })

  it('sees its own rows, which others do not see before its end', async () => {
    const generation = opened()
    await generation.setup((tx) => tx.exec('CREATE TABLE n (x INTEGER)'))
    await generation.claim([PARTITION])
    await generation.write({ ...PARTITION, position: 0 }, (tx) => {
      expect(tx.run('INSERT INTO n VALUES (1), (2)')).toEqual({ changes: 2 })
      expect(tx.all('SELECT x FROM n')).toHaveLength(2)
      expect(generation.handle.all('SELECT x FROM n')).toHaveLength(0)
      return 1
    })
    expect(generation.handle.all('SELECT x FROM n')).toHaveLength(2)
    await generation.close()
  })

  it('refuses a handler that has already returned', async () => {
    const generation = opened(':memory:')
    await generation.claim([PARTITION])
    let kept: SqliteTransaction | undefined
    await generation.write({ ...PARTITION, position: 0 }, (tx) => {
      kept = tx
      return 1
    })
    expect(() => kept?.get('SELECT 1')).toThrow(expect.objectContaining({ code: 'TRANSACTION_OVER' }))
    await generation.close()
  })

  it.each([
    ['COMMIT', (tx: SqliteTransaction) => tx.exec('COMMIT'), /not authorized/],
    ['a statement that rolls back', endByConflict, /ended its transaction/],
  ])('cannot be ended by a handler: %s', async (_, end, message) => {
    const generation = opened()
    await generation.setup((tx) => tx.exec('CREATE TABLE n (x INTEGER PRIMARY KEY)'))
    await generation.claim([PARTITION])
    const write = generation.write({ ...PARTITION, position: 0 }, (tx) => {
      tx.run('INSERT INTO n VALUES (1)')
      end(tx)
      return 1
    })
    await expect(write).rejects.toThrow(message)
    expect(await generation.position(PARTITION)).toBe(0)
    expect(generation.handle.all('SELECT x FROM n')).toEqual([])
    await generation.close()
  })

  it('keeps prepared statements without end in sight out of memory', async () => {
    const generation = opened(':memory:')
    for (let n = 0; n < 1_200; n++) expect(generation.handle.get(`SELECT ${n} AS n`)).toEqual({ n })
    await generation.close()
  })

  it('tells rows apart by type and column, and knows which tables are its own', async () => {
    const digest = async (ddl: string, ...values: readonly (string | number | bigint | null | Uint8Array)[]) => {
      const generation = opened(':memory:')
      await generation.setup((tx) => {
        tx.exec(ddl)
        tx.run(`INSERT INTO t (a, b) VALUES (?, ?)`, ...values)
      })
      const tables = await generation.tables()
      await generation.close()
      expect(tables.map(({ name }) => name)).toEqual(['t'])
      return tables[0]?.checksum
    }
    const columns = 'CREATE TABLE t (a, b)'
    const digests = [
      await digest(columns, 1n, '2'),
      await digest(columns, '1', '2'),
      await digest(columns, 1n, null),
      await digest(columns, null, 1n),
      await digest(columns, Buffer.from('1'), '2'),
      await digest(columns, 1n, '21'),
      await digest(columns, 0.5, '2'),
    ]
    expect(new Set(digests).size).toBe(digests.length)
    expect(await digest('CREATE TABLE t (b, a)', 1n, '2')).toBe(digests[0])
  })
})

describe('the files of a SQLite store', () => {
  it('cannot be made where nothing can be written', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    await expect(new SqliteReadModelStore({ directory: file }).open()).rejects.toMatchObject({
      code: 'READ_MODEL_UNWRITABLE',
    })
    const locked = join(directory, 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    const store = new SqliteReadModelStore({ directory: locked })
    if (process.getuid?.() !== 0) await expect(store.open()).rejects.toMatchObject({ code: 'READ_MODEL_UNWRITABLE' })
  })

  it('are named when they are no databases', async () => {
    await writeFile(join(directory, 'projections.sqlite'), 'this is not a database, whatever its name says')
    const open = new SqliteReadModelStore({ directory }).open()
    await expect(open).rejects.toMatchObject({
      code: 'READ_MODEL_CORRUPT',
      message: expect.stringContaining('projections.sqlite'),
    })
  })

  it('lie in the store’s directory, whatever a projector is called', async () => {
    const store = new SqliteReadModelStore({ directory: join(directory, 'inner') })
    await store.open()
    for (const name of ['../outside', '..', 'a/b', 'Ünïcode *']) {
      const model = await store.claim(name)
      const { generation } = await model.createGeneration(1)
      await (await model.openGeneration(generation)).close()
      await model.drop(generation)
    }
    expect(await store.projectors()).toHaveLength(4)
    await store.close()
    await rm(join(directory, 'inner'), { recursive: true })
    await expect(rm(join(directory, 'outside'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

function endByConflict(tx: SqliteTransaction): void {
  expect(() => tx.run('INSERT OR ROLLBACK INTO n VALUES (1)')).toThrow(/UNIQUE/)
  tx.run('INSERT INTO n VALUES (2)')
}
