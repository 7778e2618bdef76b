/*
 * Kafka's sparse indexes of one segment, as sorted arrays in memory and in its byte format on the disk:
 *   .index      { relative last offset of a batch int32, position of that batch int32 }
 *   .timeindex  { largest timestamp so far int64, relative offset of the batch that has it int32 }
 * They are derived from the .log file and never synced: what does not fit the log is thrown away and built anew.
 */
export const offsetEntryBytes = 8
export const timeEntryBytes = 12
const twoTo32 = 4294967296

/** What the index has to know about a batch. */
export interface IndexedBatch {
  readonly lastOffset: number
  readonly position: number
  readonly sizeInBytes: number
  readonly maxTimestamp: number
}

export class SegmentIndex {
  readonly #baseOffset: number
  readonly #offsets: number[] = []
  readonly #positions: number[] = []
  readonly #timestamps: number[] = []
  readonly #timeOffsets: number[] = []
  #bytesSinceEntry = 0
  #maxTimestamp = -1
  #offsetOfMaxTimestamp = -1
  #savedOffsetEntries = 0
  #savedTimeEntries = 0

  constructor(baseOffset: number) {
    this.#baseOffset = baseOffset
  }

  /** How many bytes of the files are known to hold what this index holds. */
  get savedBytes(): { offsets: number; times: number } {
    return { offsets: this.#savedOffsetEntries * offsetEntryBytes, times: this.#savedTimeEntries * timeEntryBytes }
  }

  /**
   * Takes over the entries of index files as far as they can be true of a log of `sizeBytes`.
   * Returns the position from which the log has to be walked to add the rest.
   */
  load(files: { offsets: Buffer; times: Buffer }, sizeBytes: number): number {
    for (let at = 0; at + offsetEntryBytes <= files.offsets.length; at += offsetEntryBytes) {
      const offset = files.offsets.readInt32BE(at)
      const position = files.offsets.readInt32BE(at + 4)
      if (offset <= (this.#offsets.at(-1) ?? -1) || position <= (this.#positions.at(-1) ?? 0)) break
      if (position >= sizeBytes) break
      this.#offsets.push(offset)
      this.#positions.push(position)
    }
    const lastOffset = this.#offsets.at(-1) ?? -1
    for (let at = 0; at + timeEntryBytes <= files.times.length; at += timeEntryBytes) {
      const timestamp = files.times.readInt32BE(at) * twoTo32 + files.times.readUInt32BE(at + 4)
      const offset = files.times.readInt32BE(at + 8)
      // Zeros are what is there of a sector that never arrived.
      const isBlank = timestamp === 0 && offset === 0
      if (isBlank || timestamp <= (this.#timestamps.at(-1) ?? -1)) break
      if (offset <= (this.#timeOffsets.at(-1) ?? -1) || offset > lastOffset) break
      this.#timestamps.push(timestamp)
      this.#timeOffsets.push(offset)
    }
    this.#maxTimestamp = this.#timestamps.at(-1) ?? -1
    this.#offsetOfMaxTimestamp = this.#baseOffset + (this.#timeOffsets.at(-1) ?? 0)
    this.markSaved()
    return this.#positions.at(-1) ?? 0
  }

  /** Takes the next batch of the log: an entry for it once `intervalBytes` lie behind the entry before. */
  add(batch: IndexedBatch, intervalBytes: number): void {
    if (batch.maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = batch.maxTimestamp
      this.#offsetOfMaxTimestamp = batch.lastOffset
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.#offsets.push(batch.lastOffset - this.#baseOffset)
      this.#positions.push(batch.position)
      this.#addTime()
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += batch.sizeInBytes
  }

  /** A position at or before the batch that holds `offset`, from which to walk forward. */
  positionBefore(offset: number): number {
    const relative = offset - this.#baseOffset
    // An entry names the last offset of its batch: the batch of the entry holds `offset` only if that is not smaller.
    let at = lowerBound(this.#offsets, relative)
    if (this.#offsets[at] !== relative) at -= 1
    return this.#positions[at] ?? 0
  }

  /** An offset before which every timestamp is smaller than `timestamp`. */
  offsetBefore(timestamp: number): number {
    const at = lowerBound(this.#timestamps, timestamp) - 1
    return this.#baseOffset + (this.#timeOffsets[at] ?? 0)
  }

  /** The entries not yet in the files, in the files' format. */
  unsaved(): { offsets: Buffer; times: Buffer } {
    const offsets = Buffer.alloc((this.#offsets.length - this.#savedOffsetEntries) * offsetEntryBytes)
    for (let at = 0, entry = this.#savedOffsetEntries; entry < this.#offsets.length; entry++) {
      at = offsets.writeInt32BE(this.#offsets[entry] ?? 0, at)
      at = offsets.writeInt32BE(this.#positions[entry] ?? 0, at)
    }
    const times = Buffer.alloc((this.#timestamps.length - this.#savedTimeEntries) * timeEntryBytes)
    for (let at = 0, entry = this.#savedTimeEntries; entry < this.#timestamps.length; entry++) {
      const timestamp = this.#timestamps[entry] ?? 0
      at = times.writeInt32BE(Math.floor(timestamp / twoTo32), at)
      at = times.writeUInt32BE(((timestamp % twoTo32) + twoTo32) % twoTo32, at)
      at = times.writeInt32BE(this.#timeOffsets[entry] ?? 0, at)
    }
    return { offsets, times }
  }

  markSaved(): void {
    this.#savedOffsetEntries = this.#offsets.length
    this.#savedTimeEntries = this.#timestamps.length
  }

  /** The last time entry of a segment that is full: Kafka's files end with it. */
  addLastTime(): void {
    this.#addTime()
  }

  #addTime(): void {
    const last = this.#timestamps.at(-1) ?? -1
    if (this.#maxTimestamp <= last) return
    this.#timestamps.push(this.#maxTimestamp)
    this.#timeOffsets.push(this.#offsetOfMaxTimestamp - this.#baseOffset)
  }
}

/** First place whose value is not smaller. */
function lowerBound(values: readonly number[], wanted: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) < wanted) low = middle + 1
    else high = middle
  }
  return low
}
