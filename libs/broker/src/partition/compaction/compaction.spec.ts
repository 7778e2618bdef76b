import { gunzipSync, gzipSync } from 'node:zlib'

import {
  batchAttributes,
  batchHeaders,
  buildRecordBatch,
  readBatchHeader,
  readRecords,
  type RecordBatchInput,
} from '@keyfold/protocol'
import { MemoryFiles, openStorage, type Storage } from '@keyfold/storage'
import { afterEach, describe, expect, it } from 'vitest'

import { silentLog } from '../../log.ts'
import type { PartitionConfig } from '../partition-config.ts'
import { PartitionRegistry } from '../partition-registry.ts'
import type { Partition } from '../partition.ts'
import { LogCleaner } from './log-cleaner.ts'
import { NewestOffsets } from './newest-offsets.ts'

const startMs = 1_700_000_000_000
const compressors = {
  gzip: { compress: (bytes: Buffer) => gzipSync(bytes), decompress: (bytes: Buffer) => gunzipSync(bytes) },
}
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

/** One compacted partition, its clock, and a cleaner that runs when told to. */
interface World {
  files: MemoryFiles
  storage: Storage
  partition: Partition
  cleaner: LogCleaner
  nowMs: number
}

async function start(config: Partial<PartitionConfig> = {}, files = new MemoryFiles(), bytesMax = 1e6): Promise<World> {
  const limits = { journalFileBytes: 262_144, firstJournalFileBytes: 262_144 }
  const storage = await openStorage({ files, onFatal: () => {}, limits, after: () => {} })
  const registry = new PartitionRegistry({ storage, decompress: compressors })
  await storage.recover({ observer: registry, states: [registry] })
  open.push(storage)
  if (registry.get('t', 0) === undefined) storage.appendAtomic(storage.partitions.creation('t', [0]))
  const partition = registry.get('t', 0)
  if (partition === undefined) throw new Error('no partition')
  // Each batch closes the segment before it.
  partition.configure({ compacted: true, deletes: false, segmentBytes: 100, deleteRetentionMs: 1000, ...config })
  const world = { files, storage, partition, nowMs: startMs }
  const options = { storage, log: silentLog, partitions: () => registry.all(), bytesMax: () => bytesMax }
  const cleaner = new LogCleaner({ ...options, now: () => result.nowMs })
  const result: World = { ...world, cleaner }
  return result
}

/** `k=v` is a record, `k=` a tombstone. */
function batchOf(records: readonly string[], overrides: Partial<RecordBatchInput> = {}): Buffer {
  return buildRecordBatch({
    records: records.map((text) => {
      const [key = '', value = ''] = text.split('=')
      return { key: Buffer.from(key), value: value === '' ? null : Buffer.from(value) }
    }),
    timestamp: startMs,
    ...overrides,
  })
}

async function append(world: World, ...batches: (string[] | Uint8Array)[]): Promise<void> {
  for (const each of batches) {
    const batch = Array.isArray(each) ? batchOf(each) : Buffer.from(each)
    const { errorCode, errorMessage } = world.partition.append({
      batch,
      nowMs: world.nowMs,
      isTransactionVerified: true,
    })
    expect(errorCode, errorMessage ?? '').toBe(0)
  }
  await world.storage.durable(world.storage.lastLsn)
}

async function endTransaction(
  { storage, partition, nowMs }: World,
  producerId: number,
  committed: boolean,
): Promise<void> {
  await storage.durable(storage.appendAtomic([partition.marker({ producerId, producerEpoch: 0, committed, nowMs })]))
}

/** All batches a reader finds from an offset on. */
async function batches({ partition }: World, from = partition.logStartOffset): Promise<Buffer[]> {
  const found: Buffer[] = []
  for (let offset = from; offset < partition.highWatermark;) {
    const request = { offset, maxBytes: 200, isolation: 'read_uncommitted' as const, minOneBatch: true }
    const { records } = await partition.read(request)
    if (records.length === 0) break
    const bytes = Buffer.concat(records)
    for (const { at, header } of batchHeaders(bytes)) {
      found.push(bytes.subarray(at, at + header.sizeInBytes))
      offset = header.lastOffset + 1
    }
  }
  return found
}

/** `offset:key=value` of every record, `marker` for those of control batches. */
async function contents(world: World, from?: number): Promise<string[]> {
  return (await batches(world, from)).flatMap((batch) => {
    const { isControl } = readBatchHeader(batch)
    return Array.from(readRecords(batch, 0, { compressors }), ({ offset, key, value }) =>
      isControl ? `${offset}:marker` : `${offset}:${String(key)}=${value === null ? '' : String(value)}`,
    )
  })
}

describe('compaction', () => {
  it('statement 79: keeps the last record of each key at its offset, and does not touch the active segment', async () => {
    const world = await start()
    await append(world, ['a=1', 'b=1'], ['a=2'], ['c=1', 'a=3'], ['b=2'], ['a=4'])
    expect(await world.cleaner.run()).toBe(1)
    expect(await contents(world)).toEqual(['3:c=1', '4:a=3', '5:b=2', '6:a=4'])
    expect(world.partition.logEndOffset).toBe(7)
    const [first] = await batches(world)
    expect(readBatchHeader(first ?? Buffer.alloc(0))).toMatchObject({ baseOffset: 3, lastOffset: 4 })
  })

  it('statement 79: a rewritten batch keeps its offsets, its producer and its sequence, with gaps inside', async () => {
    const world = await start()
    const producer = { producerId: 5, producerEpoch: 2, baseSequence: 0 }
    await append(world, batchOf(['a=1', 'b=1', 'c=1'], producer), ['a=2', 'c=2'], ['x=1'])
    await world.cleaner.run()
    const [first] = await batches(world)
    expect(readBatchHeader(first ?? Buffer.alloc(0))).toMatchObject({
      baseOffset: 0,
      lastOffset: 2,
      recordCount: 1,
      ...producer,
    })
    expect(await contents(world)).toEqual(['1:b=1', '3:a=2', '4:c=2', '5:x=1'])
  })

  it('statement 79: what is new enough, or undecided, or in the active segment, is left alone', async () => {
    const lagging = await start({ minCompactionLagMs: 5000 })
    await append(lagging, ['a=1'], ['a=2'], ['a=3'])
    lagging.nowMs += 4000
    expect(await lagging.cleaner.run()).toBe(0)
    lagging.nowMs += 2000
    expect(await lagging.cleaner.run()).toBe(1)
    const undecided = await start()
    await append(undecided, ['a=1'], ['a=2'])
    await append(
      undecided,
      batchOf(['a=3'], { producerId: 5, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
    )
    await append(undecided, ['a=4'], ['a=5'])
    await undecided.cleaner.run()
    expect(await contents(undecided)).toEqual(['1:a=2', '2:a=3', '3:a=4', '4:a=5'])
  })

  it('statement 79: it starts at the dirty ratio, or when something has waited for too long', async () => {
    const world = await start({ minCleanableDirtyRatio: 0.5 })
    await append(world, ['a=1'], ['b=1'], ['c=1'], ['d=1'])
    expect(await world.cleaner.run()).toBe(1)
    await append(world, ['a=2'])
    expect(await world.cleaner.run()).toBe(0)
    world.partition.configure({ maxCompactionLagMs: 10_000 })
    world.nowMs += 9000
    expect(await world.cleaner.run()).toBe(0)
    world.nowMs += 2000
    expect(await world.cleaner.run()).toBe(1)
    expect(await world.cleaner.run()).toBe(0)
  })

  it('statement 79: the last batch of a producer that is still known stays, empty, and duplicates are still found', async () => {
    const world = await start()
    const numbered = (baseSequence: number, text: string): Buffer =>
      batchOf([text], { producerId: 5, producerEpoch: 0, baseSequence })
    await append(world, numbered(0, 'a=1'), numbered(1, 'a=2'), ['a=3'], ['x=1'])
    await world.cleaner.run()
    const headers = (await batches(world)).map((batch) => readBatchHeader(batch))
    expect(headers.map(({ baseOffset, recordCount }) => [baseOffset, recordCount])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
    ])
    expect(headers[0]).toMatchObject({ producerId: 5, baseSequence: 1, lastOffset: 1 })
    const files = world.files.crash('drop')
    const again = await start({}, files)
    expect(again.partition.append({ batch: numbered(1, 'a=2'), nowMs: startMs })).toMatchObject({
      errorCode: 0,
      baseOffset: 1,
    })
    again.nowMs += 90_000_000
    again.partition.upkeep.expireProducers(again.nowMs)
    await append(again, ['y=1'], ['y=2'], ['y=3'], ['y=4'], ['y=5'])
    await again.cleaner.run()
    expect((await batches(again)).map((batch) => readBatchHeader(batch).recordCount)).not.toContain(0)
  })

  it('statement 80: the first compaction sets the time at which tombstones go; until then every reader sees them', async () => {
    const world = await start()
    await append(world, ['a=1', 'b=1'], ['a='], ['x=1'])
    await world.cleaner.run()
    expect(await contents(world)).toEqual(['1:b=1', '2:a=', '3:x=1'])
    const stamped = readBatchHeader((await batches(world))[1] ?? Buffer.alloc(0))
    expect(stamped.attributes & batchAttributes.deleteHorizon).toBe(batchAttributes.deleteHorizon)
    expect(stamped.baseTimestamp).toBe(startMs + 1000)
    expect([...readRecords((await batches(world))[1] ?? Buffer.alloc(0))][0]?.timestamp).toBe(startMs)
    await append(world, ['x=2'], ['x=3'], ['x=4'], ['x=5'])
    world.nowMs += 999
    await world.cleaner.run()
    expect(await contents(world)).toContain('2:a=')
    world.nowMs += 2
    await append(world, ['x=6'], ['x=7'], ['x=8'], ['x=9'], ['x=10'], ['x=11'])
    await world.cleaner.run()
    expect((await contents(world)).map((text) => text.split(':')[1]?.split('=')[0])).not.toContain('a')
  })

  it('statement 81: aborted records go, and do not count as the last of their key', async () => {
    const world = await start()
    const inTransaction = (baseSequence: number, text: string, producerId = 5): Buffer =>
      batchOf([text], { producerId, producerEpoch: 0, baseSequence, isTransactional: true })
    await append(world, ['a=1'], inTransaction(0, 'a=2'))
    await endTransaction(world, 5, false)
    await append(world, inTransaction(0, 'b=1', 6))
    await endTransaction(world, 6, true)
    await append(world, ['x=1'])
    await world.cleaner.run()
    expect(await contents(world)).toEqual(['0:a=1', '2:marker', '3:b=1', '4:marker', '5:x=1'])
  })

  it('statements 30, 81: a marker stays until nothing of its transaction is left, and delete.retention.ms longer', async () => {
    const world = await start()
    const inTransaction = (baseSequence: number, text: string): Buffer =>
      batchOf([text], { producerId: 5, producerEpoch: 0, baseSequence, isTransactional: true })
    await append(world, inTransaction(0, 'a=1'))
    await endTransaction(world, 5, true)
    await append(world, inTransaction(1, 'b=1'))
    await endTransaction(world, 5, false)
    world.partition.upkeep.expireProducers(startMs + 90_000_000)
    await append(world, ['a=2'], ['x=1'])
    const churn = (): Promise<void> => append(world, ['x=1'], ['x=1'], ['x=1'], ['x=1'], ['x=1'], ['x=1'], ['x=1'])
    const markers = async (): Promise<number> =>
      (await contents(world)).filter((text) => text.endsWith('marker')).length
    const aborted = async (): Promise<number> => {
      const request = { offset: 3, maxBytes: 100_000, isolation: 'read_committed' as const, minOneBatch: true }
      return (await world.partition.read(request)).abortedTransactions?.length ?? 0
    }
    await world.cleaner.run()
    expect([await markers(), await aborted()]).toEqual([2, 1])
    await churn()
    await world.cleaner.run()
    expect([await markers(), await aborted()]).toEqual([2, 0])
    world.nowMs += 1001
    await churn()
    await world.cleaner.run()
    expect(await markers()).toBe(0)
    expect(await contents(world)).toContain('4:a=2')
  })

  it('statement 81: compact,delete does both', async () => {
    const world = await start({ deletes: true, retentionMs: 500_000 })
    await append(world, ['a=1'], ['a=2'], ['b=1'], batchOf(['c=1'], { timestamp: startMs + 900_000 }))
    await world.cleaner.run()
    expect(await contents(world)).toEqual(['1:a=2', '2:b=1', '3:c=1'])
    await world.storage.checkpoint()
    expect(world.partition.upkeep.applyRetention(startMs + 600_000)).toBeGreaterThan(0)
    await world.storage.durable(world.storage.lastLsn)
    expect(await contents(world)).toEqual(['3:c=1'])
  })

  it('statement 82: fetching at an offset that was compacted away gives the next batch, also after a restart', async () => {
    const world = await start()
    await append(world, ['a=1'], ['a=2'], ['a=3'], ['a=4'], ['x=1'])
    await world.cleaner.run()
    for (const offset of [0, 1, 2, 3]) expect((await contents(world, offset))[0]).toBe('3:a=4')
    const again = await start({}, world.files.crash('drop'))
    expect(await contents(again, 1)).toEqual(['3:a=4', '4:x=1'])
  })

  it('keeps compressed batches compressed, and leaves alone what it cannot read', async () => {
    const world = await start()
    const zipped = batchOf(['a=1', 'b=1'], { compression: 'gzip', compressors })
    const records = [{ key: Buffer.from('b'), value: Buffer.from('unseen') }]
    const strange = Buffer.from(
      buildRecordBatch({
        records,
        timestamp: startMs,
        compression: 'zstd',
        compressors: { zstd: { compress: (bytes) => bytes, decompress: (bytes) => bytes } },
      }),
    )
    await append(world, zipped, ['a=2'])
    world.partition.configure({ compacted: false, validatesCompressed: false })
    await append(world, strange)
    world.partition.configure({ compacted: true })
    await append(world, ['x=1'])
    await world.cleaner.run()
    const found = await batches(world)
    expect(found.map((batch) => readBatchHeader(batch).compression)).toEqual([1, 0, 4, 0])
    expect(Array.from(readRecords(found[0] ?? zipped, 0, { compressors }), ({ key }) => String(key))).toEqual(['b'])
  })

  it('statement 79: needs no more memory than it may have: a log with too many keys takes several rounds', async () => {
    const world = await start({ minCleanableDirtyRatio: 0 }, new MemoryFiles(), 300)
    const names = Array.from({ length: 12 }, (_, n) => `k${n}`)
    await append(world, ...names.map((name) => [`${name}=1`]), ...names.map((name) => [`${name}=2`]), ['x=1'])
    let rounds = 0
    while ((await world.cleaner.run()) > 0) rounds += 1
    expect(rounds).toBeGreaterThan(3)
    expect(await contents(world)).toEqual([...names.map((name, n) => `${12 + n}:${name}=2`), '24:x=1'])
    const newest = new NewestOffsets(200)
    newest.put(Buffer.from('a'), 1)
    expect(newest.isFull).toBe(false)
    newest.put(Buffer.from('b'), 2)
    newest.put(Buffer.from('c'), 3)
    expect(newest.isFull).toBe(true)
  })

  it('ends when the broker does', async () => {
    const world = await start()
    await append(world, ['a=1'], ['a=2'], ['a=3'])
    const round = world.cleaner.run()
    await world.cleaner.stop()
    expect(await round).toBe(0)
    expect(await contents(world)).toHaveLength(3)
  })
})
