import type { PartitionLog } from './partition-log.ts'

/** Bounds the memory of all tails together: the oldest batches go first, whichever log they belong to. */
export class TailBudget {
  readonly #bytesMax: number
  /** One entry per batch in a tail, oldest first. */
  #queue: PartitionLog[] = []
  #start = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get isExceeded(): boolean {
    return this.#bytes > this.#bytesMax
  }

  add(log: PartitionLog, bytes: number): void {
    this.#queue.push(log)
    this.#bytes += bytes
    if (this.isExceeded) this.shrink()
  }

  /** Drops old batches until the budget is met, or until the oldest one has not been flushed. */
  shrink(): void {
    while (this.isExceeded && this.#start < this.#queue.length) {
      const dropped = this.#queue[this.#start]?.tail.dropOldest() ?? 0
      if (dropped === 0) break
      this.#bytes -= dropped
      this.#start += 1
    }
    if (this.#start < 4096 || this.#start * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#start)
    this.#start = 0
  }

  /** Drops the batches of one log up to an offset, as far as they have been flushed. */
  dropThrough(log: PartitionLog, lastOffset: number): void {
    let count = 0
    for (let first = log.tail.first; first !== undefined && first.lastOffset <= lastOffset; first = log.tail.first) {
      const dropped = log.tail.dropOldest()
      if (dropped === 0) break
      this.#bytes -= dropped
      count += 1
    }
    if (count === 0) return
    this.#queue = this.#queue.slice(this.#start).filter((other) => other !== log || count-- <= 0)
    this.#start = 0
  }

  /** Forgets a log that was removed. */
  remove(log: PartitionLog): void {
    const rest = this.#queue.slice(this.#start)
    this.#queue = rest.filter((other) => other !== log)
    this.#start = 0
    let bytes = 0
    for (const batch of log.tail.from(0)) bytes += batch.bytes.length
    this.#bytes -= bytes
  }
}
