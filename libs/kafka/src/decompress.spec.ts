import { gzipSync, zstdCompressSync } from 'node:zlib'
import { buildRecordBatch, snappyCompressor } from '@keyfold/protocol'
import { compressFrameSync } from 'lz4-napi'
import { compressSync, uncompressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { decompressor } from './decompress.ts'
import { decodeRecordBatches, decodeRecords } from './record-batch-decoder.ts'

const raw = {
  compress: (bytes: Buffer) => compressSync(bytes),
  decompress: (bytes: Buffer) => Buffer.from(uncompressSync(bytes)),
}
const plain = Buffer.from('the same words, the same words, the same words '.repeat(3_000))

/** Snappy twice: as librdkafka sends it, and in the blocks of Java's library. */
const packed = [
  ['gzip', 1, gzipSync(plain)],
  ['raw snappy', 2, compressSync(plain)],
  ['snappy in blocks', 2, snappyCompressor(raw).compress(plain)],
  ['lz4', 3, compressFrameSync(plain)],
  ['zstd', 4, zstdCompressSync(plain)],
] as const

describe('compressed records', () => {
  it.each(packed)('%s is read', (_name, codec, bytes) => {
    expect(decompressor()(codec, bytes).equals(plain)).toBe(true)
  })

  it.each(packed)('%s that grows beyond the limit or is damaged is refused', (_name, codec, bytes) => {
    const decompress = decompressor()
    expect(() => decompress(codec, bytes, plain.length - 1)).toThrow(
      expect.objectContaining({ code: 'RECORDS_CORRUPT' }),
    )
    const cut = bytes.subarray(0, bytes.length / 2)
    expect(() => decompress(codec, cut)).toThrow(expect.objectContaining({ code: 'RECORDS_CORRUPT' }))
  })

  it('names what is missing when a package is not there, and what it does not know', () => {
    const decompress = decompressor(() => {
      throw new Error('no such package')
    })
    const unsupported = (name: string) =>
      expect.objectContaining({ code: 'COMPRESSION_UNSUPPORTED', message: expect.stringContaining(name) })
    expect(() => decompress(2, plain)).toThrow(unsupported('snappy'))
    expect(() => decompress(3, plain)).toThrow(unsupported('lz4-napi'))
    expect(() => decompress(7, plain)).toThrow(unsupported('codec 7'))
  })

  it('comes out of a batch', () => {
    const compressors = { snappy: snappyCompressor(raw) }
    const records = [{ key: null, value: plain }]
    const [batch] = decodeRecordBatches(buildRecordBatch({ records, compression: 'snappy', compressors }), {
      topic: 'words',
      partition: 0,
    })
    if (batch === undefined) throw new Error('the batch is gone')
    expect(decodeRecords(batch, 0)[0]?.value?.equals(plain)).toBe(true)
  })
})
