import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { runKillLane } from './kill-lane.ts'

const rounds = Number(process.env['KEYFOLD_KILL_ROUNDS'] ?? 8)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)

describe('kill -9 of the broker at random moments under producers, transactions and consumers', () => {
  it(
    `loses, doubles, reorders, tears and shows nothing it should not in ${rounds} rounds`,
    { timeout: 30_000 + rounds * 5000 },
    async () => {
      process.stdout.write(`broker kill lane: KEYFOLD_SEED=${seed} KEYFOLD_KILL_ROUNDS=${rounds}\n`)
      const history = await runKillLane({ rounds, seed })
      const { records, transactions, seen, final } = history
      const outcomes = Object.groupBy(transactions, ({ outcome }) => outcome)
      const counts = (['acknowledged', 'refused', 'unknown'] as const).map(
        (name) => `${outcomes[name]?.length ?? 0} ${name}`,
      )
      process.stdout.write(
        `broker kill lane: ${records.length} records sent, ${final.length} there, ${seen.length} seen; transactions: ${counts.join(', ')}\n`,
      )
      expect(violations(history)).toEqual([])
      // A run in which nothing happened would prove nothing.
      expect(records.filter(({ outcome }) => outcome === 'acknowledged').length).toBeGreaterThan(rounds * 10)
      expect(outcomes.acknowledged?.length).toBeGreaterThan(rounds)
      expect(outcomes.refused?.length).toBeGreaterThan(rounds / 2)
    },
  )
})
