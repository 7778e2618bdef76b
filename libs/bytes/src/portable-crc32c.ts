/** The Castagnoli polynomial, bits reversed. */
const polynomial = 0x82f63b78
const tables = buildTables()

/** CRC-32C in plain JavaScript, eight bytes a step ("slicing by 8"): what `crc32c` is without the native package. */
export function portableCrc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  let at = 0
  const alignedEnd = bytes.length - (bytes.length % 8)
  while (at < alignedEnd) {
    const low =
      crc ^
      (byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24))
    crc =
      table(7, low & 0xff) ^
      table(6, (low >>> 8) & 0xff) ^
      table(5, (low >>> 16) & 0xff) ^
      table(4, low >>> 24) ^
      table(3, byteAt(bytes, at + 4)) ^
      table(2, byteAt(bytes, at + 5)) ^
      table(1, byteAt(bytes, at + 6)) ^
      table(0, byteAt(bytes, at + 7))
    at += 8
  }
  while (at < bytes.length) crc = table(0, (crc ^ byteAt(bytes, at++)) & 0xff) ^ (crc >>> 8)
  return ~crc >>> 0
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}

/** Entry `byte` of table `slice`; all eight tables lie in one array. */
function table(slice: number, byte: number): number {
  return tables[slice * 256 + byte] as number
}

function buildTables(): Int32Array {
  const built = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    built[byte] = crc
  }
  for (let at = 256; at < built.length; at++) {
    const previous = built[at - 256] as number
    built[at] = (built[previous & 0xff] as number) ^ (previous >>> 8)
  }
  return built
}
