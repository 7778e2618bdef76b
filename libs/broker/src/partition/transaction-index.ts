import type { BufferReader, BufferWriter } from '@keyfold/bytes'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface EndedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  /** First offset that was not decided right after the marker: no later marker ends a transaction that began before it. */
  readonly stableOffset: number
}

/**
 * The transactions of one partition: those that are open, those whose end is not durable yet, and those that were
 * aborted, which read_committed readers have to skip.
 */
export class TransactionIndex {
  /** First offset by producer id; in order of first offset, because offsets only grow. */
  readonly #open = new Map<number, number>()
  /** Ended, but the marker lies at or above the high watermark. In order of the markers. */
  #undecided: EndedTransaction[] = []
  /** In order of the markers. */
  #aborted: EndedTransaction[] = []

  /** First offset of the producer's open transaction, -1 without one. */
  openOffset(producerId: number): number {
    return this.#open.get(producerId) ?? -1
  }

  get openCount(): number {
    return this.#open.size
  }

  /** A transactional batch was appended. */
  append(producerId: number, baseOffset: number): void {
    if (!this.#open.has(producerId)) this.#open.set(producerId, baseOffset)
  }

  /** A marker was appended. */
  end(producerId: number, markerOffset: number, committed: boolean): void {
    const firstOffset = this.#open.get(producerId)
    // A marker for a partition without data ends nothing here (statement 32: empty transactions are not listed).
    if (firstOffset === undefined) return
    this.#open.delete(producerId)
    const stableOffset = this.#firstOpen() ?? markerOffset + 1
    const ended = { producerId, firstOffset, lastOffset: markerOffset, stableOffset }
    this.#undecided.push(ended)
    if (!committed) this.#aborted.push(ended)
  }

  /** The high watermark moved: markers below it are durable. */
  advance(highWatermark: number): void {
    const first = this.#undecided[0]
    if (first === undefined || first.lastOffset >= highWatermark) return
    this.#undecided = this.#undecided.filter((ended) => ended.lastOffset >= highWatermark)
  }

  /** The first offset that belongs to a transaction whose end is not durable; undefined if there is none. */
  get firstUndecidedOffset(): number | undefined {
    let first = this.#firstOpen()
    for (const { firstOffset } of this.#undecided) if (first === undefined || firstOffset < first) first = firstOffset
    return first
  }

  /** Aborted transactions with records in `[fromOffset, endOffset)`, also those begun before; sorted by first offset. */
  abortedBetween(fromOffset: number, endOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (let at = this.#firstAbortedEndingAt(fromOffset); at < this.#aborted.length; at++) {
      const aborted = this.#aborted[at]
      if (aborted === undefined) break
      const { producerId, firstOffset, stableOffset } = aborted
      if (firstOffset < endOffset) found.push({ producerId, firstOffset })
      if (stableOffset >= endOffset) break
    }
    return found.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** All aborted transactions, in the order of their markers. */
  get aborted(): readonly EndedTransaction[] {
    return this.#aborted
  }

  /** Forgets aborted transactions of which compaction has left no data, named by the offsets of their markers. */
  forgetAborted(markerOffsets: ReadonlySet<number>): void {
    this.#aborted = this.#aborted.filter(({ lastOffset }) => !markerOffsets.has(lastOffset))
  }

  /** Forgets aborted transactions that lie wholly before the start of the log. */
  dropBefore(logStartOffset: number): void {
    const kept = this.#firstAbortedEndingAt(logStartOffset)
    if (kept > 0) this.#aborted = this.#aborted.slice(kept)
  }

  write(writer: BufferWriter): void {
    writer.writeInt32(this.#open.size)
    for (const [producerId, firstOffset] of this.#open) {
      writer.writeInt64(producerId)
      writer.writeInt64(firstOffset)
    }
    writer.writeInt32(this.#aborted.length)
    for (const { producerId, firstOffset, lastOffset, stableOffset } of this.#aborted) {
      writer.writeInt64(producerId)
      writer.writeInt64(firstOffset)
      writer.writeInt64(lastOffset)
      writer.writeInt64(stableOffset)
    }
  }

  /** What was undecided in the snapshot is durable by the time it is read. */
  read(reader: BufferReader): void {
    for (let count = reader.readInt32(); count > 0; count--) this.#open.set(reader.readInt64(), reader.readInt64())
    for (let count = reader.readInt32(); count > 0; count--) {
      const producerId = reader.readInt64()
      const firstOffset = reader.readInt64()
      this.#aborted.push({ producerId, firstOffset, lastOffset: reader.readInt64(), stableOffset: reader.readInt64() })
    }
  }

  #firstOpen(): number | undefined {
    for (const firstOffset of this.#open.values()) return firstOffset
    return undefined
  }

  /** First place in the aborted list whose marker is not before `offset`. */
  #firstAbortedEndingAt(offset: number): number {
    let low = 0
    let high = this.#aborted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#aborted[middle]?.lastOffset ?? 0) < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
