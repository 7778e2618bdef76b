import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectKafka } from '@keyfold/kafka'
import {
  openProjections,
  PostgresReadModelStore,
  type Projections,
  type ReadModelStore,
  SqliteReadModelStore,
} from '@keyfold/projections'
import { balances, codec, type Medium, PROJECTOR } from './ledger.ts'
import { plantedBugs, type PlantedBugName } from './planted-bugs.ts'

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

export type Order = 'rebuild' | 'retry' | 'status'

export type Report =
  | { readonly kind: 'running' }
  | { readonly kind: 'rebuilt'; readonly equal: boolean | null }
  | { readonly kind: 'not rebuilt'; readonly error: string }
  | { readonly kind: 'retried'; readonly left: number }
  | { readonly kind: 'status'; readonly states: readonly string[]; readonly errors: readonly string[] }

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

async function open(): Promise<Projections> {
  const send = (partition: number, offset: number): void =>
    appendFileSync(join(directory, 'effects.log'), `${incarnation} ${partition} ${offset}\n`)
  const bug = plan.plant === undefined ? {} : plantedBugs[plan.plant]
  const descriptor = balances({ medium, incarnation, isMended, send })
  const kafka = await connectKafka({ brokers: [plan.broker], clientId: `lane-${incarnation}` })
  return await openProjections({
    kafka: bug.kafka?.(kafka) ?? kafka,
    codec,
    projectors: [bug.projector?.(descriptor) ?? descriptor],
    stores: { [medium]: bug.store?.(storeOf()) ?? storeOf() },
    batch: { recordsMax: 5 },
    retry: { batchAttempts: 2, eventAttempts: 2, firstDelayMs: 1, delayMsMax: 50 },
  })
}

function report(message: Report): void {
  if (process.connected) process.send?.(message)
}

const projections = await open()
await projections.start()
process.on('disconnect', () => process.exit(1))
process.on('message', (order: Order) => {
  if (order === 'rebuild')
    projections.rebuild(PROJECTOR).then(
      ({ verified }) => report({ kind: 'rebuilt', equal: verified.equal }),
      (error: unknown) => report({ kind: 'not rebuilt', error: String(error) }),
    )
  else if (order === 'retry')
    projections.retryParked(PROJECTOR).then(
      ({ left }) => report({ kind: 'retried', left }),
      () => report({ kind: 'retried', left: -1 }),
    )
  else {
    const status = projections.status()
    const errors = status.flatMap(({ error, partitions }) => [error, ...partitions.map((each) => each.error)])
    const said = errors.flatMap((error) => (error === undefined ? [] : [String(error)]))
    report({ kind: 'status', states: status.map(({ state }) => state), errors: said })
  }
})
report({ kind: 'running' })
