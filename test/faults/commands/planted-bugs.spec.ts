import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { startBundled } from './clusters.ts'
import { type Fault, runCommandsLane } from './lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'

/** Which faults bring each bug to light, and what the checker says of it. */
const found: Readonly<Record<PlantedBugName, { readonly by: readonly Fault[]; readonly says: RegExp }>> = {
  'no fencing': { by: ['pause', 'pause'], says: /^E(1|2|5|9|13)/ },
  'no re-read at a claim': { by: ['kill', 'rebalance storm'], says: /^E(1|2|5|6|7|13)/ },
  'replies before the commit': { by: ['cut all', 'kill', 'restart broker'], says: /^E(1|2|5|6|7|12)/ },
  'fenced taken for committed': { by: ['pause', 'pause', 'pause'], says: /^E(2|5|7)/ },
  'unknown taken for committed': { by: ['cut all', 'restart broker'], says: /^E(2|5|7)/ },
  'a transaction for every record': { by: ['kill', 'restart broker'], says: /^E(2|4|5)/ },
  'reads what was aborted': { by: ['hold end', 'kill', 'restart broker'], says: /^E(1|2|5|6|7|13)/ },
  'command ids forgotten': { by: ['cut answer'], says: /^E5 twice/ },
  'no new claim after an unknown outcome': { by: ['cut all', 'restart broker'], says: /^E(1|2|5|6|7)/ },
}

const isLong = process.env['KEYFOLD_COMMANDS_MINUTES'] !== undefined
const seedsMax = 4

describe('planted bugs are found', () => {
  // Processes take their time: the short run leaves the proof to the model (test/model), which has its own.
  it.runIf(isLong).each(Object.entries(found))(
    'by the commands lane: %s',
    { timeout: 300_000 },
    async (plant, { by, says }) => {
      // Versions that do not fit make the partition refuse to open: then commands never get an outcome again.
      expect(await findings(plant, by)).toMatch(new RegExp(`${says.source}|has no outcome a minute after`, 'm'))
    },
  )

  it('and none is missing here', () => {
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(plantedBugs).toSorted())
    expect(Object.keys(found).length).toBeGreaterThanOrEqual(8)
  })
})

/** What the lane says of the bug, with the first seed that shows it. A lane that cannot go on has found something, too. */
async function findings(plant: string, faults: readonly Fault[]): Promise<string> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    const cluster = await startBundled()
    try {
      const run = { cluster, seed, rounds: 2 * faults.length, processes: 3, clients: 16, plant, faults }
      const said = await runCommandsLane(run).then(
        ({ recorded }) => violations(recorded),
        (error: unknown) => [String(error)],
      )
      if (said.length > 0) return said.join('\n')
    } finally {
      await cluster.stop()
    }
  }
  return 'nothing'
}
