import { join } from 'node:path'
import { runChild } from '../child.ts'
import { millis, printTable, whole } from '../figures.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'
import type { AppFigures } from './app.ts'
import type { LiveFigures } from './live.ts'
import type { LogAddress } from './log.ts'

/** How far rows are behind commits that come at a steady rate. */
export async function compareLive(address: LogAddress, seconds: number): Promise<void> {
  const program = join(import.meta.dirname, 'live.ts')
  const [figures] = await inTemporaryDirectory((directory) => {
    const input = [{ address, directory, postgres: undefined, emmett: undefined }, seconds]
    return runChild<LiveFigures>(program, input, { conditions: 'source' })
  })
  if (figures === undefined) throw new Error('nothing was measured')
  const { written, sentP50, sentP99, acknowledgedP50, acknowledgedP99 } = figures
  printTable(
    `Live lag into SQLite, ${address.partitions} partitions, ${whole(written)} events/s in commits of 50`,
    ['until the rows can be read', 'p50', 'p99'],
    [
      ['from when the commit was due', millis(sentP50), millis(sentP99)],
      ['from its acknowledgement', millis(acknowledgedP50), millis(acknowledgedP99)],
    ],
  )
}

/** What callers of the bank wait for, alone and while a read model is rebuilt in the same process. */
export async function compareApp({ broker, registry, events }: LogAddress, seconds: number): Promise<void> {
  const program = join(import.meta.dirname, 'app.ts')
  const cluster = { KAFKA_BROKERS: broker, SCHEMA_REGISTRY_URL: registry, KEYFOLD_GATE: 'off' }
  const figures = await inTemporaryDirectory((directory) => {
    const environment = { ...cluster, KEYFOLD_DATA: directory }
    return runChild<AppFigures>(program, seconds * 1000, { conditions: 'dist', environment })
  })
  const rows = figures.map(({ load, perSecond, p50, p99, loopDelayP99, loopDelayMax, rebuiltPerSecond }) => [
    load,
    whole(perSecond),
    millis(p50),
    millis(p99),
    `${millis(loopDelayP99)}, ${millis(loopDelayMax)}`,
    rebuiltPerSecond === undefined ? '' : whole(rebuiltPerSecond),
  ])
  printTable(
    `The bank, 16 callers in its process, ${whole(events)} events stored before`,
    ['waiting for', 'commands/s', 'p50', 'p99', 'delay of the event loop p99, max', 'rebuilt events/s'],
    rows,
  )
}
