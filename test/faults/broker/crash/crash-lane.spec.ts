import { describe, expect, it } from 'vitest'
import { runCrashLane } from './crash-lane.ts'
import { workloads } from './workloads.ts'

/** Nothing: a sample of all. `all`: every crash of every script. Anything else: every crash of scripts so named. */
const wanted = process.env['KEYFOLD_CRASH_WORKLOADS'] ?? ''
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
const chosen = workloads.filter(({ name }) => wanted === '' || wanted === 'all' || name.includes(wanted))
const options = wanted === '' ? { sample: { every: 25, seed } } : {}

describe('the broker after a crash at every file operation of a script', () => {
  process.stdout.write(`broker crash lane: KEYFOLD_SEED=${seed} KEYFOLD_CRASH_WORKLOADS=${wanted}\n`)

  it.each(chosen)('$name', { timeout: wanted === '' ? 60_000 : 1_200_000 }, async (workload) => {
    const { operations, crashes, problems } = await runCrashLane(workload, options)
    if (wanted !== '')
      process.stdout.write(`broker crash lane: ${workload.name}: ${operations} operations, ${crashes} crashes\n`)
    expect(problems, `KEYFOLD_SEED=${seed}`).toEqual([])
    // A script that never touches the disk would prove nothing.
    expect(crashes).toBeGreaterThan(wanted === '' ? 0 : 100)
  })

  it('has a script for whatever it was asked for', () => {
    expect(chosen.length).toBeGreaterThan(wanted === '' || wanted === 'all' ? 40 : 0)
  })
})
