import { MalformedBytes } from '@keyfold/bytes'

/*
 * An LZ4 frame: magic, flags, block size, [content size], [dictionary id], header checksum; blocks with their length in
 * front (the top bit says "not compressed"), each with an optional checksum; a zero; [content checksum].
 */
const magic = 0x184d2204
const skippableMagic = 0x184d2a50
const flags = { blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionaryId: 0x01 } as const

/**
 * How many bytes an LZ4 frame decompresses to, found by adding up the lengths in it, without writing any of them: so a
 * frame that would grow beyond a limit is refused before memory is allocated for it. Throws MalformedBytes.
 */
export function lz4FrameLength(frame: Buffer, bytesMax: number): number {
  const need = (at: number, count: number): void => {
    if (at + count > frame.length) throw malformed(at, 'an LZ4 frame that is cut off')
  }
  need(0, 7)
  const first = frame.readUInt32LE(0)
  if (first !== magic) {
    const isSkippable = ((first ^ skippableMagic) & 0xfffffff0) === 0
    throw malformed(0, isSkippable ? 'an LZ4 frame to be skipped' : 'no LZ4 frame')
  }
  const flag = frame.readUInt8(4)
  if (flag >>> 6 !== 1) throw malformed(4, `LZ4 frame version ${flag >>> 6}`)
  if ((flag & flags.dictionaryId) !== 0) throw malformed(4, 'an LZ4 frame with a dictionary')
  let at = 6 + ((flag & flags.contentSize) === 0 ? 0 : 8) + 1
  let length = 0
  for (;;) {
    need(at, 4)
    const word = frame.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const size = word & 0x7fffffff
    need(at, size)
    length += word >>> 31 === 1 ? size : blockLength(frame, at, at + size)
    if (length > bytesMax) throw malformed(at, `more than ${bytesMax} decompressed bytes`)
    at += size + ((flag & flags.blockChecksum) === 0 ? 0 : 4)
  }
  const end = at + ((flag & flags.contentChecksum) === 0 ? 0 : 4)
  if (end !== frame.length) throw malformed(at, `${frame.length - end} bytes behind the LZ4 frame`)
  return length
}

/** The sum of the literal and match lengths of one compressed block. */
function blockLength(frame: Buffer, start: number, end: number): number {
  let at = start
  let length = 0
  const longer = (): number => {
    let sum = 0
    for (;;) {
      const byte = at < end ? (frame[at++] ?? 0) : -1
      if (byte < 0) throw malformed(at, 'an LZ4 length that is cut off')
      sum += byte
      if (byte < 255) return sum
    }
  }
  while (at < end) {
    const token = frame[at++] ?? 0
    let literals = token >>> 4
    if (literals === 15) literals += longer()
    length += literals
    at += literals
    if (at > end) throw malformed(at, 'LZ4 literals that are cut off')
    // The last sequence of a block has no match.
    if (at === end) break
    at += 2
    if (at > end) throw malformed(at, 'an LZ4 match that is cut off')
    let match = (token & 15) + 4
    if (match === 19) match += longer()
    length += match
  }
  return length
}

function malformed(at: number, text: string): MalformedBytes {
  return new MalformedBytes('INVALID_RECORD_BATCH', at, text)
}
