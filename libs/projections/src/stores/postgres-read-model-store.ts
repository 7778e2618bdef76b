import type { PoolConfig } from 'pg'
import type { Generation, GenerationRecord, ReadModel, ReadModelRecord, ReadModelStore } from '../read-model-store.ts'
import type { Scratch } from '../scratch.ts'
import { PostgresConnections } from './postgres-connections.ts'
import { PostgresControl } from './postgres-control.ts'
import { PostgresGeneration, postgresReader } from './postgres-generation.ts'
import { inPostgresScratch } from './postgres-scratch.ts'
import { PostgresSharing } from './postgres-sharing.ts'
import type { PostgresReader, PostgresTransaction } from './postgres-transaction.ts'

export interface PostgresReadModelStoreOptions {
  /** How to connect, as the package pg takes it: `{ connectionString }`, `{ host, user, … }`, `{ max }` for the pools. */
  readonly connection: PoolConfig
  /** The schema of Keyfold's own tables. Default: `keyfold`. */
  readonly schema?: string
}

/**
 * Read models in a PostgreSQL database (14 or later). A generation's tables are in a schema of their own,
 * `<projector>_g<generation>`; the schema `<projector>` has a view of each table of the serving generation, for readers
 * of every kind. Rows and checkpoint change in one transaction.
 * Errors: `STORE_DRIVER_MISSING` at `open`; `READ_MODEL_UNAVAILABLE` while the database is away.
 */
export class PostgresReadModelStore implements ReadModelStore<PostgresTransaction, PostgresReader> {
  readonly supports = { durability: true, sharing: true, scratch: true }
  readonly #options: PostgresReadModelStoreOptions
  #opened: { readonly connections: PostgresConnections; readonly control: PostgresControl } | undefined

  constructor(options: PostgresReadModelStoreOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    if (this.#opened !== undefined) return
    const connections = await PostgresConnections.open(this.#options.connection)
    const control = new PostgresControl(connections, this.#options.schema ?? 'keyfold')
    try {
      await control.makeTables()
    } catch (error) {
      await connections.close()
      throw error
    }
    this.#opened = { connections, control }
  }

  async projectors(): Promise<readonly string[]> {
    return await this.#open().control.projectors()
  }

  async claim(projector: string): Promise<ReadModel<PostgresTransaction, PostgresReader>> {
    const { connections, control } = this.#open()
    return new PostgresReadModel(connections, control, projector, await control.claim(projector))
  }

  share(projector: string): PostgresSharing {
    const { connections, control } = this.#open()
    const owned = (epoch: number): PostgresReadModel => new PostgresReadModel(connections, control, projector, epoch)
    return new PostgresSharing(connections, control, projector, owned)
  }

  handle(serving: () => Generation<PostgresTransaction, PostgresReader>): PostgresReader {
    return postgresReader(this.#open().connections, () => (serving() as PostgresGeneration).path)
  }

  async scratch<Result>(
    _projector: string,
    work: (scratch: Scratch<PostgresTransaction>) => Promise<Result>,
  ): Promise<Result> {
    return await inPostgresScratch(this.#open().connections, work)
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.connections.close()
  }

  #open() {
    if (this.#opened === undefined) throw new TypeError('the store is not open: call open() first')
    return this.#opened
  }
}

class PostgresReadModel implements ReadModel<PostgresTransaction, PostgresReader> {
  readonly projector: string
  readonly ownerEpoch: number
  readonly #connections: PostgresConnections
  readonly #control: PostgresControl

  constructor(connections: PostgresConnections, control: PostgresControl, projector: string, ownerEpoch: number) {
    this.projector = projector
    this.ownerEpoch = ownerEpoch
    this.#connections = connections
    this.#control = control
  }

  record(): Promise<ReadModelRecord> {
    return this.#control.record(this.projector)
  }

  setStarted(): Promise<void> {
    return this.#control.setStarted(this.projector)
  }

  setPaused(paused: boolean): Promise<void> {
    return this.#control.setPaused(this.projector, paused)
  }

  createGeneration(version: number): Promise<GenerationRecord> {
    return this.#control.createGeneration(this.projector, version)
  }

  async openGeneration(generation: number): Promise<PostgresGeneration> {
    const { version } = await this.#find(generation)
    const { projector, ownerEpoch } = this
    const shared = { connections: this.#connections, control: this.#control }
    return new PostgresGeneration({ ...shared, projector, generation, version, ownerEpoch })
  }

  activate(generation: number): Promise<void> {
    return this.#control.activate(this.projector, generation, this.ownerEpoch)
  }

  reject(generation: number): Promise<void> {
    return this.#control.reject(this.projector, generation, this.ownerEpoch)
  }

  async drop(generation: number): Promise<void> {
    const { status } = await this.#find(generation)
    if (status === 'active') throw new TypeError(`generation ${generation} of ${this.projector} is serving`)
    await this.#control.drop(this.projector, generation)
  }

  async #find(generation: number): Promise<GenerationRecord> {
    const { generations } = await this.#control.record(this.projector)
    const found = generations.find((record) => record.generation === generation)
    if (found === undefined) throw new TypeError(`${this.projector} has no generation ${generation}`)
    return found
  }
}
