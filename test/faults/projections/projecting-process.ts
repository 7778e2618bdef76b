import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectKafka } from '@keyfold/kafka'
import {
  openProjections,
  type PostgresReader,
  PostgresReadModelStore,
  type Projections,
  type ReadModelStore,
  type SqliteReader,
  SqliteReadModelStore,
} from '@keyfold/projections'
import { Answers } from './answers.ts'
import { ASKS, balances, codec, type Medium, PROJECTOR, TOPIC } from './ledger.ts'
import { type PlantedBug, plantedBugs, type PlantedBugName } from './planted-bugs.ts'

/** How a lane starts a process that projects until it is killed. */
export interface ProcessPlan {
  readonly medium: Medium
  readonly incarnation: number
  readonly broker: string
  readonly directory: string
  /** Where PostgreSQL listens. */
  readonly postgresPort: number | undefined
  readonly database: string
  readonly plant?: PlantedBugName | undefined
}

export type Order = 'rebuild' | 'retry' | 'status' | Question

/** What an account holds, once an event is in. */
export interface Question {
  readonly id: number
  readonly account: string
  readonly partition: number
  readonly offset: number
  readonly deadlineMs: number
}

/** What a reader is told. Integers over the channel are numbers. */
export interface Told {
  readonly kind: 'told'
  readonly id: number
  readonly outcome: 'visible' | 'timeout' | 'error'
  readonly seen: number
  readonly isParked: boolean
  readonly error?: string
}

export type Report =
  | { readonly kind: 'running' }
  | { readonly kind: 'rebuilt'; readonly equal: boolean | null }
  | { readonly kind: 'not rebuilt'; readonly error: string }
  | { readonly kind: 'retried'; readonly applied: number; readonly left: number }
  | {
      readonly kind: 'status'
      readonly states: readonly string[]
      readonly errors: readonly string[]
      /** How often the read model was away. */
      readonly outages: number
    }
  | Told

const plan = JSON.parse(process.argv[2] ?? '') as ProcessPlan
const { incarnation, medium, directory } = plan

/** The file says up to which offset of each partition poison does no harm any more. */
function isMended(partition: number, offset: number): boolean {
  const path = join(directory, 'mended.json')
  if (!existsSync(path)) return false
  return offset < ((JSON.parse(readFileSync(path, 'utf8')) as readonly number[])[partition] ?? 0)
}

function storeOf(): ReadModelStore {
  if (medium === 'sqlite') return new SqliteReadModelStore({ directory: join(directory, 'read-models') })
  const place = { host: '127.0.0.1', port: plan.postgresPort ?? 0, user: 'keyfold', database: plan.database }
  // Short, since the lane stops processes in the middle of transactions.
  return new PostgresReadModelStore({ connection: { ...place, idle_in_transaction_session_timeout: 1_500 } })
}

let outages = 0

async function open(): Promise<Projections> {
  const bug: PlantedBug = plan.plant === undefined ? {} : plantedBugs[plan.plant]
  const kafka = await connectKafka({ brokers: [plan.broker], clientId: `lane-${incarnation}` })
  const answers = new Answers(kafka)
  await answers.takeOver()
  const descriptor = balances({
    medium,
    incarnation,
    isMended,
    send: async (place, note) => {
      appendFileSync(join(directory, 'effects.log'), `${incarnation} ${place.partition} ${place.offset}\n`)
      if (note === ASKS) await answers.write(place)
    },
  })
  const opened = await openProjections({
    kafka: bug.kafka?.(kafka) ?? kafka,
    codec,
    projectors: [bug.projector?.(descriptor) ?? descriptor],
    stores: { [medium]: bug.store?.(storeOf()) ?? storeOf() },
    batch: { recordsMax: 5 },
    retry: { batchAttempts: 2, eventAttempts: 2, firstDelayMs: 1, delayMsMax: 50 },
    logger: (_level, message) => void (outages += message.startsWith('the read model is away') ? 1 : 0),
  })
  return bug.projections?.(opened) ?? opened
}

async function told({ id, account, partition, offset, deadlineMs }: Question): Promise<Told> {
  const nothing = { kind: 'told', id, seen: 0, isParked: false } as const
  try {
    const outcome = await projections.waitFor(PROJECTOR, { topic: TOPIC, partition, offset }, { deadlineMs })
    if (outcome === 'timeout') return { ...nothing, outcome }
    // Asked first: what is not set aside now is in the rows that are read afterwards.
    const isParked = (await projections.parked(PROJECTOR)).some(({ key }) => key === account)
    return { ...nothing, outcome, isParked, seen: await versionOf(account) }
  } catch (error) {
    return { ...nothing, outcome: 'error', error: String(error) }
  }
}

async function versionOf(account: string): Promise<number> {
  const sql = 'SELECT version FROM balance WHERE account = '
  const row =
    medium === 'sqlite'
      ? projections.read<SqliteReader>(PROJECTOR).get<{ version: number }>(`${sql}?`, account)
      : await projections.read<PostgresReader>(PROJECTOR).get<{ version: string }>(`${sql}$1`, account)
  return Number(row?.version ?? 0)
}

function report(message: Report): void {
  if (process.connected) process.send?.(message)
}

const projections = await open()
await projections.start()
process.on('disconnect', () => process.exit(1))
process.on('message', (order: Order) => {
  if (typeof order === 'object') void told(order).then(report)
  else if (order === 'rebuild')
    projections.rebuild(PROJECTOR).then(
      ({ verified }) => report({ kind: 'rebuilt', equal: verified.equal }),
      (error: unknown) => report({ kind: 'not rebuilt', error: String(error) }),
    )
  else if (order === 'retry')
    projections.retryParked(PROJECTOR).then(
      ({ applied, left }) => report({ kind: 'retried', applied, left }),
      () => report({ kind: 'retried', applied: 0, left: -1 }),
    )
  else {
    const status = projections.status()
    const errors = status.flatMap(({ error, partitions }) => [error, ...partitions.map((each) => each.error)])
    const said = errors.flatMap((error) => (error === undefined ? [] : [String(error)]))
    report({ kind: 'status', states: status.map(({ state }) => state), errors: said, outages })
  }
})
report({ kind: 'running' })
