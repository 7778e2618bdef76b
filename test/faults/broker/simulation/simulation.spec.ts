import { describe, expect, it } from 'vitest'
import { simulate } from './simulation.ts'

const seeds = Number(process.env['KEYFOLD_SIM_SEEDS'] ?? 10)
const firstSeed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)

describe('the broker on a simulated disk, killed and cut off from power at any moment', () => {
  it(
    `keeps what it promises, and every seed is the same twice (${seeds} seeds)`,
    { timeout: 20_000 + seeds * 5000 },
    async () => {
      process.stdout.write(`broker simulation: KEYFOLD_SEED=${firstSeed} KEYFOLD_SIM_SEEDS=${seeds}\n`)
      const total = { crashes: 0, compactions: 0, records: 0, final: 0, committed: 0, aborted: 0, unknown: 0 }
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const { violations, traceHash, history, crashes, compactions } = await simulate(seed)
        expect(violations, `KEYFOLD_SEED=${seed}`).toEqual([])
        expect((await simulate(seed)).traceHash, `KEYFOLD_SEED=${seed} a second time`).toBe(traceHash)
        const count = (wanted: string) => history.transactions.filter(({ outcome }) => outcome === wanted).length
        total.crashes += crashes
        total.compactions += compactions
        total.records += history.records.length
        total.final += history.final.length
        total.committed += count('acknowledged')
        total.aborted += count('refused')
        total.unknown += count('unknown')
      }
      process.stdout.write(`broker simulation: ${JSON.stringify(total)}\n`)
      // A run in which nothing happened would prove nothing.
      expect(total.crashes).toBeGreaterThan(seeds)
      expect(total.compactions).toBeGreaterThan(0)
      expect(total.committed).toBeGreaterThan(seeds)
      expect(total.final).toBeGreaterThan(seeds * 10)
    },
  )
})
