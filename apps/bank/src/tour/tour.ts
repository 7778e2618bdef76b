import type { Progress, RebuildReport } from '@keyfold/projections'
import { MoneyDeposited } from '../generated/bank.ts'
import { BankClient } from './bank-client.ts'
import type { TourOutput } from './tour-output.ts'

export interface TourOptions {
  readonly bankUrl: string
  readonly registryUrl: string
  readonly output: TourOutput
}

/**
 * A short tour with real commands through the bank's HTTP API. Every step checks what it says.
 * @throws {Error} when something is not as it should be.
 */
export async function playTour(options: TourOptions): Promise<void> {
  const tour: Tour = { ...options, bank: new BankClient(options.bankUrl) }
  for (const step of STEPS) await step(tour)
}

interface Tour extends TourOptions {
  readonly bank: BankClient
}

const STEPS: readonly ((tour: Tour) => Promise<void>)[] = [
  openAccounts,
  deposit,
  pay,
  overdraw,
  repeat,
  showEvents,
  evolve,
  refuseEvolution,
  makeTraffic,
  buildStatements,
  rebuildBalances,
]

async function openAccounts({ bank, output }: Tour): Promise<void> {
  await bank.post('/accounts', { accountId: 'alice', owner: 'Alice' })
  await bank.post('/accounts', { accountId: 'bob', owner: 'Bob' })
  output.step('Opened accounts for Alice and Bob')
}

async function deposit({ bank, output }: Tour): Promise<void> {
  await bank.post('/accounts/alice/deposits', { amount: 500 }, 'tour-deposit')
  await expectBalances(bank, { alice: '500.00', bob: '0.00' })
  output.step('Alice deposited $500')
}

async function pay({ bank, output }: Tour): Promise<void> {
  await bank.post('/payments', { from: 'alice', to: 'bob', amount: 200 }, 'tour-payment')
  await expectBalances(bank, { alice: '300.00', bob: '200.00' })
  output.step('Made a payment of $200 to Bob')
  output.detail('Alice has $300.00, Bob has $200.00: together still $500.00')
}

async function overdraw({ bank, output }: Tour): Promise<void> {
  const response = await bank.send('/accounts/alice/withdrawals', { amount: 1000 })
  const problem = (await response.json()) as { code: string; detail: string }
  expect(response.status === 422 && problem.code === 'INSUFFICIENT_FUNDS', 'an overdraft was not rejected')
  output.step(`A withdrawal of $1000 was rejected: ${problem.code}, ${problem.detail}`)
}

async function repeat({ bank, output }: Tour): Promise<void> {
  const again = await bank.post<Accepted>('/accounts/alice/deposits', { amount: 500 }, 'tour-deposit')
  expect(again.duplicate, 'a repeated command id was not recognised')
  await expectBalances(bank, { alice: '300.00', bob: '200.00' })
  output.step('The same command id sent twice happened once')
  output.detail(`the repeat got the original receipt: version ${again.version}, ${describe(again.position)}`)
}

async function showEvents({ bank, output }: Tour): Promise<void> {
  const events = await bank.get<StoredEventBody[]>('/accounts/alice/events')
  expect(events.length === 3, `Alice has ${events.length} events, not 3`)
  output.step("Alice's events as they are stored")
  for (const event of events) showEvent(output, event)
}

/** A compatible version 2: the new field has a default. The bank writes it as soon as the registry holds it. */
async function evolve({ bank, registryUrl, output }: Tour): Promise<void> {
  const { id } = (await (await register(registryUrl, schemaOfVersion(2))).json()) as { id: number }
  output.step(`Registered version 2 of bank.MoneyDeposited: new field "memo" with a default (schema id ${id})`)
  await bank.post('/accounts/alice/deposits', { amount: 50, memo: 'birthday' }, 'tour-memo')
  const events = await bank.get<StoredEventBody[]>('/accounts/alice/events')
  const deposits = events.filter(({ type }) => type === 'bank.MoneyDeposited')
  const versions = deposits.map(({ schemaVersion }) => schemaVersion)
  expect(versions.join() === '1,2', `the deposits are stored in versions ${versions.join()}, not 1,2`)
  output.detail('and went on writing: both versions are stored, and read in the newest shape')
  for (const event of deposits)
    output.detail(`version ${event.schemaVersion} at ${describe(event)} reads as ${JSON.stringify(event.data)}`)
}

/** An incompatible version: without a default, the deposits that are stored could not be read any more. */
async function refuseEvolution({ registryUrl, output }: Tour): Promise<void> {
  const schema = schemaOfVersion(2)
  const broken = { ...schema, fields: [...schema.fields, { name: 'branch', type: 'string' }] }
  const response = await register(registryUrl, broken)
  const { message } = (await response.json()) as { message: string }
  expect(response.status === 409 && message.includes("'branch'"), 'the registry took an incompatible version')
  output.step('Tried a version with a required field "branch": the registry refused it')
  output.detail(/description:'(.*?)', additionalInfo/.exec(message)?.[1] ?? message)
}

async function makeTraffic({ bank, output }: Tour): Promise<void> {
  const startedAt = performance.now()
  let next = 0
  const client = async () => {
    for (let number = next++; number < TRAFFIC_DEPOSITS; number = next++)
      await bank.post(`/accounts/${number % 2 === 0 ? 'alice' : 'bob'}/deposits`, { amount: '0.01' }, `tour-${number}`)
  }
  await Promise.all(Array.from({ length: TRAFFIC_CLIENTS }, client))
  const seconds = (performance.now() - startedAt) / 1000
  await expectBalances(bank, { alice: '360.00', bob: '210.00' })
  const rate = Math.round(TRAFFIC_DEPOSITS / seconds)
  output.step(`${TRAFFIC_CLIENTS} HTTP clients made ${TRAFFIC_DEPOSITS} deposits of $0.01, ${rate} a second`)
  output.detail('each durable before it was answered, and visible in the balances')
}

async function buildStatements({ bank, output }: Tour): Promise<void> {
  output.step('A read model that did not exist before, "statements", is built from offset zero')
  await followJob(bank, '/keyfold/projections/statements/start', output)
  const movements = await bank.get<{ memo: string }[]>('/accounts/alice/statement')
  expect(movements.length === 100, `Alice's statement shows ${movements.length} movements, not the newest 100`)
}

async function rebuildBalances({ bank, output }: Tour): Promise<void> {
  const live = await bank.get<unknown>('/accounts')
  output.step('The balances are rebuilt from offset zero, beside the ones that serve')
  const report = await followJob<RebuildReport>(bank, '/keyfold/projections/balances/rebuild', output)
  const rebuilt = await bank.get<unknown>('/accounts')
  expect(report.verified.equal === true, 'the rebuilt balances differ from the live ones')
  expect(JSON.stringify(live) === JSON.stringify(rebuilt), 'the balances changed with the switch')
  const tables = report.verified.tables.map(({ name, rows, checksum }) => `${name}: ${rows} rows, checksum ${checksum}`)
  output.detail(`rebuilt equals live (${tables.join('; ')})`)
}

const TRAFFIC_CLIENTS = 16
const TRAFFIC_DEPOSITS = 2000

interface Accepted {
  readonly version: number
  readonly duplicate: boolean
  readonly position: Position
}

interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

interface StoredEventBody extends Position {
  readonly key: string
  readonly type: string
  readonly schemaVersion: number
  readonly aggregateVersion: number
  readonly time: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
}

/** What `KeyfoldOperationsModule` answers a long job with, line by line. */
interface JobLine<Result> {
  readonly progress?: Progress
  readonly done?: Result
  readonly problem?: { readonly detail: string }
}

/** Shows a job's progress; resolves with what it came to. */
async function followJob<Result>(bank: BankClient, path: string, output: TourOutput): Promise<Result> {
  let result: Result | undefined
  let shown: Parameters<TourOutput['bar']>[0] = { done: 0, total: 0, text: '' }
  for await (const { progress, done, problem } of bank.lines<JobLine<Result>>(path)) {
    expect(problem === undefined, `${path}: ${problem?.detail}`)
    result = done
    if (progress === undefined) continue
    const rate = Math.round(progress.eventsPerSecond)
    const text = `${progress.events} events, ${rate}/s, ${progress.phase}`
    shown = { done: progress.done, total: progress.total, text }
    output.bar(shown, false)
  }
  output.bar(shown, true)
  expect(result !== undefined, `${path} ended without a result`)
  return result
}

function showEvent(output: TourOutput, event: StoredEventBody): void {
  const { type, key, schemaVersion, aggregateVersion, time, headers, data } = event
  output.detail(`${describe(event)}  key ${key}  ${type} v${schemaVersion}  ${time}`)
  output.detail(`  aggregate version ${aggregateVersion}  ${JSON.stringify(data)}`)
  const shown = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  output.detail(`  ${shown.join(' ')}`)
}

function describe({ topic, partition, offset }: Position): string {
  return `${topic} partition ${partition} offset ${offset}`
}

interface RecordSchema {
  readonly fields: readonly unknown[]
}

function schemaOfVersion(version: number): RecordSchema {
  const found = MoneyDeposited.versions.find((candidate) => candidate.version === version)
  if (found === undefined) throw new Error(`schemas/bank/money-deposited/v${version}.avsc is missing`)
  return found.schema as RecordSchema
}

async function register(registryUrl: string, schema: unknown): Promise<Response> {
  return await fetch(`${registryUrl}/subjects/bank.account-bank.MoneyDeposited/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  })
}

async function expectBalances(bank: BankClient, balances: Readonly<Record<string, string>>): Promise<void> {
  for (const [accountId, expected] of Object.entries(balances)) {
    const { balance } = await bank.get<{ balance: string }>(`/accounts/${accountId}`)
    expect(balance === expected, `${accountId} has $${balance}, not $${expected}`)
  }
}

function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(`the tour found something wrong: ${otherwise}`)
}
