import type { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { Storage } from '@keyfold/storage'

import { entryKinds } from '../entry-kinds.ts'

/** Ids are taken from the journal in blocks of this many, so that giving one out needs no entry. */
const blockSize = 1000

/** Gives out producer ids, none of them ever twice: a restart goes on behind the last block that was taken. */
export class ProducerIds {
  readonly #storage: Storage
  #next = 0
  #end = 0
  #lsn = 0

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** A new id, and the journal entry that has to be durable before anybody learns of it. */
  allocate(): { producerId: number; lsn: number } {
    if (this.#next >= this.#end) {
      const first = this.#end
      const payload = Buffer.alloc(8)
      payload.writeBigInt64BE(BigInt(first + blockSize))
      this.#lsn = this.#storage.append(entryKinds.producerIdsAllocated, payload)
      this.#next = first
    }
    const producerId = this.#next
    this.#next += 1
    return { producerId, lsn: this.#lsn }
  }

  apply(payload: Buffer): void {
    this.#end = Number(payload.readBigInt64BE())
    this.#next = this.#end
  }

  snapshot(writer: BufferWriter): void {
    writer.writeInt64(this.#end)
  }

  restore(reader: BufferReader): void {
    this.#end = reader.readInt64()
    this.#next = this.#end
  }
}
