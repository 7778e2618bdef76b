import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandBus, KeyfoldRuntime } from '@keyfold/nest'
import { Deposit, OpenAccount } from '../apps/bank/dist/accounts/account-commands.js'
import { createBank } from '../apps/bank/dist/bank-application.js'
import { closedLoop } from './callers.ts'
import { ascending, median, millis, percentile, printTable, whole } from './figures.ts'

const CALLERS = [1, 16, 64, 256]
const ACCOUNTS = 2000
const WARM_UP_MS = 2000
const MEASURED_MS = 4000
const REBUILD_EVENTS = 200_000
const REBUILDS = 3

/** The bank's Deposit through the command bus, closed loop; then its balances rebuilt from offset zero. */
export async function benchCommands(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-bench-'))
  Object.assign(process.env, { KEYFOLD_DATA: directory, KEYFOLD_BROKER_PORT: '0', KEYFOLD_REGISTRY_PORT: '0' })
  const app = await createBank()
  const bus = app.get(CommandBus)
  await Promise.all(
    Array.from({ length: ACCOUNTS }, (_, index) =>
      bus.execute(new OpenAccount({ accountId: `a${index}`, owner: 'Ann' })),
    ),
  )

  const rows: string[][] = []
  for (const callers of CALLERS) {
    const execute = () => bus.execute(deposit())
    await closedLoop(callers, execute, () => WARM_UP_MS)
    const { elapsedMs, latencies } = await closedLoop(callers, execute, () => MEASURED_MS)
    const sorted = ascending(latencies)
    rows.push([
      String(callers),
      whole((latencies.length / elapsedMs) * 1000),
      millis(percentile(sorted, 0.5)),
      millis(percentile(sorted, 0.99)),
    ])
  }
  printTable(
    `Durable commands (bank.Deposit on ${ACCOUNTS} accounts, 4 partitions, projections running)`,
    ['callers', 'commands/s', 'p50', 'p99'],
    rows,
  )
  await benchRebuild(app.get(KeyfoldRuntime), bus)
  await app.close()
  await rm(directory, { recursive: true })
}

async function benchRebuild({ projections }: KeyfoldRuntime, bus: CommandBus): Promise<void> {
  await repeat(bus, 256, Math.max(0, REBUILD_EVENTS - ACCOUNTS - next))
  await projections.caughtUp('balances')
  const rates: number[] = []
  let events = 0
  for (let round = 0; round < REBUILDS; round += 1) {
    const report = await projections.rebuild('balances', {})
    rates.push(report.eventsPerSecond)
    events = report.events
  }
  printTable(
    `Rebuild of the balances into SQLite, from offset zero, verified against the live ones, median of ${REBUILDS}`,
    ['events', 'events/s'],
    [[whole(events), whole(median(rates))]],
  )
}

async function repeat(bus: CommandBus, callers: number, count: number): Promise<void> {
  let sent = 0
  const caller = async () => {
    for (; sent < count; sent += 1) await bus.execute(deposit())
  }
  await Promise.all(Array.from({ length: callers }, caller))
}

let next = 0
function deposit(): Deposit {
  next += 1
  return new Deposit({ accountId: `a${next % ACCOUNTS}`, amountCents: 100n })
}
