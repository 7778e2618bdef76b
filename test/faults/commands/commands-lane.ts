import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { FaultsCluster } from './clusters.ts'
import { type Coverage, missed, sum, table } from './coverage.ts'
import { faults, findingsOf, type LaneResult, runCommandsLane } from './lane.ts'

/** `KEYFOLD_COMMANDS_MINUTES`: how long the lane goes on. */
const minutes = Number(process.env['KEYFOLD_COMMANDS_MINUTES'] ?? 0)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
/** `KEYFOLD_HISTORY`: a directory for the histories of runs in which something was wrong. */
const historyDirectory = process.env['KEYFOLD_HISTORY']

/** On a slow machine it may take more runs until every fault has bitten. */
const runsAtLeast = 3
export const laneTimeoutMs = 1_800_000 + minutes * 120_000

/** Runs with one seed after the other until the time is over; each must be sound, all together must have been hit. */
export async function passCommandsLane(cluster: FaultsCluster): Promise<void> {
  const startedMs = performance.now()
  const isOver = () => performance.now() - startedMs >= minutes * 60_000
  const print = (line: string) => process.stdout.write(`commands lane on ${cluster.name}: ${line}\n`)
  const run = { cluster, rounds: 2, faults, processes: 3, clients: 32, patienceMs: 120_000 }
  let total: Coverage | undefined
  let absent: readonly string[]
  let next = seed
  do {
    print(`KEYFOLD_SEED=${next}`)
    const result = await runCommandsLane({ ...run, seed: next })
    const found = findingsOf(result)
    if (found.length > 0) await keepHistory(next, result, found)
    expect(found, `KEYFOLD_SEED=${next}`).toEqual([])
    total = sum(total, result.coverage)
    absent = missed(total)
    next += 1
  } while (!isOver() || (absent.length > 0 && next - seed < runsAtLeast))
  const seconds = Math.round((performance.now() - startedMs) / 1_000)
  print(`${next - seed} runs in ${seconds} s, nothing wrong\n${table(total)}`)
  expect(absent).toEqual([])
}

async function keepHistory(runSeed: number, { recorded, errors }: LaneResult, found: readonly string[]): Promise<void> {
  if (historyDirectory === undefined) return
  await mkdir(historyDirectory, { recursive: true })
  const lines = [{ found, errors }, ...recorded.calls, ...recorded.claims, ...recorded.events]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  await writeFile(join(historyDirectory, `commands-${runSeed}.jsonl`), text)
}
