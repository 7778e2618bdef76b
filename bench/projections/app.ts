import { monitorEventLoopDelay } from 'node:perf_hooks'
import { CommandBus, getReadModelToken, KeyfoldRuntime, type ReadModel } from '@keyfold/nest'
import { Deposit, OpenAccount } from '../../apps/bank/dist/accounts/account-commands.js'
import { Balances } from '../../apps/bank/dist/accounts/balances.projector.js'
import { createBank } from '../../apps/bank/dist/bank-application.js'
import { closedLoop } from '../callers.ts'
import { ascending, percentile } from '../figures.ts'

/** What a caller waits for: the reply, or the row that shows the command. In milliseconds. */
export interface AppFigures {
  readonly load: string
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly loopDelayP99: number
  readonly loopDelayMax: number
  /** Of the rebuild that ran beside it. */
  readonly rebuiltPerSecond: number | undefined
}

const CALLERS = 16
const ACCOUNTS = 500
/** So that the same log can be measured on again. */
const RUN = crypto.randomUUID().slice(0, 8)

/**
 * The bank as it is, on the cluster and the log that the environment names: 16 callers of its command bus, each of which
 * waits for a reply, or deposits and then reads its balance; alone, and while the balances are rebuilt.
 */
async function main(): Promise<void> {
  const measuredMs = Number(process.argv[2])
  const app = await createBank()
  const bus = app.get(CommandBus)
  const { projections } = app.get(KeyfoldRuntime)
  const balances = app.get<ReadModel>(getReadModelToken(Balances))
  await projections.caughtUp()
  await Promise.all(
    Array.from({ length: ACCOUNTS }, (_, index) =>
      bus.execute(new OpenAccount({ accountId: `${RUN}-${index}`, owner: 'Ann' })),
    ),
  )
  let next = 0
  const deposit = (): Deposit => new Deposit({ accountId: `${RUN}-${next++ % ACCOUNTS}`, amountCents: 1n })
  const reply = async (): Promise<void> => void (await bus.execute(deposit()))
  const visible = async (): Promise<void> => {
    const command = deposit()
    const { version } = await bus.execute(command, { waitFor: [Balances], waitDeadlineMs: 60_000 })
    const row = balances.get<{ version: number }>(
      'SELECT version FROM balances WHERE account_id = ?',
      command.accountId,
    )
    if (row === undefined || row.version < version) throw new Error('the row does not show its command')
  }
  for (const [load, execute] of Object.entries({ reply, visible })) {
    await measured(execute, () => measuredMs / 2)
    const alone = await measured(execute, () => measuredMs)
    tell(load, { ...alone, rebuiltPerSecond: undefined })
    let over = false
    const rebuilding = projections.rebuild('balances').finally(() => (over = true))
    const beside = await measured(execute, () => (over ? 0 : Number.POSITIVE_INFINITY))
    const { eventsPerSecond } = await rebuilding
    tell(`${load}, during a rebuild`, { ...beside, rebuiltPerSecond: eventsPerSecond })
  }
  const { eventsPerSecond: rebuiltPerSecond } = await projections.rebuild('balances')
  const nothing = { perSecond: 0, p50: 0, p99: 0, loopDelayP99: 0, loopDelayMax: 0 }
  tell('nothing: a rebuild alone', { ...nothing, rebuiltPerSecond })
  await app.close()
  process.exit(0)
}

function tell(load: string, figures: Omit<AppFigures, 'load'>): void {
  const told: AppFigures = { load, ...figures }
  process.stdout.write(`${JSON.stringify(told)}\n`)
}

async function measured(execute: () => Promise<void>, durationMs: () => number) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const { latencies, elapsedMs } = await closedLoop(CALLERS, execute, durationMs)
  delay.disable()
  const sorted = ascending(latencies)
  return {
    perSecond: (latencies.length / elapsedMs) * 1000,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    loopDelayP99: delay.percentile(99) / 1e6,
    loopDelayMax: delay.max / 1e6,
  }
}

await main()
