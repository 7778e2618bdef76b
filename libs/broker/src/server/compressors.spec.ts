import {
  buildRecordBatch,
  type CompressionName,
  readRecords,
  UnsupportedCompression,
  lz4FrameLength,
} from '@keyfold/protocol'
import { assert, integer, nat, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { platformCompressors } from './compressors.ts'

const compressors = platformCompressors()
const names = ['gzip', 'snappy', 'lz4', 'zstd'] as const satisfies CompressionName[]
const MiB = 1_048_576

function compressorOf(name: (typeof names)[number]) {
  const compressor = compressors[name]
  if (compressor === undefined) throw new Error(`no ${name}`)
  return compressor
}

describe.each(names)('%s', (name) => {
  const compressor = compressorOf(name)

  it('gives back what it was given', () => {
    assert(
      property(uint8Array({ maxLength: 5000 }), integer({ min: 1, max: 40 }), (bytes, times) => {
        const original = Buffer.concat(Array.from({ length: times }, () => bytes))
        expect(compressor.decompress(compressor.compress(original), original.length + 1)).toEqual(original)
      }),
      { numRuns: 40 },
    )
  })

  it('refuses what grows beyond the limit, however small it is', () => {
    const bomb = compressor.compress(Buffer.alloc(4 * MiB))
    expect(bomb.length).toBeLessThan(MiB / 4)
    expect(() => compressor.decompress(bomb, MiB)).toThrow()
    expect(compressor.decompress(bomb, 4 * MiB)).toHaveLength(4 * MiB)
  })

  it('answers rubbish with an error and nothing else', () => {
    const good = compressor.compress(Buffer.from('some records '.repeat(50)))
    assert(
      property(nat(good.length - 1), integer({ min: 0, max: 255 }), nat(good.length), (at, byte, length) => {
        const bad = Buffer.from(good.subarray(0, length))
        if (at < bad.length) bad[at] = byte
        try {
          expect(compressor.decompress(bad, MiB).length).toBeLessThanOrEqual(MiB)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('does for record batches', () => {
    const records = Array.from({ length: 100 }, (_, n) => ({ key: null, value: Buffer.from(`value ${n}`) }))
    const batch = buildRecordBatch({ records, compression: name, compressors })
    expect(Array.from(readRecords(batch, 0, { compressors }), ({ value }) => String(value))).toEqual(
      records.map(({ value }) => String(value)),
    )
  })
})

describe('snappy', () => {
  const compressor = compressorOf('snappy')

  it('writes the blocks of Java’s library, which the Java client needs, and reads the raw format of librdkafka', () => {
    const text = Buffer.from('hello')
    expect(compressor.compress(text).subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    // The raw format: the length, then one literal of five bytes.
    expect(compressor.decompress(Buffer.from('051068656c6c6f', 'hex'), 10)).toEqual(text)
  })

  it('believes no length that it cannot check: blocks are added up before they are decompressed', () => {
    const lying = Buffer.from('ffffffff071068656c6c6f', 'hex')
    expect(() => compressor.decompress(lying, MiB)).toThrow('more than 1048576 decompressed bytes')
    const block = compressor.compress(Buffer.alloc(32_768)).subarray(16)
    const many = Buffer.concat([
      compressor.compress(Buffer.alloc(1)).subarray(0, 16),
      ...Array.from({ length: 40 }, () => block),
    ])
    expect(() => compressor.decompress(many, MiB)).toThrow('more than 1048576 decompressed bytes')
  })
})

describe('lz4', () => {
  it('has frames whose length is known before they are decompressed', () => {
    const compressor = compressorOf('lz4')
    for (const count of [1, 64, 70_000, 5 * MiB]) {
      const frame = compressor.compress(Buffer.alloc(count, 'abcdefg'))
      expect(lz4FrameLength(frame, 100 * MiB)).toBe(count)
      expect(() => lz4FrameLength(frame, count - 1)).toThrow('decompressed bytes')
      // Blocks that do not depend on each other: others the Java client does not read.
      expect((frame[4] ?? 0) & 0x20).toBe(0x20)
    }
    expect(() => lz4FrameLength(Buffer.from('no frame at all'), MiB)).toThrow('no LZ4 frame')
  })
})

it('an optional package that is missing says how to get it', () => {
  const bare = platformCompressors(() => {
    throw new Error('not found')
  })
  const ask = () => bare.snappy?.decompress(Buffer.alloc(5), 10)
  expect(ask).toThrow(UnsupportedCompression)
  expect(ask).toThrow('the package snappy is not installed: run "npm install snappy"')
  expect(() => bare.lz4?.compress(Buffer.alloc(5))).toThrow('npm install lz4-napi')
})
