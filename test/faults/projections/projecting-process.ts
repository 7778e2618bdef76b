import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectKafka } from '@keyfold/kafka'
import {
  openProjections,
  type PostgresReader,
  PostgresReadModelStore,
  type Projections,
  type ReadModelStore,
  type RebuildOptions,
  type SqliteReader,
  SqliteReadModelStore,
} from '@keyfold/projections'
import { Client } from 'pg'
import { Answers } from './answers.ts'
import { ASKS, balances, codec, type Medium, PROJECTOR, TOPIC } from './ledger.ts'
import { type PlantedBug, plantedBugs, type PlantedBugName } from './planted-bugs.ts'
import { APPLICATION } from './sharing-watch.ts'
import { Tenures, type TenuresOptions } from './tenures.ts'

/** How a lane starts a process that projects until it is killed. */
export interface ProcessPlan {
  readonly medium: Medium
  readonly incarnation: number
  /** Other processes have a share of the partitions. */
  readonly isShared: boolean
  readonly broker: string
  readonly directory: string
  /** Where PostgreSQL listens. */
  readonly postgresPort: number | undefined
  readonly plant?: PlantedBugName | undefined
}

export type Order =
  | 'rebuild'
  | 'rebuild slowly'
  | 'rebuild by hand'
  | 'swap'
  | 'cancel'
  | 'retry'
  | 'status'
  | 'leave'
  | Question

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
  | { readonly kind: 'rebuilt' }
  | { readonly kind: 'not rebuilt'; readonly error: string }
  | { readonly kind: 'swapped' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'left' }
  | { readonly kind: 'not done'; readonly error: string }
  | { readonly kind: 'retried'; readonly applied: number; readonly left: number }
  | {
      readonly kind: 'status'
      readonly states: readonly string[]
      readonly errors: readonly string[]
      /** How often the read model was away. */
      readonly outages: number
      /** The phase of a rebuild, whichever process is at it. */
      readonly phase: string | undefined
    }
  | Told

/** The lane waits for sessions to end. */
const QUICK = { sessionTimeoutMs: 1_000, heartbeatIntervalMs: 100, lookEveryMs: 50 }

const plan = JSON.parse(process.argv[2] ?? '') as ProcessPlan
const { incarnation, medium, directory, isShared } = plan

/** The file says up to which offset of each partition poison does no harm any more. */
function isMended(partition: number, offset: number): boolean {
  const path = join(directory, 'mended.json')
  if (!existsSync(path)) return false
  return offset < ((JSON.parse(readFileSync(path, 'utf8')) as readonly number[])[partition] ?? 0)
}

const place = { host: '127.0.0.1', port: plan.postgresPort ?? 0, user: 'keyfold', database: 'postgres' }

function storeOf(): ReadModelStore {
  if (medium === 'sqlite') return new SqliteReadModelStore({ directory: join(directory, 'read-models') })
  // Short, since the lane stops processes in the middle of transactions.
  return new PostgresReadModelStore({ connection: { ...place, idle_in_transaction_session_timeout: 1_500 } })
}

/** Asks until it is told: faults of the lane end connections. */
async function nextTenure(): Promise<number> {
  for (;;) {
    const client = new Client(place)
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query<{ tenure: string }>("SELECT nextval('audit.tenure') AS tenure")
      return Number(rows[0]?.tenure)
    } catch {
      await sleep(20)
    } finally {
      await client.end().catch(() => {})
    }
  }
}

let outages = 0
let tenures: Tenures | undefined

async function open(): Promise<Projections> {
  const bug: PlantedBug = plan.plant === undefined ? {} : plantedBugs[plan.plant]
  const kafka = await connectKafka({ brokers: [plan.broker], clientId: `lane-${incarnation}` })
  const answers = new Answers(kafka, isShared ? 'take back' : 'give up')
  const claimed: TenuresOptions['claimed'] = async (projector, partitions) => {
    if (projector !== PROJECTOR) await answers.takeOver(partitions.map(({ partition }) => partition))
  }
  const refused = (): void => appendFileSync(join(directory, 'refused.log'), `${incarnation}\n`)
  if (isShared) tenures = new Tenures({ next: nextTenure, claimed, refused })
  else await answers.takeOver()
  const number = (): number => tenures?.current ?? incarnation
  const descriptor = balances({
    medium,
    incarnation: number,
    isMended,
    send: async (cause, note) => {
      appendFileSync(join(directory, 'effects.log'), `${number()} ${cause.partition} ${cause.offset}\n`)
      if (note === ASKS) await answers.write(cause)
    },
  })
  const store = tenures?.of(storeOf()) ?? storeOf()
  const opened = await openProjections({
    kafka: bug.kafka?.(kafka) ?? kafka,
    codec,
    projectors: [bug.projector?.(descriptor) ?? descriptor],
    stores: { [medium]: bug.store?.(store) ?? store },
    batch: { recordsMax: 5 },
    retry: { batchAttempts: 2, eventAttempts: 2, firstDelayMs: 1, delayMsMax: 50 },
    ...(isShared && { sharing: { application: APPLICATION, instanceId: `member-${incarnation}`, ...QUICK } }),
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

function rebuild(options: RebuildOptions): void {
  projections.rebuild(PROJECTOR, options).then(
    () => report({ kind: 'rebuilt' }),
    (error: unknown) => report({ kind: 'not rebuilt', error: String(error) }),
  )
}

function done(kind: 'swapped' | 'cancelled', doing: Promise<void>): void {
  doing.then(
    () => report({ kind }),
    (error: unknown) => report({ kind: 'not done', error: String(error) }),
  )
}

const orders: Readonly<Record<Exclude<Order, Question>, () => void>> = {
  rebuild: () => rebuild({}),
  // So that faults strike it halfway.
  'rebuild slowly': () => rebuild({ eventsPerSecondMax: 200 }),
  'rebuild by hand': () => rebuild({ switch: 'manual' }),
  swap: () => done('swapped', projections.swap(PROJECTOR)),
  cancel: () => done('cancelled', projections.cancelRebuild(PROJECTOR)),
  retry: () => {
    projections.retryParked(PROJECTOR).then(
      ({ applied, left }) => report({ kind: 'retried', applied, left }),
      () => report({ kind: 'retried', applied: 0, left: -1 }),
    )
  },
  status: () => {
    const status = projections.status()
    const errors = status.flatMap(({ error, partitions }) => [error, ...partitions.map((each) => each.error)])
    const said = errors.flatMap((error) => (error === undefined ? [] : [String(error)]))
    const phase = status.find(({ projector }) => projector === PROJECTOR)?.rebuild?.phase
    const states = status.map(({ state }) => state)
    report({ kind: 'status', states, errors: said, outages, phase })
  },
  leave: () => void projections.close().then(() => report({ kind: 'left' })),
}

const projections = await open()
await projections.start()
process.on('disconnect', () => process.exit(1))
process.on('message', (order: Order) => (typeof order === 'object' ? void told(order).then(report) : orders[order]()))
report({ kind: 'running' })
