import { crc32c } from '@keyfold/bytes'

/*
 * A journal is a chain of blocks; one block is one group commit, so it is whole or it is nothing.
 *
 *   0 magic          uint32   'KfJ1'
 *   4 checksum       uint32   CRC-32C of everything from byte 8 to `length`
 *   8 length         uint32   header and entries, without padding
 *  12 entryCount     uint32
 *  16 sequence       uint64   1, 2, 3 … without gaps over the life of the journal
 *  24 firstLsn       uint64   number of the first entry
 *  32 durableSequence uint64  the newest block known to be on the disk when this one was written
 *  40 journalId      16 bytes random, one per journal: bytes of a client can not pass for a block
 *  56 reserved       8 bytes  zero
 *  64 entries        entryCount × { length uint32, kind uint8, payload }
 *
 * Blocks start at multiples of `blockAlignment`: writing one never rewrites a sector of the one before.
 */
export const blockAlignment = 4096
export const blockHeaderBytes = 64
export const entryHeaderBytes = 5

const magic = 0x4b664a31
const twoTo32 = 4294967296

export interface BlockHeader {
  readonly length: number
  readonly entryCount: number
  readonly sequence: number
  readonly firstLsn: number
  readonly durableSequence: number
}

/** An entry as it is appended: `body`, if any, follows `payload` and is not copied before the block is built. */
export interface EntryToAppend {
  readonly kind: number
  readonly payload: Buffer
  readonly body?: Buffer
}

export function entryBytes(entry: EntryToAppend): number {
  return entryHeaderBytes + entry.payload.length + (entry.body?.length ?? 0)
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / blockAlignment) * blockAlignment
}

/** Writes a block into `target` from byte 0, padded with zeros to the alignment; returns the padded size. */
export function writeBlock(
  target: Buffer,
  header: Omit<BlockHeader, 'length' | 'entryCount'> & { readonly journalId: Buffer },
  entries: readonly EntryToAppend[],
): number {
  let at = blockHeaderBytes
  for (const { kind, payload, body } of entries) {
    at = target.writeUInt32BE(payload.length + (body?.length ?? 0), at)
    at = target.writeUInt8(kind, at)
    at += payload.copy(target, at)
    if (body !== undefined) at += body.copy(target, at)
  }
  const length = at
  const padded = aligned(length)
  target.fill(0, length, padded)
  target.writeUInt32BE(magic, 0)
  target.writeUInt32BE(length, 8)
  target.writeUInt32BE(entries.length, 12)
  writeUInt64(target, header.sequence, 16)
  writeUInt64(target, header.firstLsn, 24)
  writeUInt64(target, header.durableSequence, 32)
  header.journalId.copy(target, 40)
  target.fill(0, 56, blockHeaderBytes)
  target.writeUInt32BE(crc32c(target.subarray(8, length)), 4)
  return padded
}

/** The length that a block which starts like this claims to have; 0 if none does. */
export function claimedBlockBytes(start: Buffer): number {
  const isBlock = start.length >= blockHeaderBytes && start.readUInt32BE(0) === magic
  return isBlock ? start.readUInt32BE(8) : 0
}

/** The header of the valid block of this journal that starts at `at`, or undefined if there is none. */
export function readBlockHeader(bytes: Buffer, at: number, journalId: Buffer): BlockHeader | undefined {
  if (at + blockHeaderBytes > bytes.length || bytes.readUInt32BE(at) !== magic) return undefined
  const length = bytes.readUInt32BE(at + 8)
  if (length < blockHeaderBytes || at + length > bytes.length) return undefined
  if (journalId.compare(bytes, at + 40, at + 56) !== 0) return undefined
  if (crc32c(bytes.subarray(at + 8, at + length)) !== bytes.readUInt32BE(at + 4)) return undefined
  return {
    length,
    entryCount: bytes.readUInt32BE(at + 12),
    sequence: readUInt64(bytes, at + 16),
    firstLsn: readUInt64(bytes, at + 24),
    durableSequence: readUInt64(bytes, at + 32),
  }
}

export interface RecoveredEntry {
  readonly lsn: number
  readonly kind: number
  /** A view of the journal file's bytes. */
  readonly payload: Buffer
}

/** The entries of a valid block. */
export function* entriesOf(bytes: Buffer, at: number, header: BlockHeader): Generator<RecoveredEntry> {
  let position = at + blockHeaderBytes
  for (let index = 0; index < header.entryCount; index++) {
    const length = bytes.readUInt32BE(position)
    const kind = bytes.readUInt8(position + 4)
    position += entryHeaderBytes
    yield { lsn: header.firstLsn + index, kind, payload: bytes.subarray(position, position + length) }
    position += length
  }
}

export function writeUInt64(target: Buffer, value: number, at: number): number {
  target.writeUInt32BE(Math.floor(value / twoTo32), at)
  return target.writeUInt32BE(value % twoTo32, at + 4)
}

export function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * twoTo32 + bytes.readUInt32BE(at + 4)
}
