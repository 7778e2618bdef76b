import { readFileSync } from 'node:fs'
import { givenEvents } from '@keyfold/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProjections, type Projections } from '../index.ts'
import { codec, Deposited, Ledger } from '../testdata/ledger.ts'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import { kyselyBalances } from '../testdata/samples/kysely-balances.ts'
import { openReader, richest } from '../testdata/samples/typeorm-balances.ts'
import { PostgresReadModelStore } from './postgres-read-model-store.ts'

const GUIDE = new URL('../../../../docs/guides/how-to/postgres-read-models.md', import.meta.url)

/** What stands between `// #region name` and `// #endregion name`. */
function region(file: string, name: string): string {
  const text = readFileSync(new URL(`../testdata/samples/${file}`, import.meta.url), 'utf8')
  const [, inside = ''] = new RegExp(`// #region ${name}\\n([^]*?)// #endregion ${name}`).exec(text) ?? []
  return inside.trim()
}

describe('the guide to read models in PostgreSQL', () => {
  it.each([
    ['kysely-balances.ts', 'kysely'],
    ['typeorm-balances.ts', 'typeorm'],
  ])('shows %s as it is run here', (file, name) => {
    expect(region(file, name)).not.toBe('')
    expect(readFileSync(GUIDE, 'utf8')).toContain(region(file, name))
  })
})

describe.skipIf(findPostgres() === undefined)('its samples (skipped without a PostgreSQL server)', () => {
  let server: PostgresServer
  let projections: Projections | undefined

  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
  }, 60_000)
  afterAll(async () => {
    await projections?.close()
    await server.destroy()
  })

  it('Kysely writes inside the transaction of the checkpoint', async () => {
    const events = [2n, 3n, 4n].map((amount) => ({ key: 'ann', event: Deposited({ amount }) }))
    const store = { postgres: server.connection }
    await givenEvents(kyselyBalances, events, { store }).thenRows('SELECT * FROM balance', [
      { account: 'ann', cents: 9, deposits: 3 },
    ])
  })

  it('TypeORM reads the view, also while a rebuild switches beneath it', async () => {
    const ledger = new Ledger()
    ledger.deposit(30, ['ann', 'ann', 'bob'])
    const stores = { postgres: new PostgresReadModelStore({ connection: server.connection }) }
    projections = await openProjections({ kafka: ledger.kafka, codec, projectors: [kyselyBalances], stores })
    await projections.startProjector('kysely_balances')
    const { host, port, user, database } = server.connection
    const reader = await openReader(`postgres://${user}@${host}:${port}/${database}`)
    const expected = [
      { account: 'ann', cents: '20' },
      { account: 'bob', cents: '10' },
    ]
    expect(await richest(reader)).toEqual(expected)
    const over = new AbortController()
    const rebuilt = projections.rebuild('kysely_balances').finally(() => over.abort())
    while (!over.signal.aborted) expect(await richest(reader)).toEqual(expected)
    expect((await rebuilt).verified.equal).toBe(true)
    expect(await richest(reader)).toEqual(expected)
    await reader.destroy()
  })
})
