import type { Segment } from './segment.ts'

/** A batch that is still in memory. */
export interface TailBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
  readonly maxTimestamp: number
  readonly segment: Segment
  /** Where it lies in the segment's file. */
  readonly position: number
  /** Bytes the log had taken before it, over its whole life in this process. */
  readonly bytesBefore: number
  /** Number of its journal entry. */
  readonly lsn: number
}

/** The newest batches of a log, in order, without gaps: what has not been flushed, and what readers at the end want. */
export class Tail {
  #batches: (TailBatch | undefined)[] = []
  /** Places before this one are empty, their batches have been dropped; the array is shortened now and then. */
  #start = 0
  #flushed = 0
  #unflushedBytes = 0

  get length(): number {
    return this.#batches.length - this.#start
  }

  get first(): TailBatch | undefined {
    return this.#batches[this.#start]
  }

  get last(): TailBatch | undefined {
    return this.length === 0 ? undefined : this.#batches.at(-1)
  }

  /** Whether all batches are in their files. */
  get isFlushed(): boolean {
    return this.#flushed === this.#batches.length
  }

  /** Bytes of the batches that are not in their files yet, durable or not. */
  get unflushedBytes(): number {
    return this.#unflushedBytes
  }

  get firstUnflushed(): TailBatch | undefined {
    return this.#batches[this.#flushed]
  }

  push(batch: TailBatch): void {
    this.#batches.push(batch)
    this.#unflushedBytes += batch.bytes.length
  }

  /** Drops the oldest batch if it is in its file; returns its bytes, 0 if it has to stay. */
  dropOldest(): number {
    const oldest = this.#batches[this.#start]
    if (oldest === undefined || this.#flushed <= this.#start) return 0
    // At once: a thousand batches of the largest size would be a gigabyte.
    this.#batches[this.#start] = undefined
    this.#start += 1
    if (this.#start >= 1024 && this.#start * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#start)
      this.#flushed -= this.#start
      this.#start = 0
    }
    return oldest.bytes.length
  }

  /** The next unflushed batches of one segment that are durable, up to `bytesMax` (at least one). */
  unflushed(durableLsn: number, bytesMax: number): TailBatch[] {
    const taken: TailBatch[] = []
    let bytes = 0
    for (let at = this.#flushed; at < this.#batches.length; at++) {
      const batch = this.#batches[at]
      if (batch === undefined || batch.lsn > durableLsn) break
      if (taken[0] !== undefined && (batch.segment !== taken[0].segment || bytes + batch.bytes.length > bytesMax)) break
      taken.push(batch)
      bytes += batch.bytes.length
    }
    return taken
  }

  /** The next `count` unflushed batches are in their file, or need not be any more. */
  markFlushed(count: number): void {
    for (const batch of this.#batches.slice(this.#flushed, this.#flushed + count)) {
      this.#unflushedBytes -= batch?.bytes.length ?? 0
    }
    this.#flushed += count
  }

  /** The batches from the one that holds `offset`, or the first one behind it. */
  *from(offset: number): Generator<TailBatch> {
    for (let at = this.#find(offset); at < this.#batches.length; at++) {
      const batch = this.#batches[at]
      if (batch !== undefined) yield batch
    }
  }

  batchAt(offset: number): TailBatch | undefined {
    return this.#batches[this.#find(offset)]
  }

  /** First place whose batch does not end before `offset`. */
  #find(offset: number): number {
    let low = this.#start
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#batches[middle]?.lastOffset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
