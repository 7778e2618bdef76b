import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import { newSegment } from './segment.ts'
import { Tail } from './tail.ts'

const batchBytes = 1_048_576

it('holds nothing of a batch that was dropped', async () => {
  const tail = new Tail()
  const segment = newSegment(0)
  const before = heldBytes()
  for (let n = 0; n < 64; n++) {
    const bytes = Buffer.alloc(batchBytes)
    tail.push({ baseOffset: n, lastOffset: n, bytes, maxTimestamp: 0, segment, position: 0, bytesBefore: 0, lsn: n })
  }
  expect(heldBytes() - before).toBeGreaterThan(60 * batchBytes)
  tail.markFlushed(64)
  for (let n = 0; n < 62; n++) expect(tail.dropOldest()).toBe(batchBytes)
  expect([...tail.from(0)].map(({ baseOffset }) => baseOffset)).toEqual([62, 63])
  // Buffers are freed on another thread.
  await vi.waitFor(() => expect(heldBytes() - before).toBeLessThan(8 * batchBytes), 10_000)
})

/** Buffers that are in memory once those that nobody holds are gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().arrayBuffers
}
