import { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { Compressors, RecordBatchHeader } from '@keyfold/protocol'
import type { JournaledState, PartitionLog, PartitionObserver, Storage } from '@keyfold/storage'

import { entryKinds } from '../entry-kinds.ts'
import { Partition } from './partition.ts'

export interface PartitionRegistryOptions {
  readonly storage: Storage
  /** To look into compressed batches, where a rule asks for it. */
  readonly decompress?: Compressors
}

/** All partitions of a broker. Follows the partition logs of storage; keeps what they do not: producers, transactions. */
export class PartitionRegistry implements PartitionObserver, JournaledState {
  readonly name = 'partitions'
  readonly kinds = [entryKinds.producersExpired, entryKinds.abortedTransactionsForgotten]
  readonly #storage: Storage
  readonly #compressors: Compressors
  readonly #byId = new Map<number, Partition>()
  readonly #removalListeners = new Set<(partition: Partition) => void>()

  constructor({ storage, decompress = {} }: PartitionRegistryOptions) {
    this.#storage = storage
    this.#compressors = decompress
  }

  get(topic: string, partition: number): Partition | undefined {
    const log = this.#storage.partitions.get(topic, partition)
    return log === undefined ? undefined : this.#byId.get(log.id)
  }

  byId(id: number): Partition | undefined {
    return this.#byId.get(id)
  }

  ofTopic(topic: string): Partition[] {
    const partitions = this.#storage.partitions.ofTopic(topic).map((log) => this.#byId.get(log.id))
    return partitions.filter((partition) => partition !== undefined)
  }

  all(): Partition[] {
    return [...this.#byId.values()]
  }

  /** Calls the listener with every partition that is removed. Returns the way to stop that. */
  onRemoved(listener: (partition: Partition) => void): () => void {
    this.#removalListeners.add(listener)
    return () => this.#removalListeners.delete(listener)
  }

  partitionCreated(log: PartitionLog): void {
    this.#byId.set(log.id, new Partition({ storage: this.#storage, log, compressors: this.#compressors }))
  }

  partitionRemoved(log: PartitionLog): void {
    const partition = this.#byId.get(log.id)
    if (partition === undefined) return
    this.#byId.delete(log.id)
    for (const listener of this.#removalListeners) listener(partition)
    partition.notifyRemoved()
  }

  batchAppended(log: PartitionLog, batch: Buffer, header: RecordBatchHeader, lsn: number): void {
    this.#byId.get(log.id)?.applyBatch(batch, header, lsn)
  }

  logStartMoved(log: PartitionLog): void {
    this.#byId.get(log.id)?.applyLogStart()
  }

  durableAdvanced(log: PartitionLog): void {
    this.#byId.get(log.id)?.applyDurable()
  }

  apply(kind: number, payload: Buffer): void {
    const reader = new BufferReader(payload)
    const partition = this.#byId.get(reader.readInt32())
    const values = Array.from({ length: reader.readInt32() }, () => reader.readInt64())
    if (kind === entryKinds.producersExpired) for (const producerId of values) partition?.applyExpiry(producerId)
    else partition?.applyForgottenAborted(new Set(values))
  }

  snapshot(): Buffer {
    const writer = new BufferWriter(4096)
    writer.writeInt32(this.#byId.size)
    for (const partition of this.#byId.values()) {
      writer.writeInt32(partition.id)
      partition.writeSnapshot(writer)
    }
    return writer.toBuffer()
  }

  restore(snapshot: Buffer): void {
    const reader = new BufferReader(snapshot)
    for (let count = reader.readInt32(); count > 0; count--) {
      const id = reader.readInt32()
      const partition = this.#byId.get(id)
      if (partition === undefined) throw new Error(`the checkpoint has producers of partition ${id}, but not its log`)
      partition.readSnapshot(reader)
    }
  }
}
