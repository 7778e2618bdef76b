import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BufferReader } from './buffer-reader.ts'
import { BufferWriter } from './buffer-writer.ts'
import { MalformedBytes } from './malformed-bytes.ts'

type ReadMethod = Extract<keyof BufferReader, `read${string}`>

const methods = Object.getOwnPropertyNames(BufferReader.prototype).filter(
  (name): name is ReadMethod => name.startsWith('read') && name !== 'readBytes' && name !== 'readUtf8',
)

describe('any bytes', () => {
  it('are read or refused with MalformedBytes, by every method', () => {
    expect(methods.length).toBeGreaterThan(20)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.constantFrom(...methods), (bytes, method) => {
        const reader = new BufferReader(Buffer.from(bytes))
        try {
          ;(reader[method] as () => unknown)()
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedBytes)
        }
        expect(reader.position).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('any value', () => {
  it('comes back as it was written', () => {
    const value = fc.record({
      int8: fc.integer({ min: -128, max: 127 }),
      int32: fc.integer(),
      int64: fc.maxSafeInteger(),
      bigInt64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      float64: fc.double({ noNaN: true }),
      unsigned: fc.nat({ max: 0xffffffff }),
      varint: fc.integer(),
      varlong: fc.maxSafeInteger(),
      text: fc.option(fc.string({ unit: 'grapheme', maxLength: 200 })),
      bytes: fc.option(fc.uint8Array({ maxLength: 300 })),
    })
    fc.assert(
      fc.property(value, (given) => {
        const writer = new BufferWriter(1)
        writer.writeInt8(given.int8)
        writer.writeInt32(given.int32)
        writer.writeInt64(given.int64)
        writer.writeBigInt64(given.bigInt64)
        writer.writeFloat64(given.float64)
        writer.writeUnsignedVarint(given.unsigned)
        writer.writeVarint(given.varint)
        writer.writeVarlong(given.varlong)
        writer.writeNullableString(given.text)
        writer.writeCompactNullableString(given.text)
        writer.writeCompactNullableBytes(given.bytes)
        writer.writeNullableBytes(given.bytes)
        const reader = new BufferReader(writer.toBuffer())
        const bytes = given.bytes === null ? null : Buffer.from(given.bytes)
        expect(reader.readInt8()).toBe(given.int8)
        expect(reader.readInt32()).toBe(given.int32)
        expect(reader.readInt64()).toBe(given.int64)
        expect(reader.readBigInt64()).toBe(given.bigInt64)
        expect(reader.readFloat64()).toBe(given.float64)
        expect(reader.readUnsignedVarint()).toBe(given.unsigned)
        expect(reader.readVarint()).toBe(given.varint)
        expect(reader.readVarlong()).toBe(given.varlong)
        expect(reader.readNullableString()).toBe(given.text)
        expect(reader.readCompactNullableString()).toBe(given.text)
        expect(reader.readCompactNullableBytes()).toEqual(bytes)
        expect(reader.readNullableBytes()).toEqual(bytes)
        expect(reader.remaining).toBe(0)
      }),
    )
  })
})

describe('what carries its length as a varint', () => {
  it('comes back, and so does what is written behind it', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 })
    // Lengths on both sides of one, two and three bytes of varint.
    const content = fc.array(fc.oneof(text, fc.constant('x'.repeat(4_000))), { maxLength: 5 })
    fc.assert(
      fc.property(content, text, (parts, behind) => {
        const writer = new BufferWriter(1)
        writer.writeInt8(7)
        const start = writer.reserveVarintLength()
        for (const part of parts) writer.writeVarintString(part)
        writer.writeVarintNullableBytes(null)
        writer.writeVarintNullableBytes(Buffer.from(behind))
        writer.patchVarintLength(start)
        writer.writeString(behind)
        const reader = new BufferReader(writer.toBuffer())
        reader.readInt8()
        const length = reader.readVarint()
        const from = reader.position
        for (const part of parts) expect(reader.readBytes(reader.readVarint()).toString()).toBe(part)
        expect(reader.readVarint()).toBe(-1)
        expect(reader.readBytes(reader.readVarint()).toString()).toBe(behind)
        expect(reader.position - from).toBe(length)
        expect(reader.readString()).toBe(behind)
        expect(reader.remaining).toBe(0)
      }),
    )
  })
})
