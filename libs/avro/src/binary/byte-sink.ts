/** Bytes that are written from front to back, in Avro's binary encoding. Grows as it must; is used again and again. */
export class ByteSink {
  bytes = Buffer.allocUnsafeSlow(1024)
  position = 0

  /** Everything that was written since the beginning, in a buffer of its own. */
  written(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.position))
  }
}

/** Makes room for so many bytes more. */
export function reserve(sink: ByteSink, length: number): void {
  const needed = sink.position + length
  if (needed <= sink.bytes.length) return
  const bytes = Buffer.allocUnsafeSlow(Math.max(needed, sink.bytes.length * 2))
  sink.bytes.copy(bytes, 0, 0, sink.position)
  sink.bytes = bytes
}

export function writeBoolean(sink: ByteSink, value: boolean): void {
  reserve(sink, 1)
  sink.bytes[sink.position++] = value ? 1 : 0
}

/** An int, or the length or index of something. */
export function writeInt(sink: ByteSink, value: number): void {
  reserve(sink, 5)
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  const { bytes } = sink
  while (zigzag > 0x7f) {
    bytes[sink.position++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[sink.position++] = zigzag
}

/** A long of at most 64 bits. */
export function writeLong(sink: ByteSink, value: bigint): void {
  if (value >= INT_MIN && value <= INT_MAX) return writeInt(sink, Number(value))
  reserve(sink, 10)
  const zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  // In two halves of 28 bits and the rest, because arithmetic on bigint allocates.
  let rest = zigzag >> 28n
  const { bytes } = sink
  let bits = Number(BigInt.asUintN(28, zigzag))
  for (let index = 0; index < 4; index++, bits >>>= 7) bytes[sink.position++] = (bits & 0x7f) | 0x80
  bits = Number(BigInt.asUintN(28, rest))
  rest >>= 28n
  for (let index = 0; index < 4; index++, bits >>>= 7) {
    if (rest === 0n && bits <= 0x7f) {
      bytes[sink.position++] = bits
      return
    }
    bytes[sink.position++] = (bits & 0x7f) | 0x80
  }
  bits = Number(rest)
  if (bits > 0x7f) {
    bytes[sink.position++] = (bits & 0x7f) | 0x80
    bits >>>= 7
  }
  bytes[sink.position++] = bits
}

const INT_MIN = -(2n ** 31n)
const INT_MAX = 2n ** 31n - 1n

export function writeFloat(sink: ByteSink, value: number): void {
  reserve(sink, 4)
  sink.position = sink.bytes.writeFloatLE(value, sink.position)
}

export function writeDouble(sink: ByteSink, value: number): void {
  reserve(sink, 8)
  sink.position = sink.bytes.writeDoubleLE(value, sink.position)
}

export function writeString(sink: ByteSink, text: string): void {
  const { length } = text
  if (length <= SHORT) {
    const start = sink.position
    reserve(sink, length + 1)
    const { bytes } = sink
    bytes[start] = length << 1
    let index = 0
    for (; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) break
      bytes[start + 1 + index] = unit
    }
    if (index === length) {
      sink.position = start + 1 + length
      return
    }
  }
  const size = Buffer.byteLength(text)
  writeInt(sink, size)
  reserve(sink, size)
  sink.position += sink.bytes.write(text, sink.position)
}

/** Texts up to this many letters are copied here: shorter than the way into the runtime and back. One length byte. */
const SHORT = 24

export function writeBytes(sink: ByteSink, value: Uint8Array): void {
  writeInt(sink, value.length)
  writeFixed(sink, value)
}

export function writeFixed(sink: ByteSink, value: Uint8Array): void {
  reserve(sink, value.length)
  sink.bytes.set(value, sink.position)
  sink.position += value.length
}
