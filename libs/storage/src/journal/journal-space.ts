import type { Files, OpenFile, SyncOptions } from '../files/files.ts'
import type { StorageLog } from '../log.ts'
import { createJournalFile, firstBlockPosition, journalDirectory, journalPath } from './journal-file.ts'

/** A place in the journal: where a block starts, and its sequence number. */
export interface JournalPosition {
  readonly index: number
  readonly position: number
  readonly sequence: number
}

interface Spare {
  readonly file: OpenFile
  readonly bytes: number
}

export interface JournalSpaceOptions {
  readonly files: Files
  readonly log: StorageLog
  readonly journalId: Buffer
  /** Size of a new journal file. */
  readonly fileBytes: number
  /** Bytes of journal between two checkpoints. */
  readonly checkpointBytes: number
}

/**
 * The space the journal is written into: a file in use, the next one made ahead of need, and old ones that are used
 * again once a checkpoint covers all that is in them.
 */
export class JournalSpace {
  readonly #options: JournalSpaceOptions
  #index: number
  #file: OpenFile
  #bytes: number
  #position: number
  #spare: Promise<Spare | undefined> | undefined
  #recyclable: number[] = []
  /**
   * Files below the checkpoint that are kept to be written again; more are removed. As many as one checkpoint frees:
   * to make a file takes a sync of all its zeros, which commits would have to wait behind.
   */
  readonly #recycledMax: number

  private constructor(
    options: JournalSpaceOptions,
    at: { index: number; file: OpenFile; bytes: number; position: number },
  ) {
    this.#options = options
    this.#recycledMax = Math.ceil(options.checkpointBytes / options.fileBytes)
    this.#index = at.index
    this.#file = at.file
    this.#bytes = at.bytes
    this.#position = at.position
  }

  /** Opens the space at the end of the journal that was found (or just created). */
  static async open(options: JournalSpaceOptions, head: { index: number; position: number }): Promise<JournalSpace> {
    const path = journalPath(head.index)
    const bytes = (await options.files.sizeOf(path)) ?? 0
    const file = await options.files.open(path, 'write')
    const space = new JournalSpace(options, { ...head, file, bytes })
    space.prepare()
    return space
  }

  get index(): number {
    return this.#index
  }

  get position(): number {
    return this.#position
  }

  /** False when this file cannot take `bytes` more and a next one could not be made: the disk is full. */
  hasRoomFor(bytes: number): boolean {
    return this.#spare !== undefined || this.#position + bytes <= this.#bytes
  }

  /** Writes one padded block behind the last; goes on to the next file if it does not fit. Returns where it starts. */
  async write(block: Buffer): Promise<{ index: number; position: number }> {
    if (this.#position + block.length > this.#bytes) await this.#moveOn(block.length)
    const { index, position } = { index: this.#index, position: this.#position }
    await this.#file.write([block], position)
    this.#position = position + block.length
    return { index, position }
  }

  sync(options: SyncOptions): Promise<void> {
    return this.#file.fdatasync(options)
  }

  /** Makes the next file in the background, if it is not there yet. A failure shows when the file is needed. */
  prepare(): void {
    this.#spare ??= this.#make(this.#index + 1).catch((cause: unknown) => {
      this.#options.log.warn('journal.no-space-ahead', { cause: String(cause) })
      this.#spare = undefined
      return undefined
    })
  }

  /** Files below `index` hold nothing that is needed any more: keeps some to be used again, removes the rest. */
  async release(index: number, indexes: readonly number[]): Promise<void> {
    const old = indexes.filter((other) => other < index && !this.#recyclable.includes(other))
    for (const other of old) {
      if (this.#recyclable.length < this.#recycledMax) this.#recyclable.push(other)
      else await this.#options.files.remove(journalPath(other))
    }
    if (old.length > 0) await this.#options.files.fsyncDirectory(journalDirectory)
  }

  async close(): Promise<void> {
    const spare = await this.#spare
    await spare?.file.close()
    await this.#file.close()
  }

  async #moveOn(blockBytes: number): Promise<void> {
    const next = await this.#next(firstBlockPosition + blockBytes)
    // Without a sync per block (durability other than 'fsync') this is the last chance for the old file.
    await this.#file.fdatasync()
    await this.#file.close()
    this.#file = next.file
    this.#bytes = next.bytes
    this.#index += 1
    this.#position = firstBlockPosition
    this.#spare = undefined
    this.prepare()
  }

  /** The file behind this one, with room for so many bytes. */
  async #next(needed: number): Promise<Spare> {
    let made = this.#spare
    let spare = await made
    while (made !== this.#spare) {
      made = this.#spare
      spare = await made
    }
    if (spare !== undefined && spare.bytes >= needed) return spare
    // At once: `prepare` must not make the same file meanwhile, it would replace the one that is written by then.
    const next = this.#replace(spare, needed)
    this.#spare = next
    return next
  }

  /** A spare that is too small for a block, or that could not be made, is replaced by a file made to measure. */
  async #replace(spare: Spare | undefined, needed: number): Promise<Spare> {
    await spare?.file.close()
    return this.#make(this.#index + 1, Math.max(needed, this.#options.fileBytes))
  }

  async #make(index: number, bytes = this.#options.fileBytes): Promise<Spare> {
    const { files, journalId } = this.#options
    const path = journalPath(index)
    const existing = (await files.sizeOf(path)) ?? 0
    if (existing < bytes && !(await this.#recycle(path, bytes)))
      await createJournalFile(files, { index, bytes, journalId })
    const size = (await files.sizeOf(path)) ?? bytes
    return { file: await files.open(path, 'write'), bytes: size }
  }

  async #recycle(path: string, bytes: number): Promise<boolean> {
    const { files } = this.#options
    const old = this.#recyclable.shift()
    if (old === undefined) return false
    const oldPath = journalPath(old)
    if (((await files.sizeOf(oldPath)) ?? 0) < bytes) {
      await files.remove(oldPath)
      return false
    }
    await files.rename(oldPath, path)
    await files.fsyncDirectory(journalDirectory)
    return true
  }
}
