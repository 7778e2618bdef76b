import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPostgres, type PostgresServer, startPostgres } from '../../testdata/postgres-server.ts'
import { SqliteSession } from '../sqlite-session.ts'
import { writePostgresRows } from './postgres-row-writer.ts'
import { RowBatch, type RowWriter } from './row-changes.ts'
import { createTableSql, rowTable } from './row-table.ts'
import { writeSqliteRows } from './sqlite-row-writer.ts'

const KEY = { holder: 'text', number: 'integer' } as const
const COLUMNS = { cents: 'bigint', count: 'integer', note: 'text?', weight: 'double?' } as const
const accounts = rowTable('accounts', { key: KEY, columns: COLUMNS })

interface Stored {
  readonly cents: bigint
  readonly count: number
  readonly note: string | null
  readonly weight: number | null
}
type Key = { readonly holder: string; readonly number: number }
type Step =
  | { readonly kind: 'add'; readonly key: Key; readonly values: { cents?: bigint; count?: number; weight?: number } }
  | { readonly kind: 'put'; readonly key: Key; readonly values: Partial<Stored> }
  | { readonly kind: 'remove'; readonly key: Key }
  | { readonly kind: 'flush' }

const keys = fc.record({ holder: fc.constantFrom('ann', "o'brien", '', 'ü"x'), number: fc.constantFrom(-1, 7) })
const cents = fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })
const whole = fc.integer({ min: -1000, max: 1000 })
const amounts = fc.record({ cents, count: whole, weight: whole }, { requiredKeys: [] })
const values = fc.record(
  { cents, count: whole, note: fc.option(fc.string(), { nil: null }), weight: fc.option(whole, { nil: null }) },
  { requiredKeys: [] },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), key: keys, values: amounts }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put'), key: keys, values }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), key: keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush') }) },
)
// PostgreSQL's text holds every character but NUL.
const scripts = fc
  .array(step, { maxLength: 40 })
  .filter((steps) => !steps.some((each) => each.kind === 'put' && each.values.note?.includes('\0')))

/** What the steps mean, one after the other. */
function expected(steps: readonly Step[]): Readonly<Record<string, Stored>> {
  const rows = new Map<string, Stored>()
  for (const each of steps) {
    if (each.kind === 'flush') continue
    const name = `${each.key.holder}/${each.key.number}`
    const before = rows.get(name) ?? { cents: 0n, count: 0, note: null, weight: null }
    if (each.kind === 'remove') rows.delete(name)
    else if (each.kind === 'put') rows.set(name, { ...before, ...each.values })
    else {
      const { cents: more = 0n, count = 0, weight } = each.values
      const sum = weight === undefined ? before.weight : (before.weight ?? 0) + weight
      rows.set(name, { ...before, cents: before.cents + more, count: before.count + count, weight: sum })
    }
  }
  return Object.fromEntries(rows)
}

async function play(steps: readonly Step[], batch: RowBatch, flush: () => void | Promise<void>): Promise<void> {
  const writer: RowWriter<typeof KEY, typeof COLUMNS> = batch.rows(accounts)
  for (const each of steps) {
    if (each.kind === 'flush') await flush()
    else if (each.kind === 'remove') writer.remove(each.key)
    else if (each.kind === 'put') writer.put(each.key, each.values)
    else writer.add(each.key, each.values)
  }
  await flush()
}

type Line = Key & Stored

function named(rows: readonly Line[]): Readonly<Record<string, Stored>> {
  return Object.fromEntries(rows.map(({ holder, number, ...rest }) => [`${holder}/${number}`, rest]))
}

/** Removed, and made again by adding nothing to it. */
const madeAgain: Step[] = [
  { kind: 'remove', key: { holder: '', number: 7 } },
  { kind: 'add', key: { holder: '', number: 7 }, values: {} },
]

describe('row writers', () => {
  it('SQLite ends with the rows that the changes one by one would have made', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (steps) => {
        const database = new DatabaseSync(':memory:')
        database.exec(createTableSql(accounts, 'sqlite'))
        const session = new SqliteSession(database)
        const batch = new RowBatch()
        await play(steps, batch, () => writeSqliteRows(session, batch))
        const rows = session.all('SELECT * FROM accounts', [], true) as Record<string, never>[]
        database.close()
        const plain = rows.map(
          (row) => ({ ...row, number: Number(row['number']), count: Number(row['count']) }) as never,
        )
        expect(named(plain)).toEqual(expected(steps))
      }),
      { examples: [[madeAgain]] },
    )
  })

  it.skipIf(findPostgres() === undefined)('PostgreSQL does the same (skipped without a server)', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (steps) => {
        await client.query('TRUNCATE accounts')
        const batch = new RowBatch()
        await play(steps, batch, () =>
          writePostgresRows((sql, parameters) => client.query(sql, [...parameters]), batch),
        )
        const { rows } = await client.query<Line & { cents: string }>('SELECT * FROM accounts')
        expect(named(rows.map((row) => ({ ...row, cents: BigInt(row.cents) })))).toEqual(expected(steps))
      }),
      { examples: [[madeAgain]] },
    )
  })

  it('PostgreSQL and SQLite take every type of column', async () => {
    const every = rowTable('every', {
      key: { id: 'bytes', at: 'timestamp' },
      columns: { flag: 'boolean', data: 'json', raw: 'bytes', when: 'timestamp?', label: 'text' },
    })
    const key = { id: Buffer.from([0, 255]), at: new Date(86_400_000) }
    const put = { flag: true, data: { list: [1, 'two', null] }, raw: Buffer.from('raw'), when: null, label: 'l' }
    const database = new DatabaseSync(':memory:')
    database.exec(createTableSql(every, 'sqlite'))
    const batch = new RowBatch()
    batch.rows(every).put(key, put)
    writeSqliteRows(new SqliteSession(database), batch)
    expect({ ...database.prepare('SELECT flag, data, "when", at FROM every').get() }).toEqual({
      flag: 1,
      data: '{"list":[1,"two",null]}',
      when: null,
      at: 86_400_000,
    })
    database.close()
    if (findPostgres() === undefined) return
    await client.query(createTableSql(every, 'postgres'))
    batch.rows(every).put(key, put)
    batch.rows(every).add({ ...key, at: new Date(0) }, {})
    await writePostgresRows((sql, parameters) => client.query(sql, [...parameters]), batch)
    const { rows } = await client.query('SELECT * FROM every ORDER BY at DESC')
    expect(rows[0]).toEqual({ ...key, ...put })
    expect(rows[1]).toMatchObject({ flag: false, data: null, label: '', when: null })
  })

  it('refuses what no table could take', () => {
    const writer = new RowBatch().rows(accounts)
    const key = { holder: 'ann', number: 1 }
    expect(() => writer.add(key, { note: 'x' } as never)).toThrow('only numbers can be added to accounts.note')
    expect(() => writer.put(key, { nothing: 1 } as never)).toThrow(
      'table accounts has no column nothing beside its key',
    )
    expect(() => writer.remove({ holder: 'ann' } as never)).toThrow('a row of accounts needs its key column number')
    expect(() => rowTable('a b', { key: KEY, columns: {} })).toThrow('a b: a name is letters, digits and _')
    expect(() => rowTable('t', { key: {}, columns: {} })).toThrow('table t needs a key')
    expect(() => rowTable('t', { key: { a: 'text' }, columns: { a: 'text' } })).toThrow('the column a in its key and')
  })
})

let server: PostgresServer | undefined
let client: Client

beforeAll(async () => {
  if (findPostgres() === undefined) return
  server = await startPostgres({ fsync: 'off' })
  client = new Client(server.connection)
  await client.connect()
  await client.query(createTableSql(accounts, 'postgres'))
}, 60_000)

afterAll(async () => {
  await client?.end()
  await server?.destroy()
})
