/** A 64-bit long as Avro writes it: zigzag, then seven bits a byte, lowest first. */
export function longToVarint(value: bigint): Buffer {
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  for (; zigzag > 0x7fn; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80)
  return Buffer.of(...bytes, Number(zigzag))
}

/** The long between two positions. Throws `RangeError` when it does not fit into 64 bits. */
export function longFromVarint(bytes: Buffer, start: number, end: number): bigint {
  let zigzag = 0n
  for (let index = end - 1; index >= start; index--) zigzag = (zigzag << 7n) | BigInt((bytes[index] ?? 0) & 0x7f)
  if (end - start > 10 || zigzag >> 64n !== 0n) throw new RangeError('a long has at most 64 bits')
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}
