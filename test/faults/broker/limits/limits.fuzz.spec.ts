import { expect, it } from 'vitest'
import { runLimitsLane } from './limits-lane.ts'

const frames = Number(process.env['KEYFOLD_FUZZ_FRAMES'] ?? 1200)
const seed = Number(process.env['KEYFOLD_SEED'] ?? Date.now() % 1_000_000_007)
const mebibyte = 1_048_576

it(
  `hostile frames, bodies, batches and bombs disturb nobody and take no memory (${frames} frames)`,
  { timeout: 60_000 + frames * 100 },
  async () => {
    process.stdout.write(`broker limits lane: KEYFOLD_SEED=${seed} KEYFOLD_FUZZ_FRAMES=${frames}\n`)
    const { problems, heldBytes, peakBytes, ...counts } = await runLimitsLane({ frames, seed })
    const memory = { heldMiB: Math.round(heldBytes / mebibyte), peakMiB: Math.round(peakBytes / mebibyte) }
    process.stdout.write(`broker limits lane: ${JSON.stringify({ ...counts, ...memory })}\n`)
    expect(problems, `KEYFOLD_SEED=${seed}`).toEqual([])
    // Bombs of 256 MiB, and counts of two thousand millions: whoever believed one of them would need far more.
    expect(heldBytes).toBeLessThan(128 * mebibyte)
    expect(peakBytes).toBeLessThan(256 * mebibyte)
    expect(counts.answered).toBeGreaterThan(frames / 10)
    expect(counts.closed).toBeGreaterThan(frames / 10)
  },
)
