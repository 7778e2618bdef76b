import { describe, expect, it } from 'vitest'
import { findPostgres } from '../../../libs/projections/src/testdata/postgres-server.ts'
import { seededRandom, shuffled } from '../random.ts'
import { violations } from './checker.ts'
import { coverageOf, coverageTable } from './coverage.ts'
import { type FaultLaneOptions, runFaultLane } from './fault-lane.ts'
import { type LaneName, type StrikeName, strikesOf } from './strikes.ts'

const rounds = Number(process.env['KEYFOLD_PROJECTION_ROUNDS'] ?? 0)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
const names = (['sqlite', 'postgres', 'shared postgres'] as const).filter(
  (name) => name === 'sqlite' || findPostgres() !== undefined,
)
const lanes: Readonly<Record<LaneName, Pick<FaultLaneOptions, 'medium' | 'members'>>> = {
  sqlite: { medium: 'sqlite' },
  postgres: { medium: 'postgres' },
  'shared postgres': { medium: 'postgres', members: 2 },
}
/** The short run takes a few of the quick ones. */
const SHORT: Readonly<Record<LaneName, readonly StrikeName[]>> = {
  sqlite: ['kill', 'poison', 'rebuild', 'second process'],
  postgres: ['COMMIT unanswered', 'poison', 'kill in a rebuild', 'database crash'],
  'shared postgres': ['member stands still', 'order from afar'],
}

/** Every kind in turn, in an order that the seed decides. */
function planOf(name: LaneName): readonly StrikeName[] {
  if (rounds === 0) return SHORT[name]
  const kinds = strikesOf[name]
  const own = Math.ceil(rounds / names.length)
  const all = Array.from({ length: own }, (_, index) => kinds[index % kinds.length] ?? 'kill')
  return shuffled(all, seededRandom(seed))
}

describe('projections under faults (PostgreSQL is left out where there is no server)', () => {
  it.each(names)(
    'into %s equal the fold of the log, whatever happens',
    { timeout: 120_000 + rounds * 30_000 },
    async (name) => {
      const plan = planOf(name)
      process.stdout.write(`projection faults, ${name}: KEYFOLD_SEED=${seed} KEYFOLD_PROJECTION_ROUNDS=${rounds}\n`)
      const history = await runFaultLane({ ...lanes[name], seed, strikes: plan })
      const { log, snapshots, effects, queries } = history
      const covered = coverageOf(history)
      const figures = `${log.length} events, ${snapshots.length} snapshots, ${effects.length} effects`
      process.stdout.write(`projection faults, ${name}: ${figures}\n${coverageTable(covered)}`)
      expect(violations(history)).toEqual([])
      // A run in which nothing happened would prove nothing.
      expect(log.length).toBeGreaterThan(plan.length * 5)
      expect(snapshots.length).toBeGreaterThan(plan.length)
      expect(queries.filter(({ outcome }) => outcome === 'visible').length).toBeGreaterThan(plan.length)
      // In a long run every fault has to have bitten; a short one meets some by luck only.
      if (rounds > 0) expect(covered.filter(({ seen }) => seen === 0)).toEqual([])
    },
  )
})
