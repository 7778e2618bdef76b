import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { runKillLane } from './kill-lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'

/** What the lane says of each. */
const findings: Readonly<Record<PlantedBugName, RegExp>> = {
  'decides on a state that is not up to date': /^(id reused|version reused|two ids)/,
  'answers before the log has it': /^(forgotten|id reused|version reused|two ids)/,
  'does not fence the writer before': /^(id reused|version reused|two ids|not applied)/,
  'takes silence for success': /^(forgotten|id reused|version reused)/,
}

const isLong = Number(process.env['KEYFOLD_KILL_ROUNDS'] ?? 0) > 10
const lanesMax = 8
/** Processes take their time: the short run tries the fault that shows soonest, the long one all of them. */
const planted = (Object.entries(findings) as [PlantedBugName, RegExp][]).slice(0, isLong ? undefined : 1)

describe('planted bugs are found', () => {
  it.each(planted)('a registry that %s', { timeout: 300_000 }, async (plant, expected) => {
    let found: readonly string[] = []
    for (let seed = 1; found.length === 0 && seed <= lanesMax; seed++) {
      const options = { rounds: isLong ? 5 : 1, seed, registries: 3, clients: 32, killsBroker: true, plant }
      found = await runKillLane(options).then(violations, (error: unknown) => [String(error)])
    }
    expect(found.join('\n')).toMatch(new RegExp(expected.source, 'm'))
  })

  it('and none is missing here', () => {
    expect(Object.keys(findings).sort()).toEqual(Object.keys(plantedBugs).sort())
  })
})
