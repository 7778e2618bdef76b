import { startBundled } from '../broker-vs-kafka/processes.ts'
import { printTable, whole } from '../figures.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'
import { openKeyfold } from './keyfold.ts'

const callers = 256
const probes = 500

/**
 * Memory while ever more aggregates are touched, and what it costs to load one that has long left it: both must stay
 * what they are.
 */
export async function benchMemory(total: number): Promise<void> {
  const broker = await startBundled()
  try {
    await inTemporaryDirectory((dataDirectory) => touch(total, broker.address, dataDirectory))
  } finally {
    await broker.end()
    await broker.remove()
  }
}

async function touch(total: number, broker: string, dataDirectory: string): Promise<void> {
  const { execute, end } = await openKeyfold({ broker, partitions: 1, eventBytes: 100, dataDirectory })
  const rows: string[][] = []
  let touched = 0
  for (const share of [1_000, 316, 100, 32, 10, 3, 1]) {
    const until = total / share
    const caller = async () => {
      for (let each = touched++; each < until; each = touched++) await execute(`a${each}`)
    }
    await Promise.all(Array.from({ length: callers }, caller))
    touched = Math.ceil(until)
    rows.push([whole(touched), ...(await figures(execute, touched))])
  }
  printTable(
    'One event per aggregate, one partition; then commands for aggregates that were touched long ago',
    ['aggregates', 'resident memory', 'heap', 'processor per command for an old one'],
    rows,
  )
  await end()
}

async function figures(execute: (id: string) => Promise<unknown>, touched: number): Promise<readonly string[]> {
  const { rss, heapUsed } = process.memoryUsage()
  const before = process.cpuUsage()
  // The first half: what was used last is at the other end.
  const old = Array.from({ length: probes }, (_, index) => `a${Math.floor((touched / 2 / probes) * index)}`)
  for (let from = 0; from < probes; from += 50) await Promise.all(old.slice(from, from + 50).map(execute))
  const { user, system } = process.cpuUsage(before)
  return [`${whole(rss / 2 ** 20)} MiB`, `${whole(heapUsed / 2 ** 20)} MiB`, `${whole((user + system) / probes)} µs`]
}
