import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { runFaultLane } from './fault-lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'
import type { StrikeName } from './strikes.ts'

interface Finding {
  /** What the checker says. */
  readonly says: RegExp
  /** What brings it to light. */
  readonly strikes: readonly StrikeName[]
}

const findings: Readonly<Record<PlantedBugName, Finding>> = {
  'what cannot be applied is skipped': { says: /^P2 not applied/m, strikes: ['poison'] },
  'the switch comes before the verification': { says: /^P6 the switch went back|^P10/m, strikes: ['rebuild'] },
  'effects run in a rebuild': { says: /^P11 an effect of the past/m, strikes: ['rebuild'] },
  'the position follows the last record': { says: /^P10 stuck/m, strikes: ['kill'] },
  'the checkpoint is written outside the transaction': {
    says: /^P2 applied 2 times/m,
    strikes: ['kill', 'kill', 'kill', 'kill', 'kill', 'kill'],
  },
  'no epoch is in the checkpoint': {
    says: /^P5 a replaced process wrote|^P10 stuck: .*CHECKPOINT_FENCED/m,
    strikes: ['second process', 'second process', 'second process', 'second process'],
  },
  'a parked key is forgotten': { says: /^P2 not applied/m, strikes: ['poison'] },
}

const isLong = Number(process.env['KEYFOLD_PROJECTION_ROUNDS'] ?? 0) > 10
const lanesMax = 6
/** Processes take their time: the short run tries one fault, the long one all of them. */
const planted = (Object.entries(findings) as [PlantedBugName, Finding][]).slice(0, isLong ? undefined : 1)

describe('planted bugs are found', () => {
  it.each(planted)('%s', { timeout: 600_000 }, async (plant, { says, strikes }) => {
    let found: readonly string[] = []
    for (let seed = 1; !says.test(found.join('\n')) && seed <= lanesMax; seed++)
      found = violations(await runFaultLane({ medium: 'sqlite', seed, strikes, plant, healMs: 8_000 }))
    process.stdout.write(`planted: ${plant}: ${found[0] ?? 'nothing'}\n`)
    expect(found.join('\n')).toMatch(says)
  })

  it('and none is missing here', () => {
    expect(Object.keys(findings).sort()).toEqual(Object.keys(plantedBugs).sort())
  })
})
