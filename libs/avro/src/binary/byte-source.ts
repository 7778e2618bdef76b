/**
 * Bytes that are read from front to back: Avro's binary encoding (specification 1.12, "Binary Encoding"). The functions
 * are free ones on one shape of object, so that a compiler can put them where they are called.
 *
 * Reading behind the end gives zeros and moves on: whoever reads a whole value checks once that the position is where it
 * should be. Lengths are checked at once. Errors are `RangeError`.
 */
export class ByteSource {
  bytes: Buffer = EMPTY
  position = 0
}

const EMPTY = Buffer.alloc(0)

export function readBoolean(source: ByteSource): boolean {
  return source.bytes[source.position++] === 1
}

export function readInt(source: ByteSource): number {
  const { bytes } = source
  let byte = bytes[source.position++] as number
  let zigzag = byte & 0x7f
  if (byte > 0x7f) {
    let shift = 7
    do {
      byte = bytes[source.position++] as number
      if (shift === 28 && byte > 0x0f) throw new RangeError('an int has at most 32 bits')
      zigzag |= (byte & 0x7f) << shift
      shift += 7
    } while (byte > 0x7f)
  }
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

export function readLong(source: ByteSource): bigint {
  const { bytes, position } = source
  let byte = bytes[position] as number
  let zigzag = byte & 0x7f
  let length = 1
  for (let shift = 7; byte > 0x7f && shift < 28; shift += 7) {
    byte = bytes[position + length++] as number
    zigzag |= (byte & 0x7f) << shift
  }
  if (byte > 0x7f) return readLongLong(source)
  source.position = position + length
  return BigInt((zigzag >>> 1) ^ -(zigzag & 1))
}

/** A long as a number: exact up to 2^53, rounded beyond. */
export function readLongAsNumber(source: ByteSource): number {
  const { bytes, position } = source
  let byte = bytes[position] as number
  let zigzag = byte & 0x7f
  let factor = 0x80
  let length = 1
  while (byte > 0x7f && length < 7) {
    byte = bytes[position + length++] as number
    zigzag += (byte & 0x7f) * factor
    factor *= 0x80
  }
  if (byte > 0x7f) return Number(readLongLong(source))
  source.position = position + length
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
}

/** One of more than 28 bits. */
function readLongLong(source: ByteSource): bigint {
  const { bytes, position } = source
  let low = 0
  let factor = 1
  let length = 0
  let byte = 0
  do {
    byte = bytes[position + length++] as number
    low += (byte & 0x7f) * factor
    factor *= 0x80
  } while (byte > 0x7f && length < 7)
  if (byte <= 0x7f) {
    source.position = position + length
    return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
  }
  let high = 0
  for (let shift = 0; byte > 0x7f; shift += 7) {
    byte = bytes[position + length++] as number
    if (length === 10 && byte > 1) throw new RangeError('a long has at most 64 bits')
    high |= (byte & 0x7f) << shift
  }
  source.position = position + length
  const zigzag = (BigInt(high) << 49n) | BigInt(low)
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

export function readFloat(source: ByteSource): number {
  const { bytes, position } = source
  checkLength(source, 4)
  source.position = position + 4
  return bytes.readFloatLE(position)
}

export function readDouble(source: ByteSource): number {
  const { bytes, position } = source
  checkLength(source, 8)
  source.position = position + 8
  return bytes.readDoubleLE(position)
}

export function readString(source: ByteSource): string {
  const length = readLongAsNumber(source)
  checkLength(source, length)
  const { bytes, position } = source
  source.position = position + length
  return (bytes as SlicingBuffer).utf8Slice(position, position + length)
}

/** What `Buffer.toString` calls after it has looked at its arguments; a third of the time goes into that. */
interface SlicingBuffer extends Buffer {
  utf8Slice(start: number, end: number): string
}

export function readBytes(source: ByteSource): Buffer {
  return readFixed(source, readLongAsNumber(source))
}

/** A copy: the bytes around it can be freed. */
export function readFixed(source: ByteSource, length: number): Buffer {
  checkLength(source, length)
  const { bytes, position } = source
  source.position = position + length
  return Buffer.from(bytes.subarray(position, position + length))
}

export function skipBytes(source: ByteSource, length: number): void {
  checkLength(source, length)
  source.position += length
}

function checkLength({ bytes, position }: ByteSource, length: number): void {
  if (!(length >= 0 && length <= bytes.length - position)) throw new RangeError('it ends too early')
}

/** Items of no bytes, such as nulls, that one array may have: nothing else bounds them. */
const EMPTY_ITEMS_MAX = 65_536

/** Reads the blocks of an array or map. Stops at more items than honest bytes can hold, or behind their end. */
export function readBlocks(source: ByteSource, readOne: (source: ByteSource) => void): void {
  const itemsMax = source.bytes.length + EMPTY_ITEMS_MAX
  let read = 0
  for (let count = readLongAsNumber(source); count !== 0; count = readLongAsNumber(source)) {
    if (count < 0) readLongAsNumber(source) // The size of the block in bytes, for readers that skip it.
    for (let left = Math.abs(count); left > 0; left--) {
      readOne(source)
      read++
      if (source.position > source.bytes.length || read > itemsMax) {
        throw new RangeError('more items than there are bytes for')
      }
    }
  }
}
