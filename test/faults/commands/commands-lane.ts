import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { violations } from './checker.ts'
import type { FaultsCluster } from './clusters.ts'
import { type Coverage, type Fault, faults, type LaneResult, runCommandsLane } from './lane.ts'

/** `KEYFOLD_COMMANDS_MINUTES`: how long the lane goes on. Left out: a short run. */
const minutes = Number(process.env['KEYFOLD_COMMANDS_MINUTES'] ?? 0)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
/** `KEYFOLD_HISTORY`: a directory for the histories of runs in which something was wrong. */
const historyDirectory = process.env['KEYFOLD_HISTORY']

/** Processes that come and go take most of the time: the short run kills one. */
const shortFaults: readonly Fault[] = faults.filter((fault) => fault !== 'rebalance storm' && fault !== 'cut all')

export const laneTimeoutMs = 120_000 + minutes * 120_000

/** Runs with one seed after the other until the time is over; each must be sound, all together must have been hit. */
export async function passCommandsLane(cluster: FaultsCluster): Promise<void> {
  const until = performance.now() + minutes * 60_000
  const isLong = minutes > 0
  const lost: readonly Fault[] = cluster.keepsCommits ? [] : ['restart broker']
  const chosen = (isLong ? faults : shortFaults).filter((fault) => !lost.includes(fault))
  if (lost.length > 0)
    process.stdout.write(
      `commands lane on ${cluster.name}: without "${lost.join()}", after which it may forget commits\n`,
    )
  const run = { cluster, rounds: isLong ? 3 * chosen.length : chosen.length, faults: chosen, processes: 3, clients: 32 }
  let total: Coverage | undefined
  let next = seed
  do {
    process.stdout.write(`commands lane on ${cluster.name}: KEYFOLD_SEED=${next}\n`)
    const result = await runCommandsLane({ ...run, seed: next })
    const found = violations(result.recorded)
    if (found.length > 0) await keepHistory(next, result, found)
    expect(found, `KEYFOLD_SEED=${next}`).toEqual([])
    total = sum(total, result.coverage)
    next += 1
  } while (performance.now() < until)
  process.stdout.write(`commands lane on ${cluster.name}: ${next - seed} runs, nothing wrong\n${table(total)}`)
  const leftOut = cluster.keepsCommits ? [] : ['broker restarts']
  expect(missed(total, isLong).filter((name) => !leftOut.includes(name))).toEqual([])
}

/** What a short run meets by luck only, or leaves out. */
const byLuck: ReadonlySet<string> = new Set<keyof Coverage>([
  'rebalance storms',
  'batches fenced',
  'late ends refused',
  'ends held back',
  'batches unknown',
  'unknown outcomes',
  'calls without an answer',
])

/** What never happened. */
function missed(coverage: Coverage, isLong: boolean): readonly string[] {
  return Object.entries(coverage).flatMap(([name, count]) => (count > 0 || (!isLong && byLuck.has(name)) ? [] : [name]))
}

function sum(total: Coverage | undefined, more: Coverage): Coverage {
  if (total === undefined) return more
  const added = { ...total }
  for (const name of Object.keys(more) as (keyof Coverage)[]) added[name] += more[name]
  return added
}

function table(coverage: Coverage): string {
  return Object.entries(coverage)
    .map(([name, count]) => `  ${name.padEnd(26)}${count}\n`)
    .join('')
}

async function keepHistory(runSeed: number, { recorded, errors }: LaneResult, found: readonly string[]): Promise<void> {
  if (historyDirectory === undefined) return
  await mkdir(historyDirectory, { recursive: true })
  const lines = [{ found, errors }, ...recorded.calls, ...recorded.claims, ...recorded.events]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await writeFile(join(historyDirectory, `commands-${runSeed}.jsonl`), text)
}
