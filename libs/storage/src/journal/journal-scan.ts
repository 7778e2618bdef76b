import { StorageError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import type { StorageLog } from '../log.ts'
import { aligned, blockAlignment, type BlockHeader, entriesOf, readBlockHeader, type RecoveredEntry } from './block.ts'
import { firstBlockPosition, journalIndexes, journalPath, readJournalId, readWhole } from './journal-file.ts'
import type { JournalPosition } from './journal-space.ts'

export interface JournalEnd {
  readonly index: number
  /** Where the next block goes. */
  readonly position: number
  /** Sequence of the next block. */
  readonly sequence: number
  /** Where the last valid block starts; where the scan began if there was none. */
  readonly lastBlock: JournalPosition
  /** Number of the last entry, 0 if there was none. */
  readonly lastLsn: number
  /** Bytes of the blocks that were read. */
  readonly scannedBytes: number
}

export interface ScanOptions {
  readonly files: Files
  readonly log: StorageLog
  readonly journalId: Buffer
  readonly from: JournalPosition
  /** Called with the entries of every block, in order. */
  readonly onBlock: (entries: Iterable<RecoveredEntry>) => Promise<void>
}

/**
 * Reads the journal from a block on, hands out its entries and finds its end: the first block that is not valid.
 * What lies there is a torn tail, the commit that a crash interrupted, unless a later block says that the missing one
 * had been durable: then something was lost that may have been acknowledged. A torn tail is cut (zeroed) and its byte
 * range logged; a loss throws StorageError JOURNAL_CORRUPT with file and position, and nothing is changed.
 */
export async function scanJournal(options: ScanOptions): Promise<JournalEnd> {
  const { files, journalId, from, onBlock } = options
  let file = await openForScan(options, from.index)
  if (file === undefined) throw corrupt(from.index, from.position, 'the file is missing')
  let { position, sequence } = from
  let lastBlock = from
  let lastLsn = 0
  let scannedBytes = 0
  let unconfirmed: ScannedBlock[] = []
  for (;;) {
    const header = readBlockHeader(file.bytes, position, journalId)
    if (header?.sequence === sequence) {
      await onBlock(entriesOf(file.bytes, position, header))
      const { durableSequence } = header
      unconfirmed = unconfirmed.filter((block) => block.sequence > durableSequence)
      unconfirmed.push({ sequence, index: file.index, position, bytes: blockBytes(file, position, header) })
      lastBlock = { index: file.index, position, sequence }
      lastLsn = header.firstLsn + header.entryCount - 1
      position += aligned(header.length)
      scannedBytes += aligned(header.length)
      sequence += 1
      continue
    }
    const next = await openForScan(options, file.index + 1)
    if (next === undefined || readBlockHeader(next.bytes, firstBlockPosition, journalId)?.sequence !== sequence) break
    file = next
    position = firstBlockPosition
  }
  const end = { index: file.index, position, sequence, lastBlock, lastLsn, scannedBytes }
  await confirm(files, unconfirmed)
  for (const index of await journalIndexes(files)) {
    if (index === file.index) await cutTail(options, file, end)
    else if (index > file.index) {
      const later = await openForScan(options, index)
      if (later !== undefined) await cutTail(options, later, { ...end, position: firstBlockPosition })
    }
  }
  return end
}

interface ScannedFile {
  readonly index: number
  readonly bytes: Buffer
}

async function openForScan({ files, journalId }: ScanOptions, index: number): Promise<ScannedFile | undefined> {
  const path = journalPath(index)
  const bytes = await readWhole(files, path)
  if (bytes === undefined) return undefined
  if (!readJournalId(path, bytes).equals(journalId)) {
    throw new StorageError('JOURNAL_CORRUPT', `${path} belongs to another data directory`)
  }
  return { index, bytes }
}

interface ScannedBlock {
  readonly sequence: number
  readonly index: number
  readonly position: number
  readonly bytes: Buffer
}

function blockBytes(file: ScannedFile, position: number, header: BlockHeader): Buffer {
  return file.bytes.subarray(position, position + header.length)
}

/**
 * Makes sure of blocks that no later block calls durable: a process that was killed, or whose sync failed, may have left
 * them in the system's memory only, and from now on they are visible. Written anew, because after a failed sync the
 * system takes them for written and would not do it again.
 */
async function confirm(files: Files, blocks: readonly ScannedBlock[]): Promise<void> {
  for (const [index, ofFile] of Map.groupBy(blocks, (block) => block.index)) {
    const file = await files.open(journalPath(index), 'write')
    try {
      for (const { bytes, position } of ofFile) await file.write([bytes], position)
      await file.fdatasync()
    } finally {
      await file.close()
    }
  }
}

/** Looks at what lies behind the end of the journal in one file; refuses a loss, zeroes a torn tail. */
async function cutTail(
  options: ScanOptions,
  file: ScannedFile,
  end: { position: number; sequence: number },
): Promise<void> {
  const torn: { from: number; to: number }[] = []
  let isRecycled = false
  let claimed = 0
  for (let at = end.position; at < file.bytes.length; at += blockAlignment) {
    const header = readBlockHeader(file.bytes, at, options.journalId)
    if (header === undefined) {
      if (at === end.position) claimed = claimedLength(file.bytes, at, end.sequence)
    } else if (header.sequence < end.sequence) isRecycled = true
    else {
      refuseLoss(header, file.index, end)
      torn.push({ from: at, to: at + aligned(header.length) })
    }
  }
  if (claimed > 0) torn.push({ from: end.position, to: end.position + claimed })
  // In a file that never was written before, anything but zeros is what remains of an interrupted commit.
  const used = usedEnd(file.bytes, end.position)
  if (!isRecycled && used > end.position)
    torn.push({ from: end.position, to: Math.min(aligned(used), file.bytes.length) })
  if (torn.length === 0) return
  const from = Math.min(...torn.map((range) => range.from))
  const to = Math.max(...torn.map((range) => range.to))
  await zero(options.files, file.index, { from, to })
  options.log.warn('journal.tail-cut', { file: journalPath(file.index), fromByte: from, toByte: to })
}

function refuseLoss(later: BlockHeader, index: number, end: { position: number; sequence: number }): void {
  if (later.sequence === end.sequence || later.durableSequence < end.sequence) return
  const what = `block ${end.sequence} was durable when block ${later.sequence} was written, but it is not valid now`
  throw corrupt(index, end.position, what)
}

/** Length of a block that claims to be the missing one; 0 if nothing does. */
function claimedLength(bytes: Buffer, at: number, sequence: number): number {
  if (at + 24 > bytes.length) return 0
  const claimsSequence = bytes.readUInt32BE(at + 16) * 4294967296 + bytes.readUInt32BE(at + 20) === sequence
  if (!claimsSequence) return 0
  return Math.min(aligned(Math.max(bytes.readUInt32BE(at + 8), 1)), bytes.length - at)
}

function usedEnd(bytes: Buffer, from: number): number {
  let end = bytes.length
  while (end > from && bytes[end - 1] === 0) end -= 1
  return end
}

async function zero(files: Files, index: number, { from, to }: { from: number; to: number }): Promise<void> {
  const file = await files.open(journalPath(index), 'write')
  try {
    await file.write([Buffer.alloc(to - from)], from)
    await file.fdatasync()
  } finally {
    await file.close()
  }
}

function corrupt(index: number, position: number, what: string): StorageError {
  return new StorageError('JOURNAL_CORRUPT', `${journalPath(index)} is damaged at byte ${position}: ${what}`)
}
