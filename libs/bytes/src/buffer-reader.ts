import { BufferUnderflow, MalformedBytes } from './malformed-bytes.ts'

const twoTo32 = 4294967296
const twoTo27 = 134217728

/**
 * A cursor over a Buffer: big endian, bounds-checked, nothing is copied.
 * Every read beyond `end` throws BufferUnderflow and every broken varint or length throws MalformedBytes.
 * Reading copies no bytes: `readBytes` and its relatives return views that share memory with the buffer.
 */
export class BufferReader {
  readonly buffer: Buffer
  /** The next byte to be read. */
  position: number
  /** The first byte that may not be read. */
  readonly end: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    if (start < 0 || end > buffer.length || start > end) {
      throw new RangeError(`no window [${start}, ${end}) in a buffer of ${buffer.length} bytes`)
    }
    this.buffer = buffer
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves past `length` bytes and returns where they start. */
  skip(length: number): number {
    const start = this.position
    if (length < 0) throw new MalformedBytes('NEGATIVE_LENGTH', start, `a length of ${length} bytes`)
    if (length > this.end - start) throw new BufferUnderflow(start, length, this.end - start)
    this.position = start + length
    return start
  }

  readBoolean(): boolean {
    return this.readInt8() !== 0
  }

  readInt8(): number {
    return (this.readUInt8() << 24) >> 24
  }

  readUInt8(): number {
    const at = this.position
    if (at >= this.end) throw new BufferUnderflow(at, 1, 0)
    this.position = at + 1
    return byteAt(this.buffer, at)
  }

  readInt16(): number {
    return (this.readUInt16() << 16) >> 16
  }

  readUInt16(): number {
    const at = this.skip(2)
    return (byteAt(this.buffer, at) << 8) | byteAt(this.buffer, at + 1)
  }

  readInt32(): number {
    return int32At(this.buffer, this.skip(4))
  }

  readUInt32(): number {
    return int32At(this.buffer, this.skip(4)) >>> 0
  }

  /** An int64 as a JavaScript number: exact within ±(2^53 - 1), rounded beyond. */
  readInt64(): number {
    const at = this.skip(8)
    return int32At(this.buffer, at) * twoTo32 + (int32At(this.buffer, at + 4) >>> 0)
  }

  /** An int64 without loss; slower, for values that may use all 64 bits. */
  readBigInt64(): bigint {
    return this.buffer.readBigInt64BE(this.skip(8))
  }

  readFloat64(): number {
    return this.buffer.readDoubleBE(this.skip(8))
  }

  /** An unsigned varint of at most 32 bits (5 bytes). */
  readUnsignedVarint(): number {
    const start = this.position
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.readUInt8()
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedBytes('VARINT_TOO_LONG', start, 'a varint of more than 32 bits')
  }

  /** A zigzag varint of 32 bits, as records use it. */
  readVarint(): number {
    const value = this.readUnsignedVarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** A zigzag varint of 64 bits as a JavaScript number: exact within ±(2^53 - 1), rounded beyond. */
  readVarlong(): number {
    const start = this.position
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readUInt8()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
    }
    let high = 0
    for (let factor = 1; factor < 2 ** 36; factor *= 128) {
      const byte = this.readUInt8()
      // The tenth byte holds bit 63 alone.
      if (factor === 2 ** 35 && byte > 1) break
      high += (byte & 0x7f) * factor
      if (byte < 0x80) {
        const magnitude = high * twoTo27 + (low >>> 1)
        return low & 1 ? -magnitude - 1 : magnitude
      }
    }
    throw new MalformedBytes('VARINT_TOO_LONG', start, 'a varlong of more than 64 bits')
  }

  /** A view of the next `length` bytes; it shares memory with the buffer. */
  readBytes(length: number): Buffer {
    const start = this.skip(length)
    return this.buffer.subarray(start, start + length)
  }

  /** `length` bytes as UTF-8. Invalid sequences become U+FFFD, as in Java. */
  readUtf8(length: number): string {
    if (length === 0) return ''
    const start = this.skip(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  /** int16 length, then UTF-8; -1 is null. */
  readNullableString(): string | null {
    const length = this.readInt16()
    return length === -1 ? null : this.readUtf8(length)
  }

  readString(): string {
    return this.present(this.readNullableString())
  }

  /** Unsigned varint length + 1, then UTF-8; 0 is null. */
  readCompactNullableString(): string | null {
    const lengthPlusOne = this.readUnsignedVarint()
    return lengthPlusOne === 0 ? null : this.readUtf8(lengthPlusOne - 1)
  }

  readCompactString(): string {
    return this.present(this.readCompactNullableString())
  }

  /** int32 length, then bytes; -1 is null. */
  readNullableBytes(): Buffer | null {
    const length = this.readInt32()
    return length === -1 ? null : this.readBytes(length)
  }

  readLengthPrefixedBytes(): Buffer {
    return this.present(this.readNullableBytes())
  }

  /** Unsigned varint length + 1, then bytes; 0 is null. */
  readCompactNullableBytes(): Buffer | null {
    const lengthPlusOne = this.readUnsignedVarint()
    return lengthPlusOne === 0 ? null : this.readBytes(lengthPlusOne - 1)
  }

  readCompactBytes(): Buffer {
    return this.present(this.readCompactNullableBytes())
  }

  /** 16 bytes in Kafka's text form of a UUID: 22 characters of base64url. */
  readUuid(): string {
    const at = this.skip(16)
    const { buffer } = this
    if ((int32At(buffer, at) | int32At(buffer, at + 4) | int32At(buffer, at + 8) | int32At(buffer, at + 12)) === 0) {
      return 'AAAAAAAAAAAAAAAAAAAAAA'
    }
    return buffer.toString('base64url', at, at + 16)
  }

  private present<T>(value: T | null): T {
    if (value === null) throw new MalformedBytes('UNEXPECTED_NULL', this.position, 'null where a value is required')
    return value
  }
}

/** The caller has checked the bounds, so the byte is there. */
function byteAt(buffer: Buffer, at: number): number {
  return buffer[at] as number
}

function int32At(buffer: Buffer, at: number): number {
  return (
    (byteAt(buffer, at) << 24) | (byteAt(buffer, at + 1) << 16) | (byteAt(buffer, at + 2) << 8) | byteAt(buffer, at + 3)
  )
}
