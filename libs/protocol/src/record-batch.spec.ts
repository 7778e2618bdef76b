import { gunzipSync, gzipSync } from 'node:zlib'
import { BufferUnderflow, MalformedBytes } from '@keyfold/bytes'
import { describe, expect, it } from 'vitest'
import { type Compressors, UnsupportedCompression } from './compression.ts'
import { buildControlBatch, readTransactionMarker } from './control-record.ts'
import { buildRecordBatch } from './record-batch-builder.ts'
import { assignOffsets, hasValidCrc, setCreateTime, setLogAppendTime } from './record-batch-edit.ts'
import { batchHeaders, headerLayout, readBatchHeader } from './record-batch-header.ts'
import { readRecords } from './record-reader.ts'

const records = [
  {
    key: Buffer.from('k1'),
    value: Buffer.from('v1'),
    timestamp: 1000,
    headers: [{ key: 'trace', value: Buffer.from([1]) }],
  },
  { key: null, value: Buffer.from('v2'), timestamp: 1500 },
  { key: Buffer.from('k3'), value: null, timestamp: 900, headers: [{ key: 'none', value: null }] },
]
const compressors: Compressors = {
  gzip: {
    compress: (bytes) => gzipSync(bytes),
    decompress: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  },
}

describe('a batch header', () => {
  it('is read without touching the records', () => {
    const batch = buildRecordBatch({
      records,
      baseOffset: 100,
      partitionLeaderEpoch: 3,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 20,
      isTransactional: true,
    })
    batch.fill(0xff, 61)
    expect(readBatchHeader(batch)).toMatchObject({
      baseOffset: 100,
      lastOffset: 102,
      lastOffsetDelta: 2,
      sizeInBytes: batch.length,
      batchLength: batch.length - 12,
      partitionLeaderEpoch: 3,
      magic: 2,
      baseTimestamp: 1000,
      maxTimestamp: 1500,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 20,
      recordCount: 3,
      compression: 0,
      timestampType: 0,
      isTransactional: true,
      isControl: false,
    })
  })

  it('of another magic, cut off, or shorter than itself is malformed', () => {
    const batch = buildRecordBatch({ records })
    expect(() => readBatchHeader(batch.subarray(0, 60))).toThrow(BufferUnderflow)
    const old = Buffer.from(batch)
    old[headerLayout.magic] = 1
    expect(() => readBatchHeader(old)).toThrow(/magic 1/)
    const short = Buffer.from(batch)
    short.writeInt32BE(48, headerLayout.batchLength)
    expect(() => readBatchHeader(short)).toThrow(MalformedBytes)
  })

  it('follows header until a batch is incomplete', () => {
    const first = buildRecordBatch({ records, baseOffset: 0 })
    const second = buildRecordBatch({ records, baseOffset: 3 })
    const both = Buffer.concat([first, second])
    expect([...batchHeaders(both)].map(({ at, header }) => [at, header.baseOffset])).toEqual([
      [0, 0],
      [first.length, 3],
    ])
    expect([...batchHeaders(both.subarray(0, -1))]).toHaveLength(1)
    expect([...batchHeaders(both.subarray(0, first.length + 20))]).toHaveLength(1)
  })
})

describe('editing in place', () => {
  it('assigns offset and leader epoch without touching the CRC', () => {
    const batch = Buffer.concat([Buffer.alloc(5), buildRecordBatch({ records })])
    const { crc } = readBatchHeader(batch, 5)
    assignOffsets(batch, 5, { baseOffset: 2 ** 40, partitionLeaderEpoch: 9 })
    expect(readBatchHeader(batch, 5)).toMatchObject({ baseOffset: 2 ** 40, partitionLeaderEpoch: 9, crc })
    expect(hasValidCrc(batch, 5)).toBe(true)
    expect([...readRecords(batch, 5)].map(({ offset }) => offset)).toEqual([2 ** 40, 2 ** 40 + 1, 2 ** 40 + 2])
  })

  it('log append time replaces every timestamp and renews the CRC', () => {
    const batch = buildRecordBatch({ records })
    setLogAppendTime(batch, 0, 5000)
    expect(readBatchHeader(batch)).toMatchObject({ timestampType: 1, maxTimestamp: 5000 })
    expect(hasValidCrc(batch)).toBe(true)
    expect([...readRecords(batch)].map(({ timestamp }) => timestamp)).toEqual([5000, 5000, 5000])
    expect(() => setLogAppendTime(batch.subarray(0, -1), 0, 1)).toThrow(BufferUnderflow)
  })

  it('log append time can be taken back: records have their own timestamps again', () => {
    const batch = buildRecordBatch({ records })
    const own = [...readRecords(batch)].map(({ timestamp }) => timestamp)
    setLogAppendTime(batch, 0, 5000)
    setCreateTime(batch, 0)
    expect(readBatchHeader(batch)).toMatchObject({ timestampType: 0, maxTimestamp: 5000 })
    expect(hasValidCrc(batch)).toBe(true)
    expect([...readRecords(batch)].map(({ timestamp }) => timestamp)).toEqual(own)
    expect(() => setCreateTime(batch.subarray(0, -1), 0)).toThrow(BufferUnderflow)
  })
})

describe('the CRC', () => {
  it('notices any changed byte from the attributes on, and a cut', () => {
    const batch = buildRecordBatch({ records })
    for (let at = headerLayout.attributes; at < batch.length; at++) {
      const damaged = Buffer.from(batch)
      damaged[at] = (damaged[at] ?? 0) ^ 0x01
      expect(hasValidCrc(damaged), `byte ${at}`).toBe(false)
    }
    expect(hasValidCrc(batch.subarray(0, -1))).toBe(false)
  })
})

describe('records', () => {
  it.each(['none', 'gzip'] as const)('come back as they were put in (%s)', (compression) => {
    const batch = buildRecordBatch({ records, baseOffset: 10, compression, compressors })
    expect([...readRecords(batch, 0, { compressors })]).toEqual(
      records.map(({ headers = [], ...record }, index) => ({ ...record, headers, offset: 10 + index })),
    )
  })

  it('are read only as far as they are asked for', () => {
    const batch = buildRecordBatch({ records })
    batch.fill(0xff, batch.length - 5)
    const reading = readRecords(batch)
    expect(reading.next().value).toMatchObject({ offset: 0 })
    expect(() => [...reading]).toThrow(MalformedBytes)
  })

  it('that do not match the count in the header are malformed', () => {
    for (const count of [-1, 2, 4, 2 ** 31 - 1]) {
      const batch = buildRecordBatch({ records })
      batch.writeInt32BE(count, headerLayout.recordCount)
      expect(() => [...readRecords(batch)], `count ${count}`).toThrow(MalformedBytes)
    }
  })

  it('of an incomplete batch are not read', () => {
    expect(() => [...readRecords(buildRecordBatch({ records }).subarray(0, -1))]).toThrow(BufferUnderflow)
  })

  it('an empty batch has none', () => {
    expect([...readRecords(buildRecordBatch({ records: [] }))]).toEqual([])
  })
})

describe('compression', () => {
  it('without a compressor is refused by name', () => {
    expect(() => buildRecordBatch({ records, compression: 'zstd' })).toThrow(/no compressor for zstd \(id 4\)/)
    const batch = buildRecordBatch({ records, compression: 'gzip', compressors })
    expect(() => [...readRecords(batch)]).toThrow(
      expect.objectContaining({ kafkaError: expect.objectContaining({ name: 'UNSUPPORTED_COMPRESSION_TYPE' }) }),
    )
    batch.writeInt16BE(6, headerLayout.attributes)
    expect(() => [...readRecords(batch, 0, { compressors })]).toThrow(UnsupportedCompression)
  })

  it('never grows beyond the limit', () => {
    const bomb = buildRecordBatch({
      records: [{ key: null, value: Buffer.alloc(1_000_000) }],
      compression: 'gzip',
      compressors,
    })
    expect(() => [...readRecords(bomb, 0, { compressors, decompressedBytesMax: 10_000 })]).toThrow(MalformedBytes)
    const careless = { gzip: { compress: (bytes: Buffer) => bytes, decompress: () => Buffer.alloc(100) } }
    expect(() => [...readRecords(bomb, 0, { compressors: careless, decompressedBytesMax: 99 })]).toThrow(/more than 99/)
  })

  it('a damaged payload is malformed', () => {
    const batch = buildRecordBatch({ records, compression: 'gzip', compressors })
    batch.fill(0, 61)
    expect(() => [...readRecords(batch, 0, { compressors })]).toThrow(/do not decompress/)
  })
})

describe('control batches', () => {
  const marker = {
    type: 'abort',
    coordinatorEpoch: 4,
    baseOffset: 50,
    timestamp: 1234,
    producerId: 8,
    producerEpoch: 2,
    partitionLeaderEpoch: 0,
  } as const

  it('end a transaction with one marker', () => {
    const batch = buildControlBatch(marker)
    expect(readBatchHeader(batch)).toMatchObject({
      isControl: true,
      isTransactional: true,
      baseOffset: 50,
      producerId: 8,
      producerEpoch: 2,
      baseSequence: -1,
      recordCount: 1,
    })
    const [record] = readRecords(batch)
    expect(record && readTransactionMarker(record)).toEqual({ type: 'abort', coordinatorEpoch: 4 })
  })

  it('other control records are not transaction markers, and short ones are malformed', () => {
    expect(readTransactionMarker({ key: Buffer.from([0, 0, 0, 2]), value: null })).toBeUndefined()
    expect(() => readTransactionMarker({ key: null, value: null })).toThrow(MalformedBytes)
    expect(() => readTransactionMarker({ key: Buffer.from([0, 0, 0, 1]), value: Buffer.from([0]) })).toThrow(
      MalformedBytes,
    )
  })
})
