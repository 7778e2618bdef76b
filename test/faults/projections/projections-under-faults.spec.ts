import { describe, expect, it } from 'vitest'
import { findPostgres } from '../../../libs/projections/src/testdata/postgres-server.ts'
import { seededRandom } from '../random.ts'
import { violations } from './checker.ts'
import { coverageOf, coverageTable } from './coverage.ts'
import { runFaultLane } from './fault-lane.ts'
import type { Medium } from './ledger.ts'
import { type StrikeName, strikesOf } from './strikes.ts'

const rounds = Number(process.env['KEYFOLD_PROJECTION_ROUNDS'] ?? 0)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
const media = (['sqlite', 'postgres'] as const).filter((medium) => medium === 'sqlite' || findPostgres() !== undefined)
/** The short run takes a few of the quick ones. */
const SHORT: Readonly<Record<Medium, readonly StrikeName[]>> = {
  sqlite: ['kill', 'poison', 'rebuild', 'second process'],
  postgres: ['COMMIT unanswered', 'poison', 'kill in a rebuild', 'database crash'],
}

/** Every kind in turn, in an order that the seed decides. */
function planOf(medium: Medium): readonly StrikeName[] {
  if (rounds === 0) return SHORT[medium]
  const random = seededRandom(seed)
  const kinds = strikesOf[medium]
  const own = Math.ceil(rounds / media.length)
  const all = Array.from({ length: own }, (_, index) => kinds[index % kinds.length] ?? 'kill')
  return all
    .map((kind) => ({ kind, at: random() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ kind }) => kind)
}

describe('projections under faults (PostgreSQL is left out where there is no server)', () => {
  it.each(media)(
    'into %s equal the fold of the log, whatever happens',
    { timeout: 120_000 + rounds * 30_000 },
    async (medium) => {
      const plan = planOf(medium)
      process.stdout.write(`projection faults, ${medium}: KEYFOLD_SEED=${seed} KEYFOLD_PROJECTION_ROUNDS=${rounds}\n`)
      const history = await runFaultLane({ medium, seed, strikes: plan })
      const { log, snapshots, effects, queries } = history
      const covered = coverageOf(history)
      const figures = `${log.length} events, ${snapshots.length} snapshots, ${effects.length} effects`
      process.stdout.write(`projection faults, ${medium}: ${figures}\n${coverageTable(covered)}`)
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
