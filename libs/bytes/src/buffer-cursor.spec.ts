import { describe, expect, it } from 'vitest'
import { BufferReader } from './buffer-reader.ts'
import { BufferWriter } from './buffer-writer.ts'
import { BufferUnderflow, MalformedBytes, UnencodableValue } from './malformed-bytes.ts'

function written(write: (writer: BufferWriter) => void): Buffer {
  const writer = new BufferWriter(1)
  write(writer)
  return writer.toBuffer()
}

function hex(write: (writer: BufferWriter) => void): string {
  return written(write).toString('hex')
}

function reader(hexBytes: string): BufferReader {
  return new BufferReader(Buffer.from(hexBytes, 'hex'))
}

describe('fixed-size numbers', () => {
  it('are big endian', () => {
    expect(hex((writer) => writer.writeInt16(0x0102))).toBe('0102')
    expect(hex((writer) => writer.writeInt32(-2))).toBe('fffffffe')
    expect(hex((writer) => writer.writeInt64(2 ** 40 + 5))).toBe('0000010000000005')
    expect(hex((writer) => writer.writeInt64(-1))).toBe('ffffffffffffffff')
    expect(hex((writer) => writer.writeFloat64(1.5))).toBe('3ff8000000000000')
    expect(reader('fffffffe').readInt32()).toBe(-2)
    expect(reader('fffffffe').readUInt32()).toBe(0xfffffffe)
    expect(reader('8000').readInt16()).toBe(-32768)
    expect(reader('8000').readUInt16()).toBe(32768)
    expect(reader('ff').readInt8()).toBe(-1)
    expect(reader('02').readBoolean()).toBe(true)
  })

  it('int64 is exact to 2^53 - 1 on both sides of zero', () => {
    for (const value of [0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -(2 ** 32), 2 ** 32 - 1, 2 ** 31]) {
      expect(new BufferReader(written((writer) => writer.writeInt64(value))).readInt64()).toBe(value)
    }
  })

  it('the largest int64 is rounded on reading and written back as it was', () => {
    expect(reader('7fffffffffffffff').readInt64()).toBe(2 ** 63)
    expect(hex((writer) => writer.writeInt64(2 ** 63))).toBe('7fffffffffffffff')
    expect(hex((writer) => writer.writeInt64(-(2 ** 63)))).toBe('8000000000000000')
  })

  it('a bigint keeps all 64 bits', () => {
    expect(reader('7fffffffffffffff').readBigInt64()).toBe(2n ** 63n - 1n)
    expect(hex((writer) => writer.writeBigInt64(-3n))).toBe('fffffffffffffffd')
    expect(() => hex((writer) => writer.writeBigInt64(2n ** 63n))).toThrow(UnencodableValue)
  })

  it('a value that does not fit is refused', () => {
    const tooLarge: ((writer: BufferWriter) => void)[] = [
      (writer) => writer.writeInt8(128),
      (writer) => writer.writeInt16(-32769),
      (writer) => writer.writeUInt16(-1),
      (writer) => writer.writeInt32(2 ** 31),
      (writer) => writer.writeInt32(1.5),
      (writer) => writer.writeUInt32(-1),
      (writer) => writer.writeInt64(Number.NaN),
      (writer) => writer.writeInt64(-(2 ** 64)),
      (writer) => writer.writeUnsignedVarint(-1),
      (writer) => writer.writeVarint(2 ** 31),
      (writer) => writer.writeVarlong(2 ** 53),
    ]
    for (const write of tooLarge) expect(() => written(write)).toThrow(UnencodableValue)
  })
})

describe('varints', () => {
  it('match the protocol buffers encoding', () => {
    expect(hex((writer) => writer.writeUnsignedVarint(300))).toBe('ac02')
    expect(hex((writer) => writer.writeUnsignedVarint(0xffffffff))).toBe('ffffffff0f')
    expect(hex((writer) => writer.writeVarint(-1))).toBe('01')
    expect(hex((writer) => writer.writeVarint(-(2 ** 31)))).toBe('ffffffff0f')
    expect(hex((writer) => writer.writeVarlong(2 ** 31))).toBe('8080808010')
  })

  it('stop at their largest size', () => {
    expect(() => reader('ffffffff10').readUnsignedVarint()).toThrow(MalformedBytes)
    expect(() => reader('ffffffffff01').readUnsignedVarint()).toThrow(MalformedBytes)
    expect(() => reader('ffffffffffffffffff02').readVarlong()).toThrow(MalformedBytes)
    expect(reader('ffffffffffffffffff01').readVarlong()).toBe(-(2 ** 63))
    expect(reader('feffffffffffffffff01').readVarlong()).toBe(2 ** 63)
  })

  it('that end too early are an underflow', () => {
    expect(() => reader('80').readUnsignedVarint()).toThrow(BufferUnderflow)
    expect(() => reader('ffffffffff').readVarlong()).toThrow(BufferUnderflow)
  })
})

describe('strings and bytes', () => {
  it('carry their length in front', () => {
    expect(hex((writer) => writer.writeString('hi'))).toBe('00026869')
    expect(hex((writer) => writer.writeNullableString(null))).toBe('ffff')
    expect(hex((writer) => writer.writeCompactString('hi'))).toBe('036869')
    expect(hex((writer) => writer.writeCompactNullableString(null))).toBe('00')
    expect(hex((writer) => writer.writeLengthPrefixedBytes(Buffer.from([7])))).toBe('0000000107')
    expect(hex((writer) => writer.writeNullableBytes(null))).toBe('ffffffff')
    expect(hex((writer) => writer.writeCompactBytes(Buffer.from([7])))).toBe('0207')
    expect(hex((writer) => writer.writeCompactNullableBytes(null))).toBe('00')
  })

  it('of any length and alphabet come back', () => {
    for (const text of [
      '',
      'a',
      'ä'.repeat(63),
      'ä'.repeat(64),
      'a'.repeat(126),
      'a'.repeat(127),
      '日'.repeat(50),
      '🙂'.repeat(5000),
    ]) {
      expect(new BufferReader(written((writer) => writer.writeString(text))).readString()).toBe(text)
      expect(new BufferReader(written((writer) => writer.writeCompactString(text))).readCompactString()).toBe(text)
    }
  })

  it('a string longer than an int16 length allows is refused', () => {
    expect(() => written((writer) => writer.writeString('x'.repeat(32768)))).toThrow(UnencodableValue)
  })

  it('null is refused where a value is required', () => {
    expect(() => reader('ffff').readString()).toThrow(/UNEXPECTED_NULL/)
    expect(() => reader('00').readCompactString()).toThrow(/UNEXPECTED_NULL/)
    expect(() => reader('ffffffff').readLengthPrefixedBytes()).toThrow(/UNEXPECTED_NULL/)
    expect(() => reader('00').readCompactBytes()).toThrow(/UNEXPECTED_NULL/)
  })

  it('a length below -1 is refused', () => {
    expect(() => reader('fffe').readNullableString()).toThrow(/NEGATIVE_LENGTH/)
    expect(() => reader('fffffffe').readNullableBytes()).toThrow(/NEGATIVE_LENGTH/)
  })

  it('bytes are views of the buffer that was read', () => {
    const source = Buffer.from('020708', 'hex')
    const view = new BufferReader(source).readCompactBytes()
    source[1] = 9
    expect(view[0]).toBe(9)
  })
})

describe('the reader', () => {
  it('says where it stopped and what was missing', () => {
    const short = reader('00010203')
    short.readInt8()
    expect(() => short.readInt32()).toThrow(
      expect.objectContaining({ code: 'BUFFER_UNDERFLOW', position: 1, neededBytes: 4, remainingBytes: 3 }),
    )
  })

  it('never reads beyond its window', () => {
    const window = new BufferReader(Buffer.from('0102030405', 'hex'), 1, 3)
    expect(window.remaining).toBe(2)
    expect(window.readInt16()).toBe(0x0203)
    expect(() => window.readInt8()).toThrow(BufferUnderflow)
    expect(() => new BufferReader(Buffer.alloc(2), 0, 3)).toThrow(RangeError)
  })
})

describe('the writer', () => {
  it('keeps large payloads by reference, in their place', () => {
    const writer = new BufferWriter(1)
    const large = Buffer.alloc(5000, 1)
    writer.writeInt8(1)
    writer.writeReference(large)
    writer.writeReference(Buffer.from([2]))
    writer.writeInt8(3)
    const chunks = writer.toChunks()
    expect(writer.length).toBe(5003)
    expect(chunks.map(({ length }) => length)).toEqual([1, 5000, 2])
    expect(chunks[1]).toBe(large)
    expect(writer.toBuffer()).toEqual(Buffer.concat([Buffer.from([1]), large, Buffer.from([2, 3])]))
  })

  it('grows at any byte without losing one', () => {
    for (let capacity = 0; capacity < 40; capacity++) {
      const writer = new BufferWriter(capacity)
      for (let value = 0; value < 10; value++) {
        writer.writeInt8(value)
        writer.writeBoolean(value % 2 === 0)
        writer.writeUnsignedVarint(value)
        writer.writeCompactString('t')
        writer.writeInt16(value)
      }
      const reader = new BufferReader(writer.toBuffer())
      for (let value = 0; value < 10; value++) {
        expect(reader.readInt8()).toBe(value)
        expect(reader.readBoolean()).toBe(value % 2 === 0)
        expect(reader.readUnsignedVarint()).toBe(value)
        expect(reader.readCompactString()).toBe('t')
        expect(reader.readInt16()).toBe(value)
      }
    }
  })

  it('fills in a length that is known later', () => {
    const writer = new BufferWriter(1)
    const size = writer.reserveInt32()
    writer.writeString('abc')
    writer.patchInt32(size, writer.length - 4)
    expect(writer.toBuffer().toString('hex')).toBe('000000050003616263')
    expect(() => writer.patchInt32(7, 0)).toThrow(RangeError)
  })

  it('leaves what it returned alone after a reset', () => {
    const writer = new BufferWriter(8)
    writer.writeInt32(1)
    const first = writer.toChunks()
    writer.reset(4)
    writer.writeInt32(2)
    expect(Buffer.concat(first).readInt32BE()).toBe(1)
    expect(writer.toBuffer().readInt32BE()).toBe(2)
  })

  it('that wrote nothing is one empty chunk', () => {
    expect(new BufferWriter().toChunks()).toEqual([Buffer.alloc(0)])
  })
})
