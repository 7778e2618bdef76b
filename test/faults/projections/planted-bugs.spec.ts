import { describe, expect, it } from 'vitest'
import { findPostgres } from '../../../libs/projections/src/testdata/postgres-server.ts'
import { violations } from './checker.ts'
import { runFaultLane } from './fault-lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'
import type { StrikeName } from './strikes.ts'

interface Finding {
  /** What the checker says. */
  readonly says: RegExp
  /** What brings it to light. */
  readonly strikes: readonly StrikeName[]
  /** So many processes share the projector. */
  readonly members?: number
}

const times = (count: number, ...strikes: readonly StrikeName[]): readonly StrikeName[] =>
  Array.from({ length: count }, () => strikes).flat()

const findings: Readonly<Record<PlantedBugName, Finding>> = {
  'nobody waits for a position': { says: /^P7 shown/m, strikes: times(3, 'taken back') },
  'uncommitted events are read': { says: /^P8 an effect of what never happened/m, strikes: times(2, 'taken back') },
  'what cannot be applied is skipped': { says: /^P2 not applied/m, strikes: ['poison'] },
  'parked keys are forgotten at a restart': {
    says: /^P9 .* went on past a parked event/m,
    strikes: ['poison', ...times(3, 'kill')],
  },
  'the switch comes before the verification': { says: /^P6 the switch went back/m, strikes: times(3, 'rebuild') },
  'effects run in a rebuild': { says: /^P11 an effect of the past/m, strikes: ['rebuild'] },
  'the position follows the last record': { says: /^P10 stuck/m, strikes: ['kill'] },
  'the checkpoint is written outside the transaction': {
    says: /^P2 applied 2 times/m,
    strikes: times(6, 'kill'),
  },
  'no epoch is in the checkpoint': {
    says: /^P5 a replaced process wrote|^P10 stuck: .*CHECKPOINT_FENCED/m,
    strikes: times(4, 'second process'),
  },
  'a parked key is forgotten': { says: /^P2 not applied/m, strikes: ['poison'] },
  'members have no epochs': {
    says: /^P5 a replaced process wrote|^P12/m,
    strikes: times(4, 'member stands still'),
    members: 2,
  },
  'a member goes on with what it has lost': { says: /^P12/m, strikes: ['members come and go'], members: 2 },
  'a share begins at the first event': { says: /^P2 applied 2 times|^P3/m, strikes: ['kill'], members: 2 },
  'a switch waits for one partition of all': {
    says: /^P2 not applied/m,
    strikes: ['rebuild among members'],
    members: 2,
  },
  'nobody knows who leads': { says: /^P10 stuck/m, strikes: ['builder stands still', 'order from afar'], members: 2 },
  'positions of others are made up': { says: /^P7 shown/m, strikes: times(3, 'taken back'), members: 2 },
}

const isLong = Number(process.env['KEYFOLD_PROJECTION_ROUNDS'] ?? 0) > 10
const lanesMax = 6
const hasPostgres = findPostgres() !== undefined
/** Processes take their time: the short run tries one fault, the long one all of them. */
const planted = (Object.entries(findings) as [PlantedBugName, Finding][])
  .flatMap(([plant, finding]) => [
    ...(finding.members === undefined ? [{ plant, finding, medium: 'sqlite' as const }] : []),
    ...(hasPostgres ? [{ plant, finding, medium: 'postgres' as const }] : []),
  ])
  .slice(0, isLong ? undefined : 1)

describe('planted bugs are found', () => {
  it.each(planted)('$plant, over $medium', { timeout: 600_000 }, async ({ plant, finding, medium }) => {
    const { says, strikes, members } = finding
    const shared = members === undefined ? {} : { members }
    let found: readonly string[] = []
    for (let seed = 1; !says.test(found.join('\n')) && seed <= lanesMax; seed++)
      found = violations(await runFaultLane({ medium, ...shared, seed, strikes, plant, healMs: 8_000 }))
    const named = found.find((text) => says.test(text))
    process.stdout.write(`planted: ${plant}, ${medium}: ${named ?? `not found; ${found[0] ?? 'nothing'}`}\n`)
    expect(found.join('\n')).toMatch(says)
  })

  it('and none is missing here', () => {
    expect(Object.keys(findings).sort()).toEqual(Object.keys(plantedBugs).sort())
  })
})
