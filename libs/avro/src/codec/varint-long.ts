/** A 64-bit long as Avro writes it: zigzag, then seven bits a byte, lowest first. At most ten bytes. */
export function longToVarint(value: bigint): Buffer {
  if (value >= -SMALL && value < SMALL) return smallToVarint(Number(value))
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  while (zigzag > 0x7fn) {
    bytes.push(Number(zigzag & 0x7fn) | 0x80)
    zigzag >>= 7n
  }
  bytes.push(Number(zigzag))
  return Buffer.from(bytes)
}

/** The long in a buffer that holds exactly one. Throws `RangeError` when it does not fit into 64 bits. */
export function longFromVarint(bytes: Buffer): bigint {
  if (bytes.length <= 4) return BigInt(smallFromVarint(bytes))
  if (bytes.length > 10) throw new RangeError(`A long has at most ten bytes, this one has ${bytes.length}`)
  let zigzag = 0n
  for (let index = bytes.length - 1; index >= 0; index--) zigzag = (zigzag << 7n) | BigInt((bytes[index] ?? 0) & 0x7f)
  if (zigzag >> 64n !== 0n) throw new RangeError('A long has at most 64 bits')
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

/** Below this, 32-bit arithmetic does: most longs of real events. */
const SMALL = 1n << 27n

function smallToVarint(value: number): Buffer {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  const length = zigzag < 1 << 7 ? 1 : zigzag < 1 << 14 ? 2 : zigzag < 1 << 21 ? 3 : 4
  const bytes = Buffer.allocUnsafe(length)
  for (let index = 0; index < length; index++) {
    bytes[index] = (zigzag & 0x7f) | (index === length - 1 ? 0 : 0x80)
    zigzag >>>= 7
  }
  return bytes
}

function smallFromVarint(bytes: Buffer): number {
  let zigzag = 0
  for (let index = bytes.length - 1; index >= 0; index--) zigzag = (zigzag << 7) | ((bytes[index] ?? 0) & 0x7f)
  return (zigzag >>> 1) ^ -(zigzag & 1)
}
