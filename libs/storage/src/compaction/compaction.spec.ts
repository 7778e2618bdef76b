import { buildRecordBatch, readBatchHeader, readRecords } from '@keyfold/protocol'
import { afterEach, describe, expect, it } from 'vitest'

import {
  eachBatch,
  type Fate,
  type KeepBatch,
  MemoryFiles,
  openStorage,
  type PartitionLog,
  type Storage,
} from '../index.ts'

const limits = { journalFileBytes: 32_768, firstJournalFileBytes: 32_768, tailBytesMax: 2000, idleFlushMs: 1 }
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

interface Started {
  storage: Storage
  log: PartitionLog
}

async function start(files: MemoryFiles): Promise<Started> {
  const warn = (event: string): void => expect(event, 'compaction damages nothing').not.toBe('partition.damaged')
  const random = (count: number): Buffer => Buffer.alloc(count, 7)
  const log = { info: () => {}, warn }
  const storage = await openStorage({ files, onFatal: () => {}, limits, log, random, after: () => {} })
  open.push(storage)
  await storage.recover()
  if (storage.partitions.get('t', 0) === undefined) storage.appendAtomic(storage.partitions.creation('t', [0]))
  const partition = storage.partitions.get('t', 0)
  if (partition === undefined) throw new Error('no partition')
  partition.configure({ segmentBytes: 600, indexIntervalBytes: 100 })
  return { storage, log: partition }
}

function append({ storage, log }: Started, count: number): void {
  for (let n = 0; n < count; n++) {
    const value = Buffer.from(`v${log.logEndOffset}`.padEnd(100, '.'))
    const batch = buildRecordBatch({ records: [{ key: null, value }], timestamp: 1000 + log.logEndOffset })
    storage.appendAtomic([storage.partitions.batch(log, log.prepare(batch))])
  }
}

/** Offsets and values, as a reader from the start finds them. */
async function contents({ storage, log }: Started): Promise<string[]> {
  const found: string[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const request = { offset, endOffset: log.logEndOffset, maxBytes: 400, minOneBatch: true }
    const batches = await storage.read(log, request)
    if (batches.length === 0) break
    for (const batch of eachBatch(batches)) {
      for (const record of readRecords(batch))
        found.push(`${record.offset} ${String(record.value).replaceAll('.', '')}`)
      offset = readBatchHeader(batch).lastOffset + 1
    }
  }
  return found
}

const every =
  (divisor: number): KeepBatch =>
  (batch) =>
    readBatchHeader(batch).baseOffset % divisor === 0 ? batch : undefined

async function rewrite({ storage, log }: Started, keep: KeepBatch): Promise<boolean> {
  const segments = log.settledSegments
  const cleanedOffset = (segments.at(-1)?.lastOffset ?? -1) + 1
  return storage.rewrite(log, { segments, cleanedOffset, keep })
}

function expected(count: number, isKept: (offset: number) => boolean): string[] {
  return Array.from({ length: count }, (_, offset) => offset)
    .filter(isKept)
    .map((offset) => `${offset} v${offset}`)
}

describe('rewriting segments', () => {
  it('needs a checkpoint first, keeps offsets, merges neighbours and frees the old files with the next checkpoint', async () => {
    const files = new MemoryFiles()
    const started = await start(files)
    append(started, 21)
    expect(started.log.settledSegments).toEqual([])
    await started.storage.checkpoint()
    const before = started.log.settledSegments.length
    expect(await rewrite(started, every(4))).toBe(true)
    expect(started.log.segments.length).toBeLessThanOrEqual(before + 1)
    const end = started.log.cleanedOffset
    const kept = expected(21, (offset) => offset >= end || offset % 4 === 0)
    expect(await contents(started)).toEqual(kept)
    expect(files.paths().some((path) => path.endsWith('.log.swap'))).toBe(true)
    expect(started.log.settledSegments).toEqual([])
    await started.storage.checkpoint()
    expect(files.paths().filter((path) => path.includes('.swap') || path.includes('.cleaned'))).toEqual([])
    expect(await contents(started)).toEqual(kept)
    await started.storage.checkpoint()
    expect(await rewrite(started, every(12))).toBe(true)
    expect(started.log.segments.length).toBeLessThan(before)
    await started.storage.checkpoint()
    const again = await start(files.crash('drop'))
    expect(await contents(again)).toEqual(expected(21, (offset) => offset >= end || offset % 12 === 0))
  })

  it('statement 82: a read at an offset that is gone gives the next batch, across empty segments too', async () => {
    const started = await start(new MemoryFiles())
    append(started, 30)
    await started.storage.checkpoint()
    await rewrite(started, () => undefined)
    const end = started.log.cleanedOffset
    expect(await contents(started)).toEqual(expected(30, (offset) => offset >= end))
    expect(started.log.bytesBetween(3, end, 1000)).toBe(0)
    expect(started.log.bytesBetween(3, 30, 50)).toBe(50)
    await started.storage.checkpoint()
    append(started, 1)
    expect((await contents(started)).at(-1)).toBe('30 v30')
  })

  it('does nothing when the log was cut or removed meanwhile', async () => {
    const files = new MemoryFiles()
    const started = await start(files)
    const { storage, log } = started
    append(started, 30)
    await storage.checkpoint()
    const segments = log.settledSegments
    const rewriting = storage.rewrite(log, { segments, cleanedOffset: 10, keep: every(2) })
    storage.appendAtomic([storage.partitions.logStart(log, 12)])
    expect(await rewriting.catch(() => false)).toBe(false)
    expect(await contents(started)).toEqual(expected(30, (offset) => offset >= 12))
    const removed = storage.rewrite(log, { segments: log.settledSegments, cleanedOffset: 20, keep: every(2) })
    storage.appendAtomic(storage.partitions.removal('t'))
    expect(await removed).toBe(false)
    await storage.checkpoint()
    expect(files.paths().filter((path) => path.startsWith('topics/'))).toEqual([])
  })

  it('gives up on a full disk without a trace', async () => {
    const files = new MemoryFiles()
    const started = await start(files)
    append(started, 30)
    await started.storage.checkpoint()
    files.failNext('write', Object.assign(new Error('full'), { code: 'ENOSPC' }), '.cleaned')
    await expect(rewrite(started, every(2))).rejects.toThrow('full')
    expect(files.paths().filter((path) => path.includes('.cleaned'))).toEqual([])
    expect(await contents(started)).toEqual(expected(30, () => true))
  })
})

/** Two compactions with appends and a cut between checkpoints. */
async function workload(started: Started, done: { rewrites: number; acknowledged: number }): Promise<void> {
  const { storage, log } = started
  append(started, 12)
  await storage.checkpoint()
  await rewrite(started, every(2))
  done.rewrites = 1
  append(started, 6)
  await storage.durable(storage.lastLsn)
  done.acknowledged = log.logEndOffset
  await storage.checkpoint()
  await storage.checkpoint()
  await rewrite(started, every(4))
  done.rewrites = 2
  storage.appendAtomic([storage.partitions.logStart(log, 4)])
  await storage.durable(storage.lastLsn)
  await storage.checkpoint()
}

/** Whether what was found is what some moment of the workload had, and no earlier one than was acknowledged. */
function isLegal(found: readonly string[], done: { rewrites: number; acknowledged: number }): boolean {
  const offsets = found.map((text) => Number(text.split(' ')[0]))
  const end = (offsets.at(-1) ?? -1) + 1
  if (end < done.acknowledged) return false
  // What an acknowledged compaction has removed does not come back.
  if (done.rewrites > 0 && (offsets.includes(1) || offsets.includes(3))) return false
  const divisors = [1, 2, 4].slice(done.rewrites)
  return divisors.some((divisor) =>
    [0, 4].some((logStart) => {
      const inOrder = offsets.every((offset, n) => n === 0 || offset > (offsets[n - 1] ?? 0))
      const within = (offset: number): boolean => offset >= logStart && offset % divisor === 0
      const needed = Array.from({ length: end }, (_, offset) => offset).filter(within)
      return inOrder && needed.every((offset) => offsets.includes(offset))
    }),
  )
}

describe('statement 81: a crash in the middle of a compaction', () => {
  it.each<[string, Fate]>([
    ['all of it on the disk', 'keep'],
    ['nothing of it on the disk', 'drop'],
    ['half of it on the disk', 'torn'],
  ])('statement 81: at every file operation, with %s, leaves the log as before or as after', async (_, fate) => {
    const whole = new MemoryFiles()
    await workload(await start(whole), { rewrites: 0, acknowledged: 0 })
    let checked = 0
    for (let operations = 1; operations <= whole.operations; operations++) {
      const files = new MemoryFiles()
      files.stopAfter(operations)
      const done = { rewrites: 0, acknowledged: 0 }
      await start(files)
        .then((started) => workload(started, done))
        .catch(() => {})
      // All that was pending has the fate, or (in turns over the operations) one change alone has it.
      const single = operations % Math.max(1, files.pending.length)
      const other = fate === 'keep' ? 'drop' : 'keep'
      const disk = files.clone().crash(fate)
      await check(disk, done, `after ${operations} operations`)
      const mixed = files.clone().crash((_change, at) => (at === single ? fate : other))
      await check(mixed, done, `after ${operations} operations, change ${single} alone`)
      checked += 2
    }
    expect(checked).toBeGreaterThan(100)
    open.length = 0
  })
})

async function check(disk: MemoryFiles, done: { rewrites: number; acknowledged: number }, when: string): Promise<void> {
  const found = await contents(await start(disk))
  const what = `${when} and ${done.rewrites} rewrites: ${found.join(', ')}`
  expect(isLegal(found, done), what).toBe(true)
  const again = await start(disk.crash('drop'))
  expect(await contents(again), `${what}, second recovery`).toEqual(found)
  if (disk.operations % 4 !== 0) return
  await again.storage.checkpoint()
  expect(await contents(again), `${what}, after a checkpoint`).toEqual(found)
}
