import { buildRecordBatch } from '@keyfold/protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryFiles, openStorage, type Storage } from '../index.ts'
import { FlushRounds } from './flush-rounds.ts'
import { newSegment } from './segment.ts'
import { Tail } from './tail.ts'

const batch = (valueBytes = 0) => buildRecordBatch({ records: [{ key: null, value: Buffer.alloc(valueBytes, 'x') }] })
const batchBytes = batch().length

const open: Storage[] = []

afterEach(async () => {
  // One whose power was cut cannot be closed.
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

async function start(files: MemoryFiles, limits: { flushBytes: number; tailBytesMax: number }): Promise<Storage> {
  const storage = await openStorage({ files, onFatal: () => {}, limits })
  open.push(storage)
  await storage.recover()
  return storage
}

function create(storage: Storage, topic: string): void {
  storage.appendAtomic(storage.partitions.creation(topic, [0]))
}

async function append(storage: Storage, topic: string, valueBytes = 0): Promise<void> {
  const log = storage.partitions.get(topic, 0)
  if (log === undefined) throw new Error(`no ${topic}`)
  const entry = storage.partitions.batch(log, log.prepare(batch(valueBytes)))
  await storage.durable(storage.appendAtomic([entry]))
}

function sizeOfFile(files: MemoryFiles, topic: string): number {
  const path = `topics/${topic}-0/00000000000000000000.log`
  return files.paths().includes(path) ? files.bytesOf(path).length : 0
}

/** A round is due after 128 small batches or one large one; a log with fewer than two small ones can wait. */
const flushBytes = 128 * batchBytes
const large = flushBytes

describe('segment files', () => {
  it('are written when a log has enough for it; one with little is left alone', async () => {
    const files = new MemoryFiles()
    const storage = await start(files, { flushBytes, tailBytesMax: 100 * flushBytes })
    create(storage, 'little')
    create(storage, 'much')
    await append(storage, 'little')
    await append(storage, 'much', large)
    await vi.waitFor(() => expect(sizeOfFile(files, 'much')).toBeGreaterThan(large))
    // Logs are written in the order of their creation: it would have been there first.
    expect(sizeOfFile(files, 'little')).toBe(0)
  })

  it('need not be written for what a power cut must not take', async () => {
    const files = new MemoryFiles()
    const limits = { flushBytes, tailBytesMax: 100 * flushBytes }
    const before = await start(files, limits)
    create(before, 'little')
    await append(before, 'little')
    const after = await start(files.crash('drop'), limits)
    expect(after.partitions.get('little', 0)?.logEndOffset).toBe(1)
    expect(sizeOfFile(files, 'little')).toBe(0)
  })
})

describe('a round', () => {
  const rounds = () => new FlushRounds({ flushBytes, tailBytesMax: 8 * flushBytes })

  function tailOf(lsn: number, bytes: number): Tail {
    const tail = new Tail()
    const segment = newSegment(0)
    const at = { baseOffset: 0, lastOffset: 0, maxTimestamp: 0, position: 0, bytesBefore: 0 }
    tail.push({ ...at, segment, lsn, bytes: Buffer.alloc(bytes) })
    return tail
  }

  it('takes a log that has a 64th of its bytes, and none that has nothing', () => {
    const isDue = rounds().begin(9)
    expect([2 * batchBytes, 2 * batchBytes - 1].map((bytes) => isDue(tailOf(1, bytes)))).toEqual([true, false])
    expect(isDue(new Tail())).toBe(false)
    const written = tailOf(1, flushBytes)
    written.markFlushed(1)
    expect([isDue(written), written.unflushedBytes]).toEqual([false, 0])
  })

  it('takes a log that has waited for so many rounds as fill half of the memory for tails', () => {
    const each = rounds()
    const [early, late] = [tailOf(10, 1), tailOf(11, 1)]
    const seen = [10, 20, 30, 40, 50].map((lastLsn) => each.begin(lastLsn)).map((isDue) => [isDue(early), isDue(late)])
    expect(seen.slice(0, 4).flat()).not.toContain(true)
    expect(seen[4]).toEqual([true, false])
    expect(each.begin(60)(late)).toBe(true)
  })

  it('takes every log where there is no memory to wait in', () => {
    expect(new FlushRounds({ flushBytes, tailBytesMax: flushBytes }).begin(5)(tailOf(5, 1))).toBe(true)
  })
})
