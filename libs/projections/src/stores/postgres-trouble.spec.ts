import { on, projector, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openProjections, type Projections } from '../index.ts'
import { codec, Deposited, Ledger, TOPIC } from '../testdata/ledger.ts'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import { PostgresReadModelStore } from './postgres-read-model-store.ts'
import type { PostgresReader, PostgresTransaction } from './postgres-transaction.ts'
import { rowTable } from './rows/row-table.ts'

const balance = rowTable('balance', { key: { account: 'text' }, columns: { cents: 'bigint', version: 'bigint' } })

/** Balances by folded rows, and an audit row per applied event without any unique key, so that a repeat would show. */
function balances(options: Partial<ProjectorDescriptor> = {}): ProjectorDescriptor {
  const descriptor = projector<PostgresTransaction>({
    name: 'balances',
    version: 1,
    from: [TOPIC],
    store: 'postgres',
    onError: 'halt',
    setup: async (tx) => {
      await tx.createTable(balance)
      await tx.exec('CREATE TABLE audit (place text NOT NULL)')
    },
    on: [
      on(Deposited, async ({ amount }, { key, version, partition, offset, tx }) => {
        tx.rows(balance).add({ account: key }, { cents: amount })
        tx.rows(balance).put({ account: key }, { version: BigInt(version) })
        await tx.run('INSERT INTO audit VALUES ($1)', `${partition}/${offset}`)
      }),
    ],
  })
  return { ...descriptor, ...options }
}

async function rowsOf(reader: PostgresReader): Promise<Ledger['expected']> {
  const rows = await reader.all<{ account: string }>('SELECT * FROM balance ORDER BY account')
  const counts = 'SELECT count(*)::integer AS audited, count(DISTINCT place)::integer AS places FROM audit'
  const { audited, places } = (await reader.get<{ audited: number; places: number }>(counts)) ?? {
    audited: 0,
    places: 0,
  }
  if (audited !== places) throw new Error(`${audited - places} events were applied twice`)
  return { balances: rows, audited }
}

let server: PostgresServer
let administrator: Pool
let database: string
let databases = 0
const opened: Projections[] = []

async function started(ledger: Ledger, descriptor: ProjectorDescriptor = balances()): Promise<Projections> {
  const store = new PostgresReadModelStore({ connection: { ...server.connection, database } })
  const retry = { firstDelayMs: 1, delayMsMax: 20 }
  const batch = { recordsMax: 7 }
  const kafka = new InMemoryKafka(ledger.kafka.log)
  const options = { kafka, codec, projectors: [descriptor], stores: { postgres: store }, retry, batch }
  const projections = await openProjections(options)
  opened.push(projections)
  await projections.start()
  return projections
}

describe.skipIf(findPostgres() === undefined)('projections into PostgreSQL (skipped without a server)', () => {
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
    administrator = new Pool(server.connection)
    administrator.on('error', () => {})
  }, 60_000)
  beforeEach(async () => {
    database = `trouble${++databases}`
    await administrator.query(`CREATE DATABASE ${database}`)
  })
  afterEach(async () => {
    for (const projections of opened.splice(0)) await projections.close()
  })
  afterAll(async () => {
    await administrator.end()
    await server.destroy()
  })

  it('applies every event once, and rebuilds to equal rows while readers read', async () => {
    const ledger = new Ledger()
    ledger.deposit(300)
    const projections = await started(ledger)
    await projections.caughtUp()
    const reader = projections.read<PostgresReader>('balances')
    expect(await rowsOf(reader)).toEqual(ledger.expected)
    const reading = new AbortController()
    const faults: unknown[] = []
    const readers = (async () => {
      const outside = new Client({ ...server.connection, database })
      await outside.connect()
      while (!reading.signal.aborted) {
        const rows = await reader.all('SELECT * FROM balance')
        const { rows: seen } = await outside.query('SELECT * FROM balances.balance')
        if (rows.length !== 3 || seen.length !== 3) faults.push([rows.length, seen.length])
      }
      await outside.end()
    })()
    const report = await projections.rebuild('balances')
    reading.abort()
    await readers
    expect(report.verified).toMatchObject({
      equal: true,
      tables: [
        { name: 'audit', rows: 300 },
        { name: 'balance', rows: 3 },
      ],
    })
    expect(faults).toEqual([])
    expect(await rowsOf(reader)).toEqual(ledger.expected)
  })

  it('serves a raised version under the same names, with other columns', async () => {
    const ledger = new Ledger()
    ledger.deposit(30)
    const first = await started(ledger)
    await first.caughtUp()
    await first.close()
    const raised = projector<PostgresTransaction>({
      name: 'balances',
      version: 2,
      from: [TOPIC],
      store: 'postgres',
      setup: (tx) => tx.exec('CREATE TABLE balance (events integer NOT NULL, account text PRIMARY KEY)'),
      on: [
        on(Deposited, async (_, { key, tx }) => {
          await tx.run(
            'INSERT INTO balance VALUES (1, $1) ON CONFLICT (account) DO UPDATE SET events = balance.events + 1',
            key,
          )
        }),
      ],
    })
    const projections = await started(ledger, raised)
    await expect.poll(() => projections.status()[0]?.servingVersion, { timeout: 10_000 }).toBe(2)
    const outside = new Client({ ...server.connection, database })
    await outside.connect()
    const { rows } = await outside.query('SELECT account, events FROM balances.balance ORDER BY account')
    expect(rows).toEqual([
      { account: 'ann', events: 10 },
      { account: 'bob', events: 10 },
      { account: 'eve', events: 10 },
    ])
    expect((await outside.query("SELECT viewname FROM pg_views WHERE schemaname = 'balances'")).rowCount).toBe(1)
    await outside.end()
  })

  it.each([
    ['pg_terminate_backend', () => terminateBackends()],
    ['a restart', () => restart('fast')],
    ['a crash', () => restart('immediate')],
  ])('goes on by itself after %s, in the middle of its work, and neither skips nor doubles', async (_, disturb) => {
    const ledger = new Ledger()
    ledger.deposit(400)
    const projections = await started(ledger)
    for (let round = 0; round < 3; round++) {
      const before = positions(projections)
      await disturb()
      ledger.deposit(100)
      await expect.poll(() => positions(projections) > before, { timeout: 20_000 }).toBe(true)
    }
    await projections.caughtUp()
    expect(await rowsOf(projections.read('balances'))).toEqual(ledger.expected)
    expect(projections.status()[0]?.state).toBe('live')
  })

  it('takes a COMMIT whose answer never came for what it was', async () => {
    const ledger = new Ledger()
    ledger.deposit(60)
    const projections = await started(ledger)
    await projections.caughtUp()
    let commits = 0
    const query = Client.prototype.query
    // The socket ends after the server has done the COMMIT, before its answer is read.
    const cut = function (this: Client, ...given: unknown[]) {
      const done = Reflect.apply<Client, unknown[], Promise<unknown>>(query as never, this, given)
      if (given[0] !== 'COMMIT' || ++commits % 3 !== 0) return done
      return done.then(() => {
        const { stream } = (this as unknown as { connection: { stream: { destroy(): void } } }).connection
        stream.destroy()
        throw new Error('Connection terminated unexpectedly')
      })
    }
    Client.prototype.query = cut as never
    try {
      ledger.deposit(60)
      await projections.caughtUp()
      expect(await rowsOf(projections.read('balances'))).toEqual(ledger.expected)
      expect(commits).toBeGreaterThan(6)
    } finally {
      Client.prototype.query = query
    }
  })

  it('refuses a handler that ends its transaction, and keeps its rows out', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(3)
    const wrong = on(Deposited, async (_, { tx }: { tx: PostgresTransaction }) => {
      await tx.run('INSERT INTO audit VALUES ($1)', 'x')
      await tx.client.query('ROLLBACK')
    })
    const handlers = new Map([[Deposited.eventName, wrong.handler as never]])
    const projections = await started(ledger, { ...balances(), handlers })
    await expect(projections.caughtUp('balances')).rejects.toMatchObject({ code: 'TRANSACTION_OVER' })
    expect(projections.status()[0]?.partitions).toMatchObject([{ position: 0 }])
  })

  it('fences the process that was there before', async () => {
    const ledger = new Ledger(1)
    ledger.deposit(10)
    const zombie = await started(ledger)
    await zombie.caughtUp()
    const owner = await started(ledger)
    await owner.caughtUp()
    ledger.deposit(10)
    await owner.caughtUp()
    await expect.poll(() => zombie.status()[0]?.state, { timeout: 10_000 }).toBe('failed')
    expect(zombie.status()[0]?.partitions[0]?.error).toMatchObject({ code: 'CHECKPOINT_FENCED' })
    expect(await rowsOf(owner.read('balances'))).toEqual(ledger.expected)
  })

  it('does not wait for ever for a process that was stopped in the middle of a transaction', async () => {
    const place = { ...server.connection, database, idle_in_transaction_session_timeout: 300 }
    const partition = { topic: TOPIC, partition: 0 }
    const [stopped, successor] = [place, place].map((connection) => new PostgresReadModelStore({ connection }))
    await stopped?.open()
    await successor?.open()
    const model = await stopped?.claim('balances')
    const number = (await model?.createGeneration(1))?.generation ?? 0
    const generation = await model?.openGeneration(number)
    await generation?.setup(() => {})
    await generation?.claim([partition])
    const { promise: awake, resolve: wake } = Promise.withResolvers<void>()
    const { promise: within, resolve: enter } = Promise.withResolvers<void>()
    const writing = generation?.write({ ...partition, position: 0 }, () => {
      enter()
      return awake.then(() => 5)
    })
    await within
    const next = await (await successor?.claim('balances'))?.openGeneration(number)
    expect(await next?.claim([partition])).toEqual([{ ...partition, position: 0 }])
    wake()
    await expect(writing).rejects.toMatchObject({ code: 'READ_MODEL_UNAVAILABLE' })
    expect(await next?.position(partition)).toBe(0)
    await stopped?.close()
    await successor?.close()
  })

  it('says what is wrong when the database cannot be reached', async () => {
    const connection = { ...server.connection, port: 1 }
    const store = new PostgresReadModelStore({ connection })
    await expect(store.open()).rejects.toMatchObject({ code: 'READ_MODEL_UNAVAILABLE' })
  })
})

function positions(projections: Projections): number {
  return projections.status()[0]?.partitions.reduce((sum, { position }) => sum + position, 0) ?? 0
}

async function terminateBackends(): Promise<void> {
  await administrator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database])
}

async function restart(mode: 'fast' | 'immediate'): Promise<void> {
  await server.stop(mode)
  await server.start()
}
