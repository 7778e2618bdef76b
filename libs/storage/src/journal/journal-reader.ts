import { StorageError } from '../errors.ts'
import type { Files, OpenFile } from '../files/files.ts'
import { blockAlignment, type BlockHeader, claimedBlockBytes, readBlockHeader } from './block.ts'
import { firstBlockPosition, journalPath, readJournalId } from './journal-file.ts'

/** A valid block where it was found, with all its bytes. */
export interface FoundBlock {
  readonly header: BlockHeader
  readonly bytes: Buffer
}

/** So much is read at a time, and more for a block that is larger. */
const windowBytes = 1_048_576

/**
 * A journal file as recovery reads it: a window at a time. Most of a file is room that nobody has used; to hold all of it
 * in memory would be most of what a broker without data takes.
 */
export class JournalReader {
  readonly index: number
  readonly sizeBytes: number
  readonly #file: OpenFile
  readonly #journalId: Buffer
  #buffer = Buffer.alloc(0)
  #window = Buffer.alloc(0)
  #windowAt = 0
  /** Bytes of the window were given away: it must not be read over. */
  #isLent = false

  /** Undefined if there is no such file. Throws StorageError JOURNAL_CORRUPT or FORMAT_UNSUPPORTED for its header. */
  static async open(files: Files, index: number, journalId: Buffer): Promise<JournalReader | undefined> {
    const path = journalPath(index)
    const sizeBytes = await files.sizeOf(path)
    if (sizeBytes === undefined) return undefined
    const reader = new JournalReader(await files.open(path, 'read'), { index, sizeBytes, journalId })
    try {
      const isOurs = readJournalId(path, await reader.#bytesAt(0, firstBlockPosition)).equals(journalId)
      if (!isOurs) throw new StorageError('JOURNAL_CORRUPT', `${path} belongs to another data directory`)
    } catch (error) {
      await reader.close()
      throw error
    }
    return reader
  }

  private constructor(
    file: OpenFile,
    { index, sizeBytes, journalId }: { index: number; sizeBytes: number; journalId: Buffer },
  ) {
    this.#file = file
    this.index = index
    this.sizeBytes = sizeBytes
    this.#journalId = journalId
  }

  /** The valid block of this journal that starts here; its bytes may be kept. */
  async blockAt(position: number): Promise<FoundBlock | undefined> {
    const start = await this.#bytesAt(position, blockAlignment)
    const bytes = await this.#bytesAt(position, claimedBlockBytes(start))
    const header = readBlockHeader(bytes, 0, this.#journalId)
    if (header === undefined) return undefined
    this.#isLent = true
    return { header, bytes: bytes.subarray(0, header.length) }
  }

  /**
   * All pages from a position on, which is the start of one, that are not zeros: for what may be left behind the end.
   * Nothing else is read meanwhile.
   */
  async *usedPages(from: number): AsyncGenerator<{ readonly at: number; readonly header: BlockHeader | undefined }> {
    for (let at = from; at < this.sizeBytes; at += windowBytes) {
      // A block that reaches beyond the window is read apart.
      const window = await this.#read(at)
      for (let page = 0; page < window.length; page += blockAlignment) {
        const bytes = window.subarray(page, page + blockAlignment)
        if (bytes.equals(zeroPage.subarray(0, bytes.length))) continue
        yield { at: at + page, header: await this.#headerIn(window, page, at + page) }
      }
    }
  }

  /** The bytes of the file at a position, fewer at its end; not to be kept. */
  pageAt(position: number): Promise<Buffer> {
    return this.#bytesAt(position, blockAlignment)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #headerIn(window: Buffer, page: number, position: number): Promise<BlockHeader | undefined> {
    const bytes = claimedBlockBytes(window.subarray(page))
    if (bytes === 0 || position + bytes > this.sizeBytes) return undefined
    if (page + bytes <= window.length) return readBlockHeader(window, page, this.#journalId)
    const apart = Buffer.allocUnsafe(bytes)
    const length = await this.#file.read(apart, position)
    return readBlockHeader(apart.subarray(0, length), 0, this.#journalId)
  }

  async #bytesAt(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.sizeBytes)
    const isThere = position >= this.#windowAt && end <= this.#windowAt + this.#window.length
    if (!isThere) await this.#read(position, end - position)
    const at = position - this.#windowAt
    return this.#window.subarray(at, at + Math.max(0, end - position))
  }

  /** Moves the window. */
  async #read(position: number, length = 0): Promise<Buffer> {
    const wanted = Math.min(Math.max(windowBytes, length), Math.max(0, this.sizeBytes - position))
    if (this.#isLent || this.#buffer.length < wanted) this.#buffer = Buffer.allocUnsafeSlow(wanted)
    this.#isLent = false
    this.#windowAt = position
    this.#window = Buffer.alloc(0)
    this.#window = this.#buffer.subarray(0, await this.#file.read(this.#buffer.subarray(0, wanted), position))
    return this.#window
  }
}

const zeroPage = Buffer.alloc(blockAlignment)
