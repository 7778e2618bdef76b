import { BufferReader, MalformedBytes } from '@keyfold/bytes'
import type { Compressor } from '../compression.ts'

/** Snappy's raw format as a native library does it. */
export interface RawSnappy {
  compress(bytes: Buffer): Buffer
  decompress(bytes: Buffer): Buffer
}

/** What Java's snappy library (xerial) puts in front: its magic, its version, the oldest version that reads it. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** The size of its blocks, before compression. */
const xerialBlockBytes = 32_768

/**
 * Snappy as Kafka's clients speak it: librdkafka sends the raw format, Java sends xerial's blocks with their length in
 * front. Both are read; xerial's is written, because every client reads it. The raw format begins with the length of
 * what it decompresses to, which is held against the limit before anything is allocated.
 */
export function snappyCompressor(raw: RawSnappy): Compressor {
  return {
    compress(bytes) {
      const chunks: Buffer[] = [xerialHeader]
      for (let at = 0; at < bytes.length; at += xerialBlockBytes) {
        const block = raw.compress(bytes.subarray(at, at + xerialBlockBytes))
        const length = Buffer.alloc(4)
        length.writeInt32BE(block.length)
        chunks.push(length, block)
      }
      return Buffer.concat(chunks)
    },
    decompress(bytes, bytesMax) {
      const blocks = rawBlocks(bytes)
      let length = 0
      for (const block of blocks) length += rawLength(block)
      if (length > bytesMax) throw malformed(0, `more than ${bytesMax} decompressed bytes`)
      return Buffer.concat(blocks.map((block) => raw.decompress(block)))
    },
  }
}

function rawBlocks(bytes: Buffer): Buffer[] {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return [bytes]
  const blocks: Buffer[] = []
  let at = xerialHeader.length
  while (at < bytes.length) {
    const length = at + 4 <= bytes.length ? bytes.readInt32BE(at) : -1
    at += 4
    if (length < 0 || at + length > bytes.length) throw malformed(at, 'a snappy block that is cut off')
    blocks.push(bytes.subarray(at, at + length))
    at += length
  }
  return blocks
}

function rawLength(block: Buffer): number {
  return new BufferReader(block).readUnsignedVarint()
}

function malformed(at: number, text: string): MalformedBytes {
  return new MalformedBytes('INVALID_RECORD_BATCH', at, text)
}
