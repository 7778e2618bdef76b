import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fail, textOf } from '../errors.ts'
import type { Generation, GenerationRecord, ReadModel, ReadModelRecord, ReadModelStore } from '../read-model-store.ts'
import type { Scratch } from '../scratch.ts'
import { SqliteControl } from './sqlite-control.ts'
import { SqliteGeneration } from './sqlite-generation.ts'
import { sqliteReader } from './sqlite-handles.ts'
import { inSqliteScratch } from './sqlite-scratch.ts'
import type { SqliteReader, SqliteTransaction } from './sqlite-session.ts'

export interface SqliteReadModelStoreOptions {
  /** Made when it is not there. One process at a time should use it; a second one fences the first, row by row. */
  readonly directory: string
}

/**
 * Read models in SQLite files: `<directory>/<projector>/v<version>-g<generation>.sqlite` for the rows of a generation
 * with their checkpoints, `<directory>/projections.sqlite` for what is known about projectors.
 */
export class SqliteReadModelStore implements ReadModelStore<SqliteTransaction, SqliteReader> {
  readonly supports = { durability: true, sharing: false, scratch: true }
  readonly #directory: string
  #control: SqliteControl | undefined
  readonly #open = new Set<SqliteGeneration>()

  constructor(options: SqliteReadModelStoreOptions) {
    this.#directory = options.directory
  }

  async open(): Promise<void> {
    if (this.#control !== undefined) return
    makeDirectory(this.#directory)
    this.#control = new SqliteControl(join(this.#directory, 'projections.sqlite'))
  }

  async projectors(): Promise<readonly string[]> {
    return this.#opened().projectors()
  }

  async claim(projector: string): Promise<ReadModel<SqliteTransaction, SqliteReader>> {
    makeDirectory(join(this.#directory, directoryName(projector)))
    const control = this.#opened()
    return new SqliteReadModel({ control, projector, ownerEpoch: control.claim(projector), files: this })
  }

  handle(serving: () => Generation<SqliteTransaction, SqliteReader>): SqliteReader {
    return sqliteReader(() => (serving() as SqliteGeneration).reader)
  }

  async scratch<Result>(
    projector: string,
    work: (scratch: Scratch<SqliteTransaction>) => Promise<Result>,
  ): Promise<Result> {
    return await inSqliteScratch(projector, work)
  }

  async close(): Promise<void> {
    for (const generation of this.#open) await generation.close()
    this.#open.clear()
    this.#control?.close()
    this.#control = undefined
  }

  /** Opens a generation's file, or makes it. */
  openFile(projector: string, record: GenerationRecord, ownerEpoch: number): SqliteGeneration {
    const { generation, version } = record
    const path = this.#path(projector, record)
    const opened = new SqliteGeneration({ path, projector, generation, version, ownerEpoch })
    for (const earlier of this.#open) if (!earlier.isOpen) this.#open.delete(earlier)
    this.#open.add(opened)
    return opened
  }

  deleteFile(projector: string, record: GenerationRecord): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path(projector, record) + suffix, { force: true })
  }

  #path(projector: string, { version, generation }: GenerationRecord): string {
    return join(this.#directory, directoryName(projector), `v${version}-g${generation}.sqlite`)
  }

  #opened(): SqliteControl {
    if (this.#control === undefined) throw new TypeError('the store is not open: call open() first')
    return this.#control
  }
}

interface SqliteReadModelOptions {
  readonly control: SqliteControl
  readonly projector: string
  readonly ownerEpoch: number
  readonly files: SqliteReadModelStore
}

class SqliteReadModel implements ReadModel<SqliteTransaction, SqliteReader> {
  readonly projector: string
  readonly ownerEpoch: number
  readonly #control: SqliteControl
  readonly #files: SqliteReadModelStore

  constructor({ control, projector, ownerEpoch, files }: SqliteReadModelOptions) {
    this.projector = projector
    this.ownerEpoch = ownerEpoch
    this.#control = control
    this.#files = files
  }

  async record(): Promise<ReadModelRecord> {
    return this.#control.record(this.projector)
  }

  async setStarted(): Promise<void> {
    this.#control.setStarted(this.projector)
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#control.setPaused(this.projector, paused)
  }

  async createGeneration(version: number): Promise<GenerationRecord> {
    return this.#control.createGeneration(this.projector, version)
  }

  async openGeneration(generation: number): Promise<SqliteGeneration> {
    return this.#files.openFile(this.projector, this.#find(generation), this.ownerEpoch)
  }

  async activate(generation: number): Promise<void> {
    this.#control.activate(this.projector, generation, this.ownerEpoch)
  }

  async reject(generation: number): Promise<void> {
    this.#control.setStatus(this.projector, generation, 'rejected')
  }

  /** The file goes first: a crash in between leaves a record that can be dropped again. */
  async drop(generation: number): Promise<void> {
    const record = this.#find(generation)
    if (record.status === 'active') throw new TypeError(`generation ${generation} of ${this.projector} is serving`)
    this.#files.deleteFile(this.projector, record)
    this.#control.remove(this.projector, generation)
  }

  #find(generation: number): GenerationRecord {
    const { generations } = this.#control.record(this.projector)
    const found = generations.find((record) => record.generation === generation)
    if (found === undefined) throw new TypeError(`${this.projector} has no generation ${generation}`)
    return found
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw fail('READ_MODEL_UNWRITABLE', `${path}: ${textOf(error)}`, { cause: error, details: { path } })
  }
}

/** Names are people's own: what a file system could misread is written as %xx. */
function directoryName(projector: string): string {
  return encodeURIComponent(projector)
    .replaceAll('*', '%2A')
    .replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length))
}
