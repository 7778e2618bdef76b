import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { EventStore } from '@keyfold/event-store'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import {
  CommandBus,
  InjectReadModel,
  KeyfoldModule,
  KeyfoldRuntime,
  On,
  Projector,
  type ReadModel,
} from '@keyfold/nest'
import type { SqliteTransaction } from '@keyfold/projections'
import { type INestApplicationContext, Module, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Deposit, OpenAccount, Withdraw } from '../../apps/bank/src/accounts/account-commands.ts'
import { Account } from '../../apps/bank/src/accounts/account.ts'
import { Balances } from '../../apps/bank/src/accounts/balances.projector.ts'
import { AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../../apps/bank/src/generated/bank.ts'
import { runInTest } from '../../apps/cli/src/testing/test-world.ts'
import { ROOT } from '../tidy/tree.ts'

type Context = ProjectionContext<SqliteTransaction>

/** The rebuild stands still at its first deposit until the test lets it go on. */
const rebuild = { begun: Promise.withResolvers<void>(), mayGoOn: Promise.withResolvers<void>() }

/** The bank's balances as the next release has them: what deposits are for, and no longer owner, status or version. */
@Projector({ name: 'balances', version: 2, from: [Account] })
class BalancesWithMemos {
  setup(tx: SqliteTransaction) {
    tx.exec(`CREATE TABLE balances (
      account_id TEXT PRIMARY KEY, balance_cents INTEGER NOT NULL, memos TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`)
  }

  @On(AccountOpened)
  opened(_: AccountOpened, { tx, key }: Context) {
    tx.run(`INSERT INTO balances VALUES (?, 0, '')`, key)
  }

  @On(MoneyDeposited)
  async deposited({ amountCents, memo }: MoneyDeposited, { tx, key }: Context) {
    rebuild.begun.resolve()
    await rebuild.mayGoOn.promise
    tx.run(
      `UPDATE balances SET balance_cents = balance_cents + ?, memos = memos || ? WHERE account_id = ?`,
      amountCents,
      `${memo};`,
      key,
    )
  }

  @On(MoneyWithdrawn)
  withdrawn({ amountCents }: MoneyWithdrawn, { tx, key }: Context) {
    tx.run('UPDATE balances SET balance_cents = balance_cents - ? WHERE account_id = ?', amountCents, key)
  }
}

/** What a service of the bank reads; both releases answer it. */
class Reader {
  readonly #rows: ReadModel

  constructor(@InjectReadModel('balances') rows: ReadModel) {
    this.#rows = rows
  }

  balances(): Readonly<Record<string, bigint>> {
    const rows = this.#rows.bigints.all<{ account_id: string; balance_cents: bigint }>(
      'SELECT account_id, balance_cents FROM balances',
    )
    return Object.fromEntries(rows.map(({ account_id, balance_cents }) => [account_id, balance_cents]))
  }

  memos(accountId: string): string | undefined {
    return this.#rows.get<{ memos: string }>('SELECT memos FROM balances WHERE account_id = ?', accountId)?.memos
  }
}

let directory: string
let app: INestApplicationContext | undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-evolution-'))
})

afterEach(async () => {
  rebuild.mayGoOn.resolve()
  await app?.close()
})

afterAll(async () => {
  await rm(directory, { recursive: true })
})

/** The bank's accounts with one release of their balances, on the bundled broker and registry. */
async function start(balances: Type): Promise<INestApplicationContext> {
  @Module({
    imports: [
      KeyfoldModule.forRoot({
        application: 'bank',
        dataDirectory: join(directory, 'data'),
        bundledBroker: { port: 0 },
        bundledRegistry: { port: 0 },
        registerSchemas: 'initial',
      }),
      KeyfoldModule.forFeature({ aggregates: [Account], projectors: [balances] }),
    ],
    providers: [Reader],
  })
  class BankRelease {}
  app = await NestFactory.createApplicationContext(BankRelease, { logger: ['error'], abortOnError: false })
  return app
}

/** Publishes the second version of deposits from a directory of schemas that has only just got it. */
async function publishMemos(registryUrl: string): Promise<void> {
  const schemas = join(directory, 'schemas')
  const ours = join(ROOT, 'schemas')
  const second = 'bank/money-deposited/v2.avsc'
  await cp(ours, schemas, { recursive: true, filter: (source) => !source.endsWith(second) })
  const keyfold = (...args: readonly string[]) =>
    runInTest(['schemas', ...args, '--schemas', schemas], { env: { SCHEMA_REGISTRY_URL: registryUrl } })
  await writeFile(join(schemas, second), await readFile(join(ours, second)))
  expect(await keyfold('check')).toMatchObject({ code: 0 })
  const push = await keyfold('push', '--yes')
  expect(push).toMatchObject({ code: 0 })
  expect(push.out.join('\n')).toContain('bank/money-deposited v2 as version 2 of')
}

/** What every account holds by its stored events alone. */
async function foldOfTheLog(eventStore: EventStore, accounts: readonly string[]) {
  const signs: Readonly<Record<string, bigint>> = { 'bank.MoneyDeposited': 1n, 'bank.MoneyWithdrawn': -1n }
  const folded: Record<string, bigint> = {}
  for (const key of accounts) {
    const events = await eventStore.readEvents({ topic: 'bank.account', key })
    folded[key] = events.reduce((sum, { type, data }) => {
      const { amountCents = 0n } = data as { amountCents?: bigint }
      return sum + (signs[type] ?? 0n) * amountCents
    }, 0n)
  }
  return folded
}

it('an event gets a field and a read model another shape: the old rows answer until the new ones do', async () => {
  const accounts = ['alice', 'bob', 'carol', 'dave']
  const first = await start(Balances)
  const bus = first.get(CommandBus)
  for (const accountId of accounts) {
    await bus.execute(new OpenAccount({ accountId, owner: accountId }))
    await bus.execute(new Deposit({ accountId, amountCents: 500_00n }))
  }
  await bus.execute(new Withdraw({ accountId: 'bob', amountCents: 20_00n }), { waitFor: [Balances] })
  const runtime = first.get(KeyfoldRuntime)
  await runtime.projections.caughtUp()
  const before = first.get(Reader).balances()
  expect(before).toEqual({ alice: 500_00n, bob: 480_00n, carol: 500_00n, dave: 500_00n })
  await publishMemos(runtime.addresses.registryUrl)
  await first.close()

  const second = await start(BalancesWithMemos)
  const { eventStore, projections } = second.get(KeyfoldRuntime)
  const reader = second.get(Reader)
  await rebuild.begun.promise
  expect(projections.status()).toMatchObject([{ state: 'rebuilding', version: 2, servingVersion: 1 }])
  expect(reader.balances()).toEqual(before)
  await second.get(CommandBus).execute(new Deposit({ accountId: 'alice', amountCents: 1_00n, memo: 'rent' }))
  expect(reader.balances()).toEqual(before)
  const stored = await eventStore.readEvents({ topic: 'bank.account', key: 'alice' })
  expect(stored.map(({ schemaVersion }) => schemaVersion)).toEqual([1, 1, 2])

  rebuild.mayGoOn.resolve()
  // Every read is answered, and with whole rows: those of before, or those of all events.
  const after = { ...before, alice: 501_00n }
  while (projections.status()[0]?.servingVersion !== 2) {
    expect(projections.status()[0]?.state).not.toBe('failed')
    expect(reader.balances()).toEqual(before)
    await setImmediate()
  }
  await projections.caughtUp()
  await expect.poll(() => projections.status()[0]).toMatchObject({ state: 'live', servingVersion: 2, error: undefined })
  expect(reader.balances()).toEqual(after)
  expect(await foldOfTheLog(eventStore, accounts)).toEqual(after)
  expect(accounts.map((accountId) => reader.memos(accountId))).toEqual([';rent;', ';', ';', ';'])
}, 60_000)
