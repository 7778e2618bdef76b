import { crc32c } from '@keyfold/bytes'

import { StorageError } from '../errors.ts'
import type { Files, OpenFile } from '../files/files.ts'
import { blockAlignment } from './block.ts'

/*
 * A journal file: one page of header, then blocks. Its bytes exist before they are used (zeros, or the blocks of a file
 * that was recycled), so that a commit changes no size and allocates nothing: its sync is one write to the disk.
 *
 *   0 magic 'KfJF'   4 format version   8 journalId (16 bytes)   24 checksum of bytes 0-24
 */
export const journalDirectory = 'journal'
/** Where the first block of a file starts. */
export const firstBlockPosition = blockAlignment

const magic = 0x4b664a46
const formatVersion = 1
const zeros = Buffer.alloc(1_048_576)
const extension = '.journal'

export function journalPath(index: number): string {
  return `${journalDirectory}/${String(index).padStart(10, '0')}${extension}`
}

/** Numbers of the journal files that exist, ascending. */
export async function journalIndexes(files: Files): Promise<number[]> {
  const names = await files.list(journalDirectory)
  return names.filter((name) => name.endsWith(extension)).map((name) => Number(name.slice(0, -extension.length)))
}

/** Makes a journal file full of zeros; when this returns it is durable, name included. */
export async function createJournalFile(
  files: Files,
  { index, bytes, journalId }: { index: number; bytes: number; journalId: Buffer },
): Promise<void> {
  const path = journalPath(index)
  const temporary = `${path}.tmp`
  const file = await files.open(temporary, 'write')
  try {
    await fill(file, bytes, journalId)
  } catch (error) {
    // On a full disk the half-made file must not take what is left.
    await files.remove(temporary).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  await files.fsyncDirectory(journalDirectory)
}

async function fill(file: OpenFile, bytes: number, journalId: Buffer): Promise<void> {
  const header = Buffer.alloc(firstBlockPosition)
  header.writeUInt32BE(magic, 0)
  header.writeUInt32BE(formatVersion, 4)
  journalId.copy(header, 8)
  header.writeUInt32BE(crc32c(header.subarray(0, 24)), 24)
  await file.write([header], 0)
  for (let at = firstBlockPosition; at < bytes; at += zeros.length) {
    await file.write([zeros.subarray(0, Math.min(zeros.length, bytes - at))], at)
    // In pieces: the syncs of the file in use, which answers wait for, come in between.
    await file.fdatasync()
  }
}

/** The journal id in the header of a file. Throws StorageError if the header is damaged or of another format. */
export function readJournalId(path: string, bytes: Buffer): Buffer {
  const isWhole =
    bytes.length >= firstBlockPosition &&
    bytes.readUInt32BE(0) === magic &&
    bytes.readUInt32BE(24) === crc32c(bytes.subarray(0, 24))
  if (!isWhole) throw new StorageError('JOURNAL_CORRUPT', `${path} has a damaged header (bytes 0 to 28)`)
  const version = bytes.readUInt32BE(4)
  if (version !== formatVersion) {
    throw new StorageError('FORMAT_UNSUPPORTED', `${path} has format ${version}, this release reads ${formatVersion}`)
  }
  return Buffer.from(bytes.subarray(8, 24))
}

/** All bytes of a file; undefined if it does not exist. */
export async function readWhole(files: Files, path: string): Promise<Buffer | undefined> {
  const size = await files.sizeOf(path)
  if (size === undefined) return undefined
  const bytes = Buffer.allocUnsafe(size)
  const file = await files.open(path, 'read')
  try {
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}
