import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { runKillLane } from './kill-lane.ts'

const rounds = Number(process.env['KEYFOLD_KILL_ROUNDS'] ?? 2)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
const longestRunMs = 120_000 + rounds * 20_000

describe('32 clients register schemas while registries and the broker are killed at random moments', () => {
  it.each(rounds > 10 ? [1, 2, 3] : [3])(
    `at %i registries: one id per schema, no gap, nothing forgotten, no id twice in ${rounds} rounds`,
    { timeout: longestRunMs },
    async (registries) => {
      process.stdout.write(`registry kill lane: KEYFOLD_SEED=${seed} KEYFOLD_KILL_ROUNDS=${rounds}\n`)
      const history = await runKillLane({ rounds, seed, registries, clients: 32, killsBroker: true })
      const { registrations, acknowledged, final } = history
      process.stdout.write(
        `registry kill lane: ${registrations.length} asked for, ${acknowledged.length} acknowledged, ${final.length} versions of ${new Set(final.map(({ id }) => id)).size} schemas\n`,
      )
      expect(violations(history)).toEqual([])
      // A run in which nothing happened would prove nothing.
      expect(acknowledged.length).toBeGreaterThan(rounds * 20)
      expect(acknowledged.length).toBeGreaterThan(final.length)
      expect(history.lookUps.length).toBeGreaterThan(rounds * 10)
    },
  )
})
