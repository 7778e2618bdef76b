import { StorageError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import type { StorageLog } from '../log.ts'
import { aligned, blockAlignment, type BlockHeader, entriesOf, readUInt64, type RecoveredEntry } from './block.ts'
import { firstBlockPosition, journalIndexes, journalPath } from './journal-file.ts'
import { JournalReader } from './journal-reader.ts'
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
  const { files, from, journalId } = options
  const first = await JournalReader.open(files, from.index, journalId)
  if (first === undefined) throw corrupt(from.index, from.position, 'the file is missing')
  const { unconfirmed, ...end } = await readBlocks(options, first)
  await confirm(files, unconfirmed)
  for (const index of await journalIndexes(files)) {
    if (index < end.index) continue
    const reader = await JournalReader.open(files, index, journalId)
    if (reader === undefined) continue
    const { sequence } = end
    const position = index === end.index ? end.position : firstBlockPosition
    try {
      await cutTail(options, reader, { sequence, position })
    } finally {
      await reader.close()
    }
  }
  return end
}

/** Hands out the blocks from the first one on, up to the one that is not valid. Closes what it opens, and the first file. */
async function readBlocks(
  options: ScanOptions,
  first: JournalReader,
): Promise<JournalEnd & { unconfirmed: ScannedBlock[] }> {
  const { from, onBlock } = options
  let reader = first
  let { position, sequence } = from
  let lastBlock = from
  let lastLsn = 0
  let scannedBytes = 0
  let unconfirmed: ScannedBlock[] = []
  try {
    for (;;) {
      const block = await reader.blockAt(position)
      if (block?.header.sequence === sequence) {
        const { header, bytes } = block
        await onBlock(entriesOf(bytes, 0, header))
        unconfirmed = unconfirmed.filter((each) => each.sequence > header.durableSequence)
        unconfirmed.push({ sequence, index: reader.index, position, bytes })
        lastBlock = { index: reader.index, position, sequence }
        lastLsn = header.firstLsn + header.entryCount - 1
        position += aligned(header.length)
        scannedBytes += aligned(header.length)
        sequence += 1
        continue
      }
      const next = await openIfItGoesOn(options, reader.index + 1, sequence)
      if (next === undefined) break
      await reader.close()
      reader = next
      position = firstBlockPosition
    }
  } finally {
    await reader.close()
  }
  return { index: reader.index, position, sequence, lastBlock, lastLsn, scannedBytes, unconfirmed }
}

/** The next file, if the block with this sequence is its first one. */
async function openIfItGoesOn(
  { files, journalId }: ScanOptions,
  index: number,
  sequence: number,
): Promise<JournalReader | undefined> {
  const reader = await JournalReader.open(files, index, journalId)
  let goesOn = false
  try {
    goesOn = (await reader?.blockAt(firstBlockPosition))?.header.sequence === sequence
  } finally {
    if (!goesOn) await reader?.close()
  }
  return goesOn ? reader : undefined
}

interface ScannedBlock {
  readonly sequence: number
  readonly index: number
  readonly position: number
  readonly bytes: Buffer
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
  reader: JournalReader,
  end: { position: number; sequence: number },
): Promise<void> {
  const torn: { from: number; to: number }[] = []
  let isRecycled = false
  let used = end.position
  const isValid = (await reader.blockAt(end.position)) !== undefined
  const claimed = isValid ? 0 : claimedLength(await reader.pageAt(end.position), end.sequence)
  const claimedEnd = Math.min(end.position + claimed, reader.sizeBytes)
  for await (const { at, header } of reader.usedPages(end.position)) {
    used = Math.min(at + blockAlignment, reader.sizeBytes)
    if (header === undefined) continue
    if (header.sequence < end.sequence) isRecycled = true
    else {
      refuseLoss(header, reader.index, end)
      torn.push({ from: at, to: at + aligned(header.length) })
    }
  }
  if (claimed > 0) torn.push({ from: end.position, to: claimedEnd })
  // In a file that never was written before, anything but zeros is what remains of an interrupted commit.
  if (!isRecycled && used > end.position) torn.push({ from: end.position, to: used })
  if (torn.length === 0) return
  const from = Math.min(...torn.map((range) => range.from))
  const to = Math.max(...torn.map((range) => range.to))
  await zero(options.files, reader.index, { from, to })
  options.log.warn('journal.tail-cut', { file: journalPath(reader.index), fromByte: from, toByte: to })
}

function refuseLoss(later: BlockHeader, index: number, end: { position: number; sequence: number }): void {
  if (later.sequence === end.sequence || later.durableSequence < end.sequence) return
  const what = `block ${end.sequence} was durable when block ${later.sequence} was written, but it is not valid now`
  throw corrupt(index, end.position, what)
}

/** Length of a block that claims to be the missing one; 0 if nothing does. */
function claimedLength(page: Buffer, sequence: number): number {
  if (page.length < 24) return 0
  const claimsSequence = readUInt64(page, 16) === sequence
  return claimsSequence ? aligned(Math.max(page.readUInt32BE(8), 1)) : 0
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
