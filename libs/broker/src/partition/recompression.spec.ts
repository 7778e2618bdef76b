import { buildRecordBatch, type CompressionName, KafkaError, readBatchHeader, readRecords } from '@keyfold/protocol'
import { describe, expect, it } from 'vitest'
import { platformCompressors } from '../server/compressors.ts'
import { isRefusal, validateBatch } from './batch-validation.ts'
import { defaultPartitionConfig, type PartitionConfig } from './partition-config.ts'
import { recompressed } from './recompression.ts'

const compressors = platformCompressors()
const nowMs = 1_700_000_000_000

function batchOf(compression: CompressionName, value = 'v'.repeat(300)): Buffer {
  const records = Array.from({ length: 20 }, (_, n) => ({ key: Buffer.from(`k${n}`), value: Buffer.from(value) }))
  const producer = { producerId: 5, producerEpoch: 1, baseSequence: 7 }
  return buildRecordBatch({ records, timestamp: nowMs, compression, compressors, ...producer })
}

function store(batch: Buffer, overrides: Partial<PartitionConfig>) {
  const context = { config: { ...defaultPartitionConfig, ...overrides }, compressors, nowMs, apiVersion: 13 }
  const header = validateBatch(batch, context)
  return isRefusal(header) ? header : recompressed(batch, header, context)
}

function accepted(result: ReturnType<typeof store>): Buffer {
  if (!Buffer.isBuffer(result)) throw new Error(result.errorMessage)
  return result
}

const all: CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('compression.type', () => {
  it.each(all)('statement 9: producer stores a %s batch byte for byte', (compression) => {
    const batch = batchOf(compression)
    const copy = Buffer.from(batch)
    expect(accepted(store(batch, {})).equals(copy)).toBe(true)
  })

  it.each(all.flatMap((from) => all.map((to) => [from, to] as const)))(
    'statement 9: %s becomes %s where the topic says so, with the same records and header',
    (from, to) => {
      const batch = batchOf(from)
      const stored = accepted(store(batch, { compressionType: to }))
      const { compression, ...header } = readBatchHeader(stored)
      expect(compression).toBe(all.indexOf(to))
      const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, recordCount, maxTimestamp } =
        readBatchHeader(batch)
      expect(header).toMatchObject({
        baseOffset,
        lastOffset,
        producerId,
        producerEpoch,
        baseSequence,
        recordCount,
        maxTimestamp,
      })
      expect([...readRecords(stored, 0, { compressors })]).toEqual([...readRecords(batch, 0, { compressors })])
      const again = store(stored, {})
      expect(isRefusalOrBuffer(again)).toBe('stored')
    },
  )

  it('statement 8: what no longer fits after recompression is refused', () => {
    const refused = store(batchOf('gzip'), { compressionType: 'none', maxMessageBytes: 2000 })
    expect(refused).toMatchObject({ errorCode: KafkaError.MESSAGE_TOO_LARGE.code })
  })

  it('levels are handed on', () => {
    const noise = Array.from({ length: 4000 }, (_, n) => ((n * 7919) % 251).toString(36)).join('')
    const sizes = [1, 9].map((compressionLevel) => {
      const config = { compressionType: 'gzip', compressionLevel } as const
      return accepted(store(batchOf('none', noise), config)).length
    })
    expect(sizes[1]).toBeLessThan(sizes[0] ?? 0)
  })
})

describe('records of compressed batches', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'statement 4: in %s are checked like any others',
    (compression) => {
      const records = [{ key: null, value: Buffer.from('x') }]
      const strange = {
        [compression]: {
          compress: () => compressors[compression]?.compress(Buffer.from('no records')) ?? Buffer.alloc(0),
          decompress: (bytes: Buffer) => bytes,
        },
      }
      const batch = buildRecordBatch({ records, timestamp: nowMs, compression, compressors: strange })
      expect(store(Buffer.from(batch), {})).toMatchObject({ errorCode: KafkaError.INVALID_RECORD.code })
      // An operator may do without that where no rule needs the records.
      expect(isRefusalOrBuffer(store(Buffer.from(batch), { validatesCompressed: false }))).toBe('stored')
      expect(isRefusalOrBuffer(store(Buffer.from(batch), { validatesCompressed: false, compacted: true }))).toBe(
        'refused',
      )
    },
  )

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('statement 4: a %s bomb is refused', (compression) => {
    const bomb = batchOf(compression, '0'.repeat(20_000))
    expect(bomb.length).toBeLessThan(40_000)
    expect(store(bomb, { decompressedBytesMax: 200_000 })).toMatchObject({ errorCode: KafkaError.INVALID_RECORD.code })
    expect(isRefusalOrBuffer(store(bomb, { decompressedBytesMax: 500_000 }))).toBe('stored')
  })

  it('statement 4: without the algorithm a batch is stored unseen, unless a rule needs its records', () => {
    const batch = batchOf('lz4')
    const context = { compressors: {}, nowMs, apiVersion: 13 }
    const plain = { ...defaultPartitionConfig }
    expect(isRefusal(validateBatch(batch, { ...context, config: plain }))).toBe(false)
    const refused = { errorCode: KafkaError.UNSUPPORTED_COMPRESSION_TYPE.code }
    expect(validateBatch(batch, { ...context, config: { ...plain, compacted: true } })).toMatchObject(refused)
    const header = readBatchHeader(batch)
    expect(recompressed(batch, header, { ...context, config: { ...plain, compressionType: 'zstd' } })).toMatchObject(
      refused,
    )
  })
})

function isRefusalOrBuffer(result: ReturnType<typeof store>): 'stored' | 'refused' {
  return Buffer.isBuffer(result) ? 'stored' : 'refused'
}
