import { DatabaseSync } from 'node:sqlite'
import { connectKafka } from '@keyfold/kafka'
import { on, projector, type ProjectorDescriptor } from '@keyfold/eventsourcing'
import {
  MemoryReadModelStore,
  openProjections,
  PostgresReadModelStore,
  type PostgresTransaction,
  type ReadModelStore,
  rowTable,
  SqliteReadModelStore,
  type SqliteTransaction,
} from '@keyfold/projections'
import avsc, { type Type } from 'avsc'
import { type EachBatchPayload, Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../../apps/bank/src/generated/bank.ts'
import type { PostgresServer } from '../../libs/projections/src/testdata/postgres-server.ts'
import { addressOf } from '../commands/emmett.ts'
import { emmettRebuild } from './emmett.ts'
import { codecOf, EVENTS, type LogAddress, TOPIC } from './log.ts'

export interface Places {
  readonly address: LogAddress
  /** Empty, for this run alone. */
  readonly directory: string
  /** How to reach an empty database; undefined without a server. */
  readonly postgres: PostgresServer['connection'] | undefined
  /** Where Emmett is installed; undefined when it is not. */
  readonly emmett: string | undefined
}

/** Applies the whole log and answers the seconds it took, from the first batch to the last commit. */
export type Contestant = (places: Places) => Promise<number>

interface Amount {
  readonly amountCents: bigint
}

const balance = rowTable('balances', {
  key: { account_id: 'text' },
  columns: { owner: 'text', balance_cents: 'bigint', version: 'bigint' },
})

export const contestants = {
  /** (a): decodes with bare avsc, and drops the events. */
  'kafkajs loop, decodes only': (places) => bareLoop(places, async () => () => {}),
  /** (b): one upsert per event, one transaction per fetched batch. */
  'hand-written loop, node:sqlite': (places) => bareLoop(places, () => sqliteLoop(places)),
  'hand-written loop, PostgreSQL': (places) => bareLoop(places, () => postgresLoop(places)),
  'Keyfold, no store': (places) => keyfold(places, new MemoryReadModelStore(), nothing()),
  'Keyfold, SQLite, SQL per event': (places) => keyfold(places, sqliteStore(places), perEvent()),
  'Keyfold, SQLite, folded rows': (places) => keyfold(places, sqliteStore(places), folded()),
  'Keyfold, PostgreSQL, folded rows': (places) => keyfold(places, postgresStore(places), folded()),
  /** (c): from its own event store in PostgreSQL, a document per account. */
  'Emmett, PostgreSQL, its rebuild': ({ postgres, emmett, address }) => {
    if (postgres === undefined || emmett === undefined) throw new TypeError('no PostgreSQL or no Emmett here')
    return emmettRebuild(emmett, addressOf(postgres), address.events)
  },
} as const satisfies Record<string, Contestant>

export type ContestantName = keyof typeof contestants

async function keyfold({ address }: Places, store: ReadModelStore, descriptor: ProjectorDescriptor): Promise<number> {
  const kafka = await connectKafka({ brokers: [address.broker], clientId: 'bench-keyfold' })
  const codec = await codecOf(address)
  const own = { ...descriptor, topics: [address.topic] }
  const projections = await openProjections({ kafka, codec, projectors: [own], stores: { bench: store } })
  const startedAt = performance.now()
  await projections.start()
  await projections.caughtUp()
  const seconds = (performance.now() - startedAt) / 1000
  await projections.close()
  await kafka.close()
  return seconds
}

function nothing(): ProjectorDescriptor {
  const ignore = (): void => {}
  const handlers = EVENTS.map((event) => on(event, ignore))
  return projector({ name: 'nothing', version: 1, from: [TOPIC], store: 'bench', setup: ignore, on: handlers })
}

/** The bank's way: SQL in every handler. */
export function perEvent(): ProjectorDescriptor {
  const move = 'UPDATE balances SET balance_cents = balance_cents + ?, version = ? WHERE account_id = ?'
  return projector<SqliteTransaction>({
    name: 'balances',
    version: 1,
    from: [TOPIC],
    store: 'bench',
    setup: (tx) => tx.createTable(balance),
    on: [
      on(AccountOpened, ({ owner }, { tx, key, version }) => {
        tx.run('INSERT INTO balances VALUES (?, ?, 0, ?)', key, owner, version)
      }),
      on(MoneyDeposited, ({ amountCents }, { tx, key, version }) => {
        tx.run(move, amountCents, version, key)
      }),
      on(MoneyWithdrawn, ({ amountCents }, { tx, key, version }) => {
        tx.run(move, -amountCents, version, key)
      }),
    ],
  })
}

/** The same model by rows, which are folded per batch. */
function folded(): ProjectorDescriptor {
  type Context = { tx: SqliteTransaction | PostgresTransaction; key: string; version: number }
  const move = (cents: bigint, { tx, key, version }: Context): void => {
    const rows = tx.rows(balance)
    rows.add({ account_id: key }, { balance_cents: cents })
    rows.put({ account_id: key }, { version: BigInt(version) })
  }
  return projector<SqliteTransaction | PostgresTransaction>({
    name: 'balances',
    version: 1,
    from: [TOPIC],
    store: 'bench',
    setup: (tx) => tx.createTable(balance),
    on: [
      on(AccountOpened, ({ owner }, { tx, key, version }) => {
        tx.rows(balance).put({ account_id: key }, { owner, version: BigInt(version) })
      }),
      on(MoneyDeposited, ({ amountCents }, context) => move(amountCents, context)),
      on(MoneyWithdrawn, ({ amountCents }, context) => move(-amountCents, context)),
    ],
  })
}

function sqliteStore({ directory }: Places): ReadModelStore {
  return new SqliteReadModelStore({ directory })
}

function postgresStore({ postgres }: Places): ReadModelStore {
  if (postgres === undefined) throw new TypeError('no PostgreSQL here')
  return new PostgresReadModelStore({ connection: postgres })
}

interface Applied {
  readonly name: string
  readonly key: string
  readonly event: unknown
}
type Apply = (batch: readonly Applied[], batchOf: EachBatchPayload['batch']) => void | Promise<void>

/** What one would write without a framework: a kafkajs consumer, avsc, a cache of types by schema id. */
async function bareLoop({ address }: Places, prepare: () => Promise<Apply>): Promise<number> {
  const apply = await prepare()
  const kafka = new Kafka({ brokers: [address.broker], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId: `bench-${Math.random()}`,
    maxBytesPerPartition: 2_097_152,
    readUncommitted: false,
  })
  const types = await typesById(address)
  await consumer.connect()
  await consumer.subscribe({ topic: address.topic, fromBeginning: true })
  const { promise: done, resolve, reject } = Promise.withResolvers<number>()
  let startedAt: number | undefined
  let left = address.events
  await consumer.run({
    autoCommit: false,
    // kafkajs would try again for ever: what fails here fails the measurement.
    eachBatch: (payload) => applyBatch(payload).catch(reject),
  })
  async function applyBatch({ batch }: EachBatchPayload): Promise<void> {
    startedAt ??= performance.now()
    const decoded: Applied[] = []
    for (const { key, value } of batch.messages) {
      const type = value === null ? undefined : types.get(value.readInt32BE(1))
      if (value === null || type === undefined) throw new Error('an event of an unknown schema')
      decoded.push({ name: type.name ?? '', key: key?.toString() ?? '', event: type.fromBuffer(value.subarray(5)) })
    }
    await apply(decoded, batch)
    left -= decoded.length
    // What is past the wanted number came in the same batch, and took its share of the time.
    const applied = address.events - left
    if (left <= 0) resolve((((performance.now() - startedAt) / 1000) * address.events) / applied)
  }
  const seconds = await done
  await consumer.disconnect()
  return seconds
}

/** All schemas, with longs as bigints: money does not fit a double. */
async function typesById({ registry }: LogAddress): Promise<ReadonlyMap<number, Type>> {
  const types = new Map<number, Type>()
  for (let id = 1; ; id++) {
    const answer = await fetch(`${registry}/schemas/ids/${id}`)
    if (!answer.ok) return types
    const { schema } = (await answer.json()) as { readonly schema: string }
    types.set(id, avsc.Type.forSchema(JSON.parse(schema) as never, { registry: { long: bigints } }))
  }
}

const bigints = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => (left < right ? -1 : Number(left > right)),
})

async function sqliteLoop({ directory }: Places): Promise<Apply> {
  const database = new DatabaseSync(`${directory}/hand-written.sqlite`)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  database.exec(
    'CREATE TABLE balances (account_id TEXT PRIMARY KEY, owner TEXT, balance_cents INTEGER, version INTEGER)',
  )
  database.exec('CREATE TABLE checkpoint (partition INTEGER PRIMARY KEY, next TEXT)')
  const upsert = database.prepare(`INSERT INTO balances VALUES (?, NULL, ?, 1)
    ON CONFLICT DO UPDATE SET balance_cents = balance_cents + excluded.balance_cents, version = version + 1`)
  const open = database.prepare('INSERT INTO balances VALUES (?, ?, 0, 1)')
  const checkpoint = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?)')
  return (batch, fetched) => {
    database.exec('BEGIN')
    for (const { name, key, event } of batch) {
      if (name.endsWith('AccountOpened')) open.run(key, (event as { owner: string }).owner)
      else upsert.run(key, centsOf(name, event as Amount))
    }
    checkpoint.run(fetched.partition, fetched.lastOffset())
    database.exec('COMMIT')
  }
}

async function postgresLoop({ postgres }: Places): Promise<Apply> {
  const client = new Client(postgres)
  await client.connect()
  await client.query(
    'CREATE TABLE balances (account_id text PRIMARY KEY, owner text, balance_cents bigint, version bigint)',
  )
  await client.query('CREATE TABLE checkpoint (partition integer PRIMARY KEY, next text)')
  const upsert = `INSERT INTO balances VALUES ($1, $2, $3, 1) ON CONFLICT (account_id) DO UPDATE
    SET balance_cents = balances.balance_cents + excluded.balance_cents, version = balances.version + 1`
  return async (batch, fetched) => {
    await client.query('BEGIN')
    for (const { name, key, event } of batch) {
      const opened = name.endsWith('AccountOpened')
      const values: unknown[] = opened
        ? [key, (event as { owner: string }).owner, 0]
        : [key, null, centsOf(name, event as Amount)]
      await client.query({ name: 'upsert', text: upsert, values })
    }
    const reached = 'INSERT INTO checkpoint VALUES ($1, $2) ON CONFLICT (partition) DO UPDATE SET next = $2'
    await client.query(reached, [fetched.partition, fetched.lastOffset()])
    await client.query('COMMIT')
  }
}

function centsOf(name: string, { amountCents }: Amount): bigint {
  return name.endsWith('MoneyWithdrawn') ? -amountCents : amountCents
}
