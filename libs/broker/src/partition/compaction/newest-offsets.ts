/** What an entry costs beside its key: the string, its place in the map, the offset. */
const entryBytes = 96

/** The offset of the newest record of each key, with a bound on its memory. Keys are compared as they are, not hashed. */
export class NewestOffsets {
  readonly #bytesMax: number
  readonly #offsets = new Map<string, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax
  }

  get(key: Buffer): number {
    return this.#offsets.get(key.toString('latin1')) ?? -1
  }

  /** Takes a record; records come in order of offset. */
  put(key: Buffer, offset: number): void {
    const text = key.toString('latin1')
    if (!this.#offsets.has(text)) this.#bytes += entryBytes + text.length
    this.#offsets.set(text, offset)
  }
}
