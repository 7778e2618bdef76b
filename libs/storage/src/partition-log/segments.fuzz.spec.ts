import { buildRecordBatch, readBatchHeader, readRecords } from '@keyfold/protocol'
import { array, assert, asyncProperty, constant, integer, oneof, record } from 'fast-check'
import { describe, expect, it } from 'vitest'

import { eachBatch, MemoryFiles, openStorage, type PartitionLog, type Storage } from '../index.ts'

const limits = {
  journalFileBytes: 16_384,
  firstJournalFileBytes: 16_384,
  checkpointJournalBytes: 40_000,
  flushBytes: 3000,
  tailBytesMax: 1500,
}

const step = oneof(
  {
    weight: 6,
    arbitrary: record({
      kind: constant('append' as const),
      size: integer({ min: 0, max: 900 }),
      count: integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: record({ kind: constant('sync' as const) }) },
  { weight: 1, arbitrary: record({ kind: constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: record({ kind: constant('crash' as const) }) },
  { weight: 1, arbitrary: record({ kind: constant('moveStart' as const), percent: integer({ min: 0, max: 100 }) }) },
)

async function open(files: MemoryFiles): Promise<{ storage: Storage; log: PartitionLog }> {
  const storage = await openStorage({
    files,
    onFatal: () => {},
    limits,
    after: () => {},
    random: (n) => Buffer.alloc(n, 3),
  })
  await storage.recover()
  if (storage.partitions.get('t', 0) === undefined)
    await storage.durable(storage.appendAtomic(storage.partitions.creation('t', [0])))
  const log = storage.partitions.get('t', 0)
  if (log === undefined) throw new Error('no log')
  log.configure({ segmentBytes: 1500, indexIntervalBytes: 150 })
  return { storage, log }
}

async function contents(
  { storage, log }: { storage: Storage; log: PartitionLog },
  maxBytes: number,
): Promise<string[]> {
  const values: string[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const buffers = await storage.read(log, { offset, endOffset: log.logEndOffset, maxBytes, minOneBatch: true })
    for (const batch of eachBatch(buffers)) {
      for (const { offset: at, value } of readRecords(batch)) if (at >= offset) values.push(`${at}:${value?.length}`)
      offset = readBatchHeader(batch).lastOffset + 1
    }
  }
  return values
}

describe('a partition log against a list in memory', () => {
  it('has the same records after any appends, syncs, checkpoints, deletions and power cuts', async () => {
    await assert(
      asyncProperty(array(step, { maxLength: 40 }), integer({ min: 1, max: 3000 }), async (steps, maxBytes) => {
        let files = new MemoryFiles()
        let started = await open(files)
        const model: string[] = []
        let start = 0
        for (const next of steps) {
          const { storage, log } = started
          if (next.kind === 'append') {
            const records = Array.from({ length: next.count }, () => ({ key: null, value: Buffer.alloc(next.size) }))
            for (let n = 0; n < next.count; n++) model.push(`${model.length}:${next.size}`)
            storage.appendAtomic([
              storage.partitions.batch(log, log.prepare(buildRecordBatch({ records, timestamp: model.length }))),
            ])
          } else if (next.kind === 'moveStart') {
            await storage.durable(storage.lastLsn)
            start = Math.max(start, Math.floor((model.length * next.percent) / 100))
            storage.appendAtomic([storage.partitions.logStart(log, start)])
          } else if (next.kind === 'checkpoint') await storage.checkpoint()
          else await storage.durable(storage.lastLsn)
          if (next.kind === 'crash') {
            files = files.crash('drop')
            started = await open(files)
          }
        }
        expect(await contents(started, maxBytes)).toEqual(model.slice(start))
        await started.storage.close()
        expect(await contents(await open(files), maxBytes)).toEqual(model.slice(start))
      }),
      { numRuns: 150 },
    )
  })
})
