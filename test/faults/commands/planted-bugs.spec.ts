import { describe, expect, it } from 'vitest'
import { startBundled } from './clusters.ts'
import { type Fault, findingsOf, runCommandsLane } from './lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'

interface Finding {
  /** The faults that bring it to light. */
  readonly by: readonly Fault[]
  /** What the checker says of it. */
  readonly says: RegExp
}

const findings: Readonly<Record<PlantedBugName, Finding>> = {
  'no fencing': { by: ['pause', 'pause'], says: /^E9 fencing|^E13 barrier: .* did not see/m },
  'no re-read at a claim': { by: ['kill', 'rebalance storm', 'kill'], says: /^E1 versions|^E13 barrier/m },
  'replies before the commit': { by: ['kill', 'cut all', 'kill'], says: /^E2 lost: .* is not in the log/m },
  'fenced taken for committed': { by: ['pause', 'pause', 'pause'], says: /^E2 lost/m },
  'unknown taken for committed': { by: ['cut all', 'restart broker'], says: /^E2 lost/m },
  'a transaction for every record': { by: ['kill', 'kill'], says: /^E4 torn/m },
  'reads what was aborted': { by: ['kill', 'restart broker', 'kill'], says: /^E1 versions|^E6 illegal|^E7 stale/m },
  'command ids forgotten': { by: ['cut answer', 'kill'], says: /^E5 twice: .* happened/m },
  'no new claim after an unknown outcome': { by: ['cut all', 'restart broker'], says: /^E1 versions|^E5 twice/m },
}

const isLong = process.env['KEYFOLD_COMMANDS_MINUTES'] !== undefined
const seedsMax = 4

describe('planted bugs are found', () => {
  // Processes take their time: the short run leaves the proof to the model (test/model), which has its own.
  it.runIf(isLong).each(Object.entries(findings))(
    'by a check of the commands lane: %s',
    { timeout: 600_000 },
    async (plant, { by, says }) => {
      let found: readonly string[] = []
      for (let seed = 1; !says.test(found.join('\n')) && seed <= seedsMax; seed++) found = await judged(plant, by, seed)
      const named = found.find((text) => says.test(text))
      process.stdout.write(`planted: ${plant}: ${named ?? `not found; ${found[0] ?? 'nothing'}`}\n`)
      expect(found.join('\n')).toMatch(says)
    },
  )

  it('and none is missing here', () => {
    expect(Object.keys(findings).toSorted()).toEqual(Object.keys(plantedBugs).toSorted())
    expect(Object.keys(findings).length).toBeGreaterThanOrEqual(8)
  })
})

/** What is wrong with one run. A partition that refuses what the bug has left in it need not hold the run up for long. */
async function judged(plant: string, faults: readonly Fault[], seed: number): Promise<readonly string[]> {
  const cluster = await startBundled()
  try {
    const run = { cluster, seed, rounds: 1, processes: 3, clients: 16, plant, faults, patienceMs: 15_000 }
    return findingsOf(await runCommandsLane(run))
  } finally {
    await cluster.stop()
  }
}
