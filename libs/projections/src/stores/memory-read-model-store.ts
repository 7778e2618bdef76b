import type { Offset } from '@keyfold/kafka'
import { advanceOf, type ParkedEvent } from '../parking.ts'
import type {
  Checkpoint,
  Generation,
  GenerationRecord,
  ReadModel,
  ReadModelRecord,
  ReadModelStore,
  TableDigest,
  TopicPartition,
  Work,
} from '../read-model-store.ts'
import type { Scratch } from '../scratch.ts'
import { checkpointFenced, type ReadModelOwner, projectorFenced } from './fencing.ts'
import { MemoryScratch } from './memory-scratch.ts'
import { memoryReader, type MemoryReader, MemoryTables, type MemoryTransaction } from './memory-tables.ts'
import { RowChecksum, valueText } from './row-checksum.ts'
import { WriteLane } from './write-lane.ts'

/** Read models in memory, for tests. They last as long as the store object does, also when it is closed in between. */
export class MemoryReadModelStore implements ReadModelStore<MemoryTransaction, MemoryReader> {
  readonly supports = { durability: false, sharing: false, scratch: true }
  readonly #models = new Map<string, StoredModel>()

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async projectors(): Promise<readonly string[]> {
    return [...this.#models.keys()].toSorted()
  }

  async claim(projector: string): Promise<ReadModel<MemoryTransaction, MemoryReader>> {
    const model = this.#models.get(projector) ?? newModel()
    this.#models.set(projector, model)
    model.ownerEpoch += 1
    return new MemoryReadModel(projector, model)
  }

  handle(serving: () => Generation<MemoryTransaction, MemoryReader>): MemoryReader {
    return memoryReader(() => (serving() as MemoryGeneration).rows.tables)
  }

  async scratch<Result>(
    _projector: string,
    work: (scratch: Scratch<MemoryTransaction>) => Promise<Result>,
  ): Promise<Result> {
    return await work(new MemoryScratch())
  }
}

interface StoredModel {
  ownerEpoch: number
  started: boolean
  paused: boolean
  nextGeneration: number
  records: GenerationRecord[]
  readonly rows: Map<number, StoredRows>
}

interface StoredRows {
  readonly tables: MemoryTables
  readonly checkpoints: Map<string, { position: Offset; ownerEpoch: number }>
  /** By place. */
  readonly parked: Map<string, ParkedEvent>
  readonly lane: WriteLane
  made: boolean
}

function newModel(): StoredModel {
  return { ownerEpoch: 0, started: false, paused: false, nextGeneration: 1, records: [], rows: new Map() }
}

class MemoryReadModel implements ReadModel<MemoryTransaction, MemoryReader> {
  readonly projector: string
  readonly ownerEpoch: number
  readonly #model: StoredModel

  constructor(projector: string, model: StoredModel) {
    this.projector = projector
    this.ownerEpoch = model.ownerEpoch
    this.#model = model
  }

  async record(): Promise<ReadModelRecord> {
    const { started, paused, records } = this.#model
    return { started, paused, generations: records }
  }

  async setStarted(): Promise<void> {
    this.#model.started = true
  }

  async setPaused(paused: boolean): Promise<void> {
    this.#model.paused = paused
  }

  async createGeneration(version: number): Promise<GenerationRecord> {
    const record: GenerationRecord = { generation: this.#model.nextGeneration, version, status: 'building' }
    this.#model.nextGeneration += 1
    this.#model.records = [...this.#model.records, record]
    return record
  }

  async openGeneration(generation: number): Promise<MemoryGeneration> {
    const record = this.#model.records.find((candidate) => candidate.generation === generation)
    if (record === undefined) throw new TypeError(`${this.projector} has no generation ${generation}`)
    const rows: StoredRows = this.#model.rows.get(generation) ?? {
      tables: new MemoryTables(),
      checkpoints: new Map(),
      parked: new Map(),
      lane: new WriteLane(),
      made: false,
    }
    this.#model.rows.set(generation, rows)
    return new MemoryGeneration({ record, rows, owner: this })
  }

  async activate(generation: number): Promise<void> {
    if (this.#model.ownerEpoch !== this.ownerEpoch) throw projectorFenced(this)
    this.#setStatus((record) => record.status === 'active', 'retired')
    this.#setStatus((record) => record.generation === generation, 'active')
  }

  async reject(generation: number): Promise<void> {
    this.#setStatus((record) => record.generation === generation, 'rejected')
  }

  async drop(generation: number): Promise<void> {
    const record = this.#model.records.find((candidate) => candidate.generation === generation)
    if (record?.status === 'active') throw new TypeError(`generation ${generation} of ${this.projector} is serving`)
    this.#model.records = this.#model.records.filter((candidate) => candidate !== record)
    this.#model.rows.delete(generation)
  }

  #setStatus(which: (record: GenerationRecord) => boolean, status: GenerationRecord['status']): void {
    this.#model.records = this.#model.records.map((record) => (which(record) ? { ...record, status } : record))
  }
}

interface MemoryGenerationOptions {
  readonly record: GenerationRecord
  readonly rows: StoredRows
  readonly owner: ReadModelOwner
}

class MemoryGeneration implements Generation<MemoryTransaction, MemoryReader> {
  readonly generation: number
  readonly version: number
  readonly handle: MemoryReader
  readonly rows: StoredRows
  readonly #owner: ReadModelOwner

  constructor({ record, rows, owner }: MemoryGenerationOptions) {
    this.generation = record.generation
    this.version = record.version
    this.rows = rows
    this.handle = memoryReader(() => rows.tables)
    this.#owner = owner
  }

  async setup(make: (tx: MemoryTransaction) => void | Promise<void>): Promise<void> {
    if (this.rows.made) return
    await this.#transaction(make)
    this.rows.made = true
  }

  async run(work: (tx: MemoryTransaction) => void | Promise<void>): Promise<void> {
    await this.#transaction(work)
  }

  async claim(partitions: readonly TopicPartition[]): Promise<readonly Checkpoint[]> {
    const rows = partitions.map((partition) => this.#row(partition))
    const lost = partitions.find((_, index) => (rows[index]?.ownerEpoch ?? 0) > this.#owner.ownerEpoch)
    if (lost !== undefined) throw checkpointFenced(this.#owner, lost)
    for (const row of rows) row.ownerEpoch = this.#owner.ownerEpoch
    return partitions.map((partition, index) => ({ ...partition, position: rows[index]?.position ?? 0 }))
  }

  async position(partition: TopicPartition): Promise<Offset> {
    await this.rows.lane.idle()
    return this.#row(partition).position
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    return [...this.rows.parked.values()]
  }

  async write(from: Checkpoint, work: Work<MemoryTransaction>): Promise<Offset> {
    return await this.#transaction(async (tx) => {
      const { position, park = [], unpark = [] } = advanceOf(await work(tx))
      const row = this.#row(from)
      if (row.position !== from.position || row.ownerEpoch > this.#owner.ownerEpoch)
        throw checkpointFenced(this.#owner, from)
      row.position = position
      row.ownerEpoch = this.#owner.ownerEpoch
      for (const event of park) this.rows.parked.set(placeOf(event), event)
      for (const offset of unpark) this.rows.parked.delete(placeOf({ ...from, offset }))
      return position
    })
  }

  async tables(): Promise<readonly TableDigest[]> {
    await this.rows.lane.idle()
    return this.rows.tables.names().map((name) => {
      const checksum = new RowChecksum()
      for (const [key, row] of this.rows.tables.entries(name)) checksum.add(valueText(key) + valueText(row))
      return { name, rows: checksum.rows, checksum: checksum.hex }
    })
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    await this.rows.lane.idle()
  }

  #transaction<Result>(work: (tx: MemoryTransaction) => Result | Promise<Result>): Promise<Result> {
    return this.rows.lane.run(async () => {
      const { tx, undo } = this.rows.tables.begin()
      try {
        return await work(tx)
      } catch (error) {
        undo()
        throw error
      }
    })
  }

  #row({ topic, partition }: TopicPartition): { position: Offset; ownerEpoch: number } {
    const name = `${topic}/${partition}`
    const found = this.rows.checkpoints.get(name)
    if (found !== undefined) return found
    const row = { position: 0, ownerEpoch: 0 }
    this.rows.checkpoints.set(name, row)
    return row
  }
}

function placeOf({ topic, partition, offset }: Pick<ParkedEvent, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}/${partition}/${offset}`
}
