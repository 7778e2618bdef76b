import { BufferReader, BufferWriter, crc32c } from '@keyfold/bytes'

import { StorageError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import { readWhole } from '../journal/journal-file.ts'
import type { JournalPosition } from '../journal/journal-space.ts'

/** Everything up to one journal entry, and where the journal goes on. */
export interface Checkpoint {
  readonly journalId: Buffer
  /** The last entry that is in the snapshots. */
  readonly lsn: number
  /** The block from which the journal is read; its entries up to `lsn` are skipped. */
  readonly from: JournalPosition
  readonly snapshots: ReadonlyMap<string, Buffer>
}

/*
 *   0 magic 'KfCp'   4 format version   8 length of the rest   12 CRC-32C of the rest
 *  16 journalId, lsn, from, then name and bytes of every snapshot
 */
const checkpointPath = 'checkpoint'
const temporaryPath = 'checkpoint.tmp'
const magic = 0x4b664370
const formatVersion = 2
const headerBytes = 16

/** Replaces the checkpoint; when this returns, the new one is durable. A crash leaves the old one or the new one. */
export async function writeCheckpoint(files: Files, checkpoint: Checkpoint): Promise<void> {
  const body = encodeBody(checkpoint)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(magic, 0)
  header.writeUInt32BE(formatVersion, 4)
  header.writeUInt32BE(body.length, 8)
  header.writeUInt32BE(crc32c(body), 12)
  const file = await files.open(temporaryPath, 'write')
  try {
    await file.truncate(0)
    await file.write([header, body], 0)
    await file.fdatasync()
  } finally {
    await file.close()
  }
  await files.rename(temporaryPath, checkpointPath)
  await files.fsyncDirectory('')
}

/** The checkpoint; undefined if none was ever written. Throws StorageError if it is damaged or of another format. */
export async function readCheckpoint(files: Files): Promise<Checkpoint | undefined> {
  const bytes = await readWhole(files, checkpointPath)
  if (bytes === undefined) return undefined
  if (bytes.length < headerBytes || bytes.readUInt32BE(0) !== magic) throw corrupt('it does not start like one')
  const version = bytes.readUInt32BE(4)
  if (version !== formatVersion) {
    throw new StorageError(
      'FORMAT_UNSUPPORTED',
      `the checkpoint has format ${version}, this release reads ${formatVersion}`,
    )
  }
  const body = bytes.subarray(headerBytes)
  if (body.length !== bytes.readUInt32BE(8)) throw corrupt(`it has ${body.length} bytes of ${bytes.readUInt32BE(8)}`)
  if (crc32c(body) !== bytes.readUInt32BE(12)) throw corrupt('its checksum does not match (bytes 16 to the end)')
  return decodeBody(body)
}

function encodeBody({ journalId, lsn, from, snapshots }: Checkpoint): Buffer {
  const writer = new BufferWriter(4096)
  writer.writeBytes(journalId)
  writer.writeInt64(lsn)
  writer.writeInt64(from.index)
  writer.writeInt64(from.position)
  writer.writeInt64(from.sequence)
  writer.writeInt32(snapshots.size)
  for (const [name, bytes] of snapshots) {
    writer.writeString(name)
    writer.writeLengthPrefixedBytes(bytes)
  }
  return writer.toBuffer()
}

function decodeBody(body: Buffer): Checkpoint {
  const reader = new BufferReader(body)
  const journalId = Buffer.from(reader.readBytes(16))
  const lsn = reader.readInt64()
  const from = { index: reader.readInt64(), position: reader.readInt64(), sequence: reader.readInt64() }
  const snapshots = new Map<string, Buffer>()
  for (let count = reader.readInt32(); count > 0; count--) {
    snapshots.set(reader.readString(), reader.readLengthPrefixedBytes())
  }
  return { journalId, lsn, from, snapshots }
}

function corrupt(what: string): StorageError {
  return new StorageError('CHECKPOINT_CORRUPT', `the file ${checkpointPath} is damaged: ${what}`)
}
