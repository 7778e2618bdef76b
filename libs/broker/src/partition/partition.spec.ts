import { gunzipSync, gzipSync } from 'node:zlib'

import { crc32c } from '@keyfold/bytes'
import { buildRecordBatch, KafkaError, readBatchHeader, readRecords, type RecordBatchInput } from '@keyfold/protocol'
import { MemoryFiles, openStorage, type Storage } from '@keyfold/storage'
import { afterEach, describe, expect, it } from 'vitest'

import type { PartitionConfig } from './partition-config.ts'
import { PartitionRegistry } from './partition-registry.ts'
import type { Partition } from './partition.ts'

const compressors = {
  gzip: { compress: (bytes: Buffer) => gzipSync(bytes), decompress: (bytes: Buffer) => gunzipSync(bytes) },
}
const nowMs = 1_700_000_000_000
const limits = { journalFileBytes: 262_144, firstJournalFileBytes: 262_144 }
const open: Storage[] = []

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

interface Started {
  storage: Storage
  registry: PartitionRegistry
  files: MemoryFiles
}

async function start(files: MemoryFiles): Promise<Started> {
  const storage = await openStorage({ files, onFatal: () => {}, limits })
  const registry = new PartitionRegistry({ storage, decompress: compressors })
  await storage.recover({ observer: registry, states: [registry] })
  open.push(storage)
  return { storage, registry, files }
}

async function startWith(config: Partial<PartitionConfig> = {}): Promise<Started & { partition: Partition }> {
  const started = await start(new MemoryFiles())
  started.storage.appendAtomic(started.storage.partitions.creation('orders', [0]))
  const partition = partitionOf(started)
  partition.configure(config)
  return { ...started, partition }
}

function partitionOf({ registry }: Started): Partition {
  const partition = registry.get('orders', 0)
  if (partition === undefined) throw new Error('no partition')
  return partition
}

function batchOf(count = 1, overrides: Partial<RecordBatchInput> = {}): Buffer {
  const records = Array.from({ length: count }, (_, n) => ({ key: Buffer.from(`k${n}`), value: Buffer.from(`v${n}`) }))
  return buildRecordBatch({ records, timestamp: nowMs, ...overrides })
}

/** A batch of an idempotent producer. */
function numbered(
  baseSequence: number,
  count = 1,
  { producerId = 7, producerEpoch = 0, ...rest }: Partial<RecordBatchInput> = {},
): Buffer {
  return batchOf(count, { producerId, producerEpoch, baseSequence, ...rest })
}

/** Changes bytes of a batch and puts the checksum right again. */
function altered(batch: Buffer, alter: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  alter(copy)
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17)
  return copy
}

async function readAll(partition: Partition, offset = partition.logStartOffset): Promise<string[]> {
  const found: string[] = []
  for (let at = offset; at < partition.highWatermark;) {
    const { records } = await partition.read({
      offset: at,
      maxBytes: 1000,
      isolation: 'read_uncommitted',
      minOneBatch: true,
    })
    for (const buffer of records) {
      for (let position = 0; position < buffer.length;) {
        const header = readBatchHeader(buffer, position)
        for (const record of readRecords(buffer, position, { compressors }))
          found.push(`${record.offset}:${String(record.value)}`)
        position += header.sizeInBytes
        at = header.lastOffset + 1
      }
    }
  }
  return found
}

const two = Buffer.concat([batchOf(), batchOf()])

describe('validation of a batch', () => {
  it.each<[string, Buffer, KafkaError, Partial<PartitionConfig>?, number?]>([
    ['statement 1: no batch', Buffer.alloc(0), KafkaError.INVALID_RECORD],
    ['statement 1: two batches', two, KafkaError.INVALID_RECORD],
    ['statement 1: a cut batch', batchOf().subarray(0, -3), KafkaError.INVALID_RECORD],
    ['statement 1: magic 1', altered(batchOf(), (bytes) => bytes.writeInt8(1, 16)), KafkaError.INVALID_RECORD],
    [
      'statement 1: zstd before Produce v7',
      altered(batchOf(), (b) => b.writeInt16BE(4, 21)),
      KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
      {},
      6,
    ],
    ['statement 2: a base offset', batchOf(1, { baseOffset: 5 }), KafkaError.INVALID_RECORD],
    [
      'statement 2: a count that does not fit',
      altered(batchOf(2), (b) => b.writeInt32BE(3, 57)),
      KafkaError.INVALID_RECORD,
    ],
    ['statement 2: no records', batchOf(0), KafkaError.INVALID_RECORD],
    ['statement 2: a control batch', batchOf(1, { isControl: true }), KafkaError.INVALID_RECORD],
    [
      'statement 2: a producer without sequence',
      batchOf(1, { producerId: 5, producerEpoch: 0, baseSequence: -1 }),
      KafkaError.INVALID_RECORD,
    ],
    ['statement 3: a wrong checksum', Buffer.from(batchOf()).fill(9, 66, 67), KafkaError.CORRUPT_MESSAGE],
    [
      'statement 4: records that do not add up',
      altered(batchOf(1), (b) => b.writeInt8(40, 61)),
      KafkaError.INVALID_RECORD,
    ],
    [
      'statement 5: no key in a compacted topic',
      buildRecordBatch({ records: [{ key: null, value: null }], timestamp: nowMs }),
      KafkaError.INVALID_RECORD,
      { compacted: true },
    ],
    [
      'statement 5: no key in a compressed batch of a compacted topic',
      buildRecordBatch({ records: [{ key: null, value: null }], timestamp: nowMs, compression: 'gzip', compressors }),
      KafkaError.INVALID_RECORD,
      { compacted: true },
    ],
    [
      'statement 6: a timestamp too far ahead',
      batchOf(1, { timestamp: nowMs + 3_600_001 }),
      KafkaError.INVALID_TIMESTAMP,
    ],
    [
      'statement 6: a timestamp too old',
      batchOf(1, { timestamp: nowMs - 1001 }),
      KafkaError.INVALID_TIMESTAMP,
      { timestampBeforeMaxMs: 1000 },
    ],
    [
      'statement 6: LogAppendTime from a client',
      altered(batchOf(), (b) => b.writeInt16BE(8, 21)),
      KafkaError.INVALID_TIMESTAMP,
      { timestampType: 'LogAppendTime' },
    ],
    ['statement 8: more than max.message.bytes', batchOf(10), KafkaError.MESSAGE_TOO_LARGE, { maxMessageBytes: 80 }],
    ['statement 8: more than segment.bytes', batchOf(10), KafkaError.RECORD_LIST_TOO_LARGE, { segmentBytes: 80 }],
  ])('%s', async (_name, batch, error, config = {}, apiVersion = 9) => {
    const { partition } = await startWith(config)
    const result = partition.append({ batch, nowMs, apiVersion })
    expect(result.errorCode).toBe(error.code)
    expect(result.baseOffset).toBe(-1)
    expect(partition.logEndOffset).toBe(0)
  })

  it('statement 5: names the records without a key', async () => {
    const { partition } = await startWith({ compacted: true })
    const batch = buildRecordBatch({
      records: [
        { key: Buffer.from('k'), value: null },
        { key: null, value: null },
      ],
      timestamp: nowMs,
    })
    const { recordErrors } = partition.append({ batch, nowMs })
    expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1])
  })

  it('statement 6: takes records without a timestamp', async () => {
    const { partition } = await startWith({ timestampBeforeMaxMs: 1000 })
    expect(partition.append({ batch: batchOf(1, { timestamp: -1 }), nowMs }).errorCode).toBe(0)
  })

  it('statement 7: a LogAppendTime topic gives all records the time of the append', async () => {
    const { partition, storage } = await startWith({ timestampType: 'LogAppendTime' })
    const result = partition.append({ batch: batchOf(2, { timestamp: 5 }), nowMs })
    expect(result.logAppendTimeMs).toBe(nowMs)
    await storage.durable(result.lsn)
    const { records } = await partition.read({
      offset: 0,
      maxBytes: 1000,
      isolation: 'read_committed',
      minOneBatch: true,
    })
    expect([...readRecords(records[0] ?? Buffer.alloc(0))].map(({ timestamp }) => timestamp)).toEqual([nowMs, nowMs])
    expect(partition.append({ batch: batchOf(), nowMs }).logAppendTimeMs).toBe(nowMs)
  })

  it('statement 9: stores a compressed batch byte for byte', async () => {
    const { partition, storage } = await startWith()
    const batch = batchOf(3, { compression: 'gzip', compressors })
    const sent = Buffer.from(batch)
    await storage.durable(partition.append({ batch, nowMs }).lsn)
    const { records } = await partition.read({
      offset: 0,
      maxBytes: 1000,
      isolation: 'read_committed',
      minOneBatch: true,
    })
    expect(records[0]?.subarray(16)).toEqual(sent.subarray(16))
  })
})

describe('sequence numbers', () => {
  it('statement 13: a retry of any of the last five batches gets its first offset, and nothing is appended', async () => {
    const { partition, storage } = await startWith()
    for (let n = 0; n < 6; n++) expect(partition.append({ batch: numbered(n * 2, 2), nowMs }).baseOffset).toBe(n * 2)
    const end = partition.logEndOffset
    for (let n = 1; n < 6; n++) {
      const again = partition.append({ batch: numbered(n * 2, 2), nowMs })
      expect(again).toMatchObject({ errorCode: 0, baseOffset: n * 2 })
      await storage.durable(again.lsn)
    }
    expect(partition.logEndOffset).toBe(end)
    // Older than five, and other bounds than the batch had.
    expect(partition.append({ batch: numbered(0, 2), nowMs }).errorCode).toBe(
      KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
    )
    expect(partition.append({ batch: numbered(10, 1), nowMs }).errorCode).toBe(
      KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
    )
  })

  it('statement 13: a retry is acknowledged when the first one is durable, not before', async () => {
    const { partition, storage } = await startWith()
    const first = partition.append({ batch: numbered(0), nowMs })
    const again = partition.append({ batch: numbered(0), nowMs })
    expect(again.lsn).toBe(first.lsn)
    expect(storage.durableLsn).toBeLessThan(again.lsn)
  })

  it('statement 14: a gap is out of order', async () => {
    const { partition } = await startWith()
    partition.append({ batch: numbered(0, 3), nowMs })
    expect(partition.append({ batch: numbered(4), nowMs }).errorCode).toBe(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code)
    expect(partition.append({ batch: numbered(3), nowMs }).errorCode).toBe(0)
  })

  it('statement 14: sequences wrap from 2^31 - 1 to 0, also within a batch', async () => {
    const { partition } = await startWith()
    const max = 2_147_483_647
    expect(partition.append({ batch: numbered(max - 1, 2), nowMs }).errorCode).toBe(0)
    expect(partition.append({ batch: numbered(0, 1), nowMs }).errorCode).toBe(0)
    const other = { producerId: 8 }
    expect(partition.append({ batch: numbered(max, 3, other), nowMs }).errorCode).toBe(0)
    expect(partition.append({ batch: numbered(max, 3, other), nowMs })).toMatchObject({ errorCode: 0, baseOffset: 3 })
    expect(partition.append({ batch: numbered(2, 1, other), nowMs }).errorCode).toBe(0)
  })

  it('statement 15: a new epoch starts at 0, a lower one is refused with INVALID_PRODUCER_EPOCH', async () => {
    const { partition } = await startWith()
    partition.append({ batch: numbered(0), nowMs })
    const newer = { producerEpoch: 1 }
    expect(partition.append({ batch: numbered(1, 1, newer), nowMs }).errorCode).toBe(
      KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
    )
    expect(partition.append({ batch: numbered(0, 1, newer), nowMs }).errorCode).toBe(0)
    expect(partition.append({ batch: numbered(1), nowMs }).errorCode).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
  })

  it('statement 16: an unknown producer may start anywhere, except where it has to be new', async () => {
    const { partition } = await startWith()
    expect(partition.append({ batch: numbered(500), nowMs }).errorCode).toBe(0)
    const strict = { batch: numbered(500, 1, { producerId: 9 }), nowMs, mustStartAtZero: true }
    expect(partition.append(strict).errorCode).toBe(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code)
  })

  it('statement 17: a new epoch forgets the batches of the old one; silent producers expire', async () => {
    const { partition } = await startWith()
    partition.append({ batch: numbered(0), nowMs })
    partition.append({ batch: numbered(0, 1, { producerEpoch: 1 }), nowMs })
    expect(partition.append({ batch: numbered(0), nowMs }).errorCode).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
    partition.upkeep.expireProducers(nowMs + 86_400_000)
    expect(partition.describeProducers()).toHaveLength(1)
    partition.upkeep.expireProducers(nowMs + 86_400_001)
    expect(partition.describeProducers()).toEqual([])
    expect(partition.append({ batch: numbered(77), nowMs }).errorCode).toBe(0)
  })

  it('statement 18: a batch outside the transaction that its producer has open here is refused', async () => {
    const { partition } = await startWith()
    const transactional = { batch: numbered(0, 1, { isTransactional: true }), nowMs }
    expect(partition.append(transactional).errorCode).toBe(KafkaError.INVALID_TXN_STATE.code)
    expect(partition.append({ ...transactional, isTransactionVerified: true }).errorCode).toBe(0)
    expect(partition.append({ batch: numbered(1), nowMs }).errorCode).toBe(KafkaError.INVALID_TXN_STATE.code)
  })

  it.each(['a crash', 'a clean close', 'a checkpoint and a crash'])(
    'statement 19: all of it still holds after %s',
    async (how) => {
      const first = await startWith()
      for (let n = 0; n < 7; n++) first.partition.append({ batch: numbered(n), nowMs })
      first.partition.append({ batch: numbered(0, 1, { producerEpoch: 3, producerId: 8 }), nowMs })
      await first.storage.durable(first.storage.lastLsn)
      if (how === 'a clean close') await first.storage.close()
      if (how === 'a checkpoint and a crash') await first.storage.checkpoint()
      const partition = partitionOf(await start(first.files.crash('drop')))
      expect(partition.describeProducers()).toEqual(first.partition.describeProducers())
      expect(partition.append({ batch: numbered(4), nowMs })).toMatchObject({ errorCode: 0, baseOffset: 4 })
      expect(partition.append({ batch: numbered(1), nowMs }).errorCode).toBe(
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
      )
      expect(partition.append({ batch: numbered(9), nowMs }).errorCode).toBe(
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
      )
      const fenced = { batch: numbered(0, 1, { producerId: 8, producerEpoch: 2 }), nowMs }
      expect(partition.append(fenced).errorCode).toBe(KafkaError.INVALID_PRODUCER_EPOCH.code)
      expect(partition.append({ batch: numbered(7), nowMs })).toMatchObject({ errorCode: 0, baseOffset: 8 })
    },
  )
})

describe('reading', () => {
  it('shows nothing before it is durable, and tells those who wait when it is', async () => {
    const { partition, storage } = await startWith()
    const { lsn } = partition.append({ batch: batchOf(2), nowMs })
    expect([partition.highWatermark, partition.lastStableOffset, partition.logEndOffset]).toEqual([0, 0, 2])
    expect(
      (await partition.read({ offset: 0, maxBytes: 1000, isolation: 'read_uncommitted', minOneBatch: true })).records,
    ).toEqual([])
    let advances = 0
    const stop = partition.onAdvance(() => (advances += 1))
    await storage.durable(lsn)
    expect(advances).toBe(1)
    expect(partition.highWatermark).toBe(2)
    stop()
    await storage.durable(partition.append({ batch: batchOf(), nowMs }).lsn)
    expect(advances).toBe(1)
  })

  it('statements 40 and 41: gives whole batches from the one that holds the offset, the first whatever its size', async () => {
    const { partition, storage } = await startWith()
    for (const count of [3, 4, 2]) await storage.durable(partition.append({ batch: batchOf(count), nowMs }).lsn)
    const read = (offset: number, maxBytes: number, minOneBatch: boolean) =>
      partition.read({ offset, maxBytes, minOneBatch, isolation: 'read_uncommitted' })
    const bases = async (...wanted: Parameters<typeof read>) =>
      (await read(...wanted)).records.map((batch) => readBatchHeader(batch).baseOffset)
    expect(await bases(4, 1, true)).toEqual([3])
    expect(await bases(4, 1, false)).toEqual([])
    expect(await bases(4, 10_000, false)).toEqual([3, 7])
    expect(await bases(9, 10_000, true)).toEqual([])
  })

  it('statement 42: an offset outside the log is out of range, the end of it is empty', async () => {
    const { partition, storage } = await startWith()
    await storage.durable(partition.append({ batch: batchOf(3), nowMs }).lsn)
    await storage.durable(partition.deleteRecordsBefore(2).lsn)
    for (const [offset, errorCode] of [
      [1, 1],
      [2, 0],
      [3, 0],
      [4, 1],
    ] as const) {
      const result = await partition.read({ offset, maxBytes: 1000, isolation: 'read_committed', minOneBatch: true })
      expect(result.errorCode).toBe(errorCode)
      if (errorCode !== 0) expect(result).toMatchObject({ highWatermark: -1, logStartOffset: -1 })
    }
  })

  it('statement 39: says that enough is there when the data lie in an older segment', async () => {
    const { partition, storage } = await startWith({ segmentBytes: 150 })
    for (let n = 0; n < 4; n++) await storage.durable(partition.append({ batch: batchOf(1), nowMs }).lsn)
    expect(partition.availableBytes(0, 'read_uncommitted', 1_000_000)).toBe(1_000_000)
    expect(partition.availableBytes(3, 'read_uncommitted', 1_000_000)).toBeLessThan(100)
    expect(partition.availableBytes(4, 'read_uncommitted', 1_000_000)).toBe(0)
  })

  it('refuses everything once a segment is found damaged, and leaves other partitions alone', async () => {
    const first = await startWith()
    first.storage.appendAtomic(first.storage.partitions.creation('other', [0]))
    await first.storage.durable(first.partition.append({ batch: batchOf(2), nowMs }).lsn)
    await first.storage.durable(first.registry.get('other', 0)?.append({ batch: batchOf(2), nowMs }).lsn ?? 0)
    await first.storage.close()
    const disk = first.files.crash('keep')
    const path = 'topics/orders-0/00000000000000000000.log'
    const bytes = Buffer.from(disk.bytesOf(path))
    disk.replace(path, bytes.fill(0x55, 65, 70))
    const second = await start(disk)
    const request = { offset: 0, maxBytes: 1000, isolation: 'read_committed', minOneBatch: true } as const
    const partition = partitionOf(second)
    expect((await partition.read(request)).errorCode).toBe(KafkaError.KAFKA_STORAGE_ERROR.code)
    expect(partition.append({ batch: batchOf(), nowMs })).toMatchObject({
      errorCode: KafkaError.KAFKA_STORAGE_ERROR.code,
    })
    expect(partition.append({ batch: batchOf(), nowMs }).errorMessage).toContain(path)
    expect((await second.registry.get('other', 0)?.read(request))?.errorCode).toBe(0)
  })
})

describe('offsets by time', () => {
  it('statements 47 and 48: finds the record, also inside a compressed batch and out of order', async () => {
    const { partition, storage } = await startWith({ segmentBytes: 300 })
    const at = (...timestamps: number[]) => ({
      records: timestamps.map((timestamp) => ({ key: null, value: Buffer.from('x'), timestamp })),
    })
    for (const timestamps of [
      [100, 200, 300],
      [50, 60],
      [250, 900, 400],
      [500, 600],
    ]) {
      const batch = buildRecordBatch({ ...at(...timestamps), compression: 'gzip', compressors })
      await storage.durable(partition.append({ batch, nowMs }).lsn)
    }
    const find = (timestamp: number) => partition.listOffset(timestamp, 'read_uncommitted')
    expect(await find(0)).toMatchObject({ offset: 0, timestamp: 100 })
    expect(await find(201)).toMatchObject({ offset: 2, timestamp: 300 })
    expect(await find(301)).toMatchObject({ offset: 6, timestamp: 900 })
    expect(await find(901)).toMatchObject({ offset: -1, timestamp: -1 })
    expect(await find(-1)).toMatchObject({ offset: 10, timestamp: -1 })
    expect(await find(-2)).toMatchObject({ offset: 0, timestamp: -1 })
    expect(await find(-3)).toMatchObject({ offset: 6, timestamp: 900 })
    expect(await find(-4)).toMatchObject({ offset: 0 })
    expect(await find(-5)).toMatchObject({ offset: -1 })
    await storage.durable(partition.deleteRecordsBefore(2).lsn)
    expect(await find(0)).toMatchObject({ offset: 2, timestamp: 300 })
  })

  it('statement 47: -3 says nothing about an empty log', async () => {
    const { partition } = await startWith()
    expect(await partition.listOffset(-3, 'read_committed')).toEqual({ errorCode: 0, timestamp: -1, offset: -1 })
  })
})

describe('deletion', () => {
  it('statement 49: moves the start durably, refuses what is beyond the high watermark, ignores what is deleted', async () => {
    const started = await startWith()
    const { partition, storage, files } = started
    await storage.durable(partition.append({ batch: batchOf(5), nowMs }).lsn)
    expect(partition.deleteRecordsBefore(6).errorCode).toBe(KafkaError.OFFSET_OUT_OF_RANGE.code)
    expect(partition.deleteRecordsBefore(3)).toMatchObject({ errorCode: 0, lowWatermark: 3 })
    const { lsn, lowWatermark } = partition.deleteRecordsBefore(1)
    expect(lowWatermark).toBe(3)
    await storage.durable(lsn)
    const again = partitionOf(await start(files.crash('drop')))
    expect(again.logStartOffset).toBe(3)
    expect(again.deleteRecordsBefore(-1)).toMatchObject({ lowWatermark: 5 })
  })

  it('statement 49: a topic that is only compacted refuses', async () => {
    const { partition } = await startWith({ deletes: false })
    expect(partition.deleteRecordsBefore(0).errorCode).toBe(KafkaError.POLICY_VIOLATION.code)
  })

  it('statement 77: segments go when their newest record is too old, the active one with a new empty one', async () => {
    const { partition, storage } = await startWith({ segmentBytes: 100, retentionMs: 1000 })
    for (const timestamp of [nowMs - 5000, nowMs - 4000, nowMs - 500, nowMs - 3000]) {
      await storage.durable(partition.append({ batch: batchOf(1, { timestamp }), nowMs }).lsn)
    }
    expect(partition.upkeep.applyRetention(nowMs)).toBe(2)
    expect(partition.logStartOffset).toBe(2)
    expect(partition.upkeep.applyRetention(nowMs + 600)).toBe(2)
    expect([partition.logStartOffset, partition.logEndOffset]).toEqual([4, 4])
    expect(partition.append({ batch: batchOf(), nowMs }).baseOffset).toBe(4)
  })

  it('statement 78: the oldest segments go while the rest is still large enough', async () => {
    const { partition, storage } = await startWith({ segmentBytes: 150, retentionBytes: 160, retentionMs: -1 })
    for (let n = 0; n < 5; n++) await storage.durable(partition.append({ batch: batchOf(), nowMs }).lsn)
    partition.upkeep.applyRetention(nowMs)
    expect(partition.sizeInBytes).toBeGreaterThanOrEqual(160)
    expect(partition.logStartOffset).toBeGreaterThan(0)
    const size = partition.sizeInBytes
    expect(partition.upkeep.applyRetention(nowMs)).toBe(0)
    expect(partition.sizeInBytes).toBe(size)
    expect(await readAll(partition)).toHaveLength(5 - partition.logStartOffset)
  })

  it('keeps sequence numbers of producers whose records were deleted', async () => {
    const { partition, storage } = await startWith()
    await storage.durable(partition.append({ batch: numbered(0, 2), nowMs }).lsn)
    partition.deleteRecordsBefore(-1)
    expect(partition.append({ batch: numbered(0, 2), nowMs })).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(partition.logEndOffset).toBe(2)
  })
})
