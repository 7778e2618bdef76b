import { UnencodableValue } from './malformed-bytes.ts'
import { uuidBytes } from './uuid.ts'

const twoTo32 = 4294967296
const twoTo63 = 2 ** 63
/** From this size on a reference costs less than a copy. */
const referenceBytesMin = 4096
/** Strings up to this length are written byte by byte: cheaper than a call out of JavaScript. */
const shortStringMax = 64

/** Of a length from 64 to 8191, as most records have. */
const reservedVarintBytes = 2

/**
 * Writes big-endian fields into one growing buffer.
 * Large payloads can be handed over by reference (`writeReference`): they are not copied, and `toChunks` returns them
 * in their place between the written bytes. After `toBuffer` or `toChunks`, `reset` makes the writer reusable: what it
 * returned is not touched again.
 * Throws UnencodableValue for a value that its field cannot hold.
 */
export class BufferWriter {
  private buffer: Buffer
  /** Bytes written into the own buffer; references are not in it. */
  private position = 0
  private references: Reference[] = []
  private referencedBytes = 0

  constructor(capacity = 512) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  /** Bytes written so far, referenced ones included. */
  get length(): number {
    return this.position + this.referencedBytes
  }

  /** Forgets everything written; keeps the memory up to `capacityMax` bytes. */
  reset(capacityMax = 1_048_576): void {
    if (this.buffer.length > capacityMax) this.buffer = Buffer.allocUnsafe(capacityMax)
    this.position = 0
    this.references = []
    this.referencedBytes = 0
  }

  /** Everything written, copied into one buffer of exactly that size. */
  toBuffer(): Buffer {
    if (this.references.length > 0) return Buffer.concat(this.toChunks())
    return Buffer.from(this.buffer.subarray(0, this.position))
  }

  /** Everything written, in order: one copy of the own bytes, cut where references belong. */
  toChunks(): Buffer[] {
    const own = Buffer.from(this.buffer.subarray(0, this.position))
    const chunks: Buffer[] = []
    let start = 0
    for (const { at, bytes } of this.references) {
      if (at > start) chunks.push(own.subarray(start, at))
      chunks.push(bytes)
      start = at
    }
    if (own.length > start || chunks.length === 0) chunks.push(own.subarray(start))
    return chunks
  }

  writeBoolean(value: boolean): void {
    this.put8(value ? 1 : 0)
  }

  writeInt8(value: number): void {
    if ((value << 24) >> 24 !== value) throw outOfRange('int8', value)
    this.put8(value)
  }

  writeInt16(value: number): void {
    if ((value << 16) >> 16 !== value) throw outOfRange('int16', value)
    this.put16(this.grow(2), value)
  }

  writeUInt16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value)
    this.put16(this.grow(2), value)
  }

  writeInt32(value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    this.put32(this.grow(4), value)
  }

  writeUInt32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value)
    this.put32(this.grow(4), value)
  }

  /** An integer as int64. From 2^63 on the largest int64 is written: a rounded Long.MAX survives a round trip. */
  writeInt64(value: number): void {
    if (!Number.isInteger(value)) throw outOfRange('int64', value)
    const at = this.grow(8)
    if (value >= twoTo63) {
      this.put32(at, 0x7fffffff)
      this.put32(at + 4, -1)
      return
    }
    if (value < -twoTo63) throw outOfRange('int64', value)
    this.put32(at, Math.floor(value / twoTo32))
    this.put32(at + 4, value | 0)
  }

  writeBigInt64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange('int64', value)
    const at = this.grow(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  writeFloat64(value: number): void {
    const at = this.grow(8)
    this.buffer.writeDoubleBE(value, at)
  }

  writeUnsignedVarint(value: number): void {
    if (value >>> 0 !== value) throw outOfRange('unsigned varint', value)
    let at = this.grow(5)
    const { buffer } = this
    let rest = value
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
    this.position = at
  }

  /** A zigzag varint of 32 bits. */
  writeVarint(value: number): void {
    if ((value | 0) !== value) throw outOfRange('varint', value)
    this.writeUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** A zigzag varint of 64 bits from a safe integer. */
  writeVarlong(value: number): void {
    if ((value | 0) === value) {
      this.writeVarint(value)
      return
    }
    if (!Number.isSafeInteger(value)) throw outOfRange('varlong', value)
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
    let at = this.grow(10)
    while (rest > 0x7fn) {
      this.buffer[at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[at++] = Number(rest)
    this.position = at
  }

  /** Copies bytes in, without a length. */
  writeBytes(bytes: Uint8Array): void {
    const at = this.grow(bytes.length)
    this.buffer.set(bytes, at)
  }

  /**
   * Bytes without a length, kept by reference when they are large enough for that to pay.
   * The caller must not change them until the chunks have been sent.
   */
  writeReference(bytes: Buffer): void {
    if (bytes.length < referenceBytesMin) {
      this.writeBytes(bytes)
      return
    }
    this.references.push({ at: this.position, bytes })
    this.referencedBytes += bytes.length
  }

  /** int16 length, then UTF-8. */
  writeString(value: string): void {
    const at = this.grow(2)
    const length = this.writeUtf8(value)
    if (length > 0x7fff) throw new UnencodableValue(`a string of ${length} bytes; its int16 length allows 32767`)
    this.put16(at, length)
  }

  writeNullableString(value: string | null): void {
    if (value === null) this.writeInt16(-1)
    else this.writeString(value)
  }

  /** Unsigned varint length + 1, then UTF-8. */
  writeCompactString(value: string): void {
    if (value.length < 127) {
      // Most strings are short and ASCII: the length is then one byte, written after the text is.
      const at = this.grow(1)
      const length = this.writeUtf8(value)
      if (length < 127) {
        this.buffer[at] = length + 1
        return
      }
      this.position = at
    }
    this.writeUnsignedVarint(Buffer.byteLength(value) + 1)
    this.writeUtf8(value)
  }

  writeCompactNullableString(value: string | null): void {
    if (value === null) this.writeUnsignedVarint(0)
    else this.writeCompactString(value)
  }

  /** int32 length, then bytes. */
  writeLengthPrefixedBytes(value: Uint8Array): void {
    this.writeInt32(value.length)
    this.writeBytes(value)
  }

  /** Zigzag varint length, then UTF-8: the names and values of record headers. */
  writeVarintString(value: string): void {
    if (value.length < 64) {
      // As in `writeCompactString`: the length is nearly always one byte, written after the text is.
      const at = this.grow(1)
      const length = this.writeUtf8(value)
      if (length < 64) {
        this.buffer[at] = length << 1
        return
      }
      this.position = at
    }
    this.writeVarint(Buffer.byteLength(value))
    this.writeUtf8(value)
  }

  /** Zigzag varint length, then bytes; -1 for null: keys and values of records. */
  writeVarintNullableBytes(value: Uint8Array | null): void {
    if (value === null) {
      this.writeVarint(-1)
      return
    }
    this.writeVarint(value.length)
    this.writeBytes(value)
  }

  writeNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.writeInt32(-1)
    else this.writeLengthPrefixedBytes(value)
  }

  /** Unsigned varint length + 1, then bytes. */
  writeCompactBytes(value: Uint8Array): void {
    this.writeUnsignedVarint(value.length + 1)
    this.writeBytes(value)
  }

  writeCompactNullableBytes(value: Uint8Array | null): void {
    if (value === null) this.writeUnsignedVarint(0)
    else this.writeCompactBytes(value)
  }

  /** A UUID given in Kafka's text form, as 16 bytes. */
  writeUuid(value: string): void {
    this.writeBytes(uuidBytes(value))
  }

  /** Leaves room for an int32 that is known later; `patchInt32` fills it in. */
  reserveInt32(): number {
    return this.grow(4)
  }

  /** Fills in an int32 at a place that `reserveInt32` returned. */
  patchInt32(at: number, value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    if (at < 0 || at + 4 > this.position) throw new RangeError(`nothing was written at ${at}`)
    this.put32(at, value)
  }

  /** Leaves room for the zigzag varint length of what is written from here on; `patchVarintLength` fills it in. */
  reserveVarintLength(): number {
    return this.grow(reservedVarintBytes)
  }

  /** Fills in how many bytes were written since `reserveVarintLength` returned this place. No references in between. */
  patchVarintLength(at: number): void {
    const start = at + reservedVarintBytes
    const length = this.position - start
    const taken = varintBytes(length)
    if (taken !== reservedVarintBytes) {
      this.grow(Math.max(0, taken - reservedVarintBytes))
      this.buffer.copyWithin(at + taken, start, start + length)
    }
    this.position = at
    this.writeVarint(length)
    this.position = at + taken + length
  }

  /** UTF-8 without a length; returns the bytes written. */
  private writeUtf8(value: string): number {
    const { length } = value
    const at = this.grow(length * 3)
    const { buffer } = this
    if (length <= shortStringMax) {
      let index = 0
      for (; index < length; index++) {
        const code = value.charCodeAt(index)
        if (code > 0x7f) break
        buffer[at + index] = code
      }
      if (index === length) {
        this.position = at + length
        return length
      }
    }
    const written = buffer.write(value, at, 'utf8')
    this.position = at + written
    return written
  }

  private put8(value: number): void {
    // Growing may replace the buffer, so it comes first.
    const at = this.grow(1)
    this.buffer[at] = value
  }

  private put16(at: number, value: number): void {
    const { buffer } = this
    buffer[at] = value >> 8
    buffer[at + 1] = value
  }

  private put32(at: number, value: number): void {
    const { buffer } = this
    buffer[at] = value >> 24
    buffer[at + 1] = value >> 16
    buffer[at + 2] = value >> 8
    buffer[at + 3] = value
  }

  /** Makes room for `length` bytes, moves past them and returns where they start. */
  private grow(length: number): number {
    const at = this.position
    const needed = at + length
    if (needed > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    this.position = needed
    return at
  }
}

/** Of a length as a zigzag varint. */
function varintBytes(length: number): number {
  let bytes = 1
  for (let rest = length; rest > 63; rest >>>= 7) bytes++
  return bytes
}

interface Reference {
  /** How many own bytes come before it. */
  readonly at: number
  readonly bytes: Buffer
}

function outOfRange(type: string, value: number | bigint): UnencodableValue {
  return new UnencodableValue(`${String(value)} is not an ${type}`)
}
