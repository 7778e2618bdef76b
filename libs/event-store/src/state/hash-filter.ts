/** Bits for each hash that there is room for: one of eight, or fewer, of those that were never added is taken for one. */
const bitsPerHash = 8
const leastRoom = 4_096

/**
 * Tells at once that a hash is not among many; "perhaps" has to be looked into. Hashes that leave stay in it until it is
 * made anew. A Bloom filter with one function.
 */
export class HashFilter {
  readonly #bits: Uint32Array
  readonly #mask: number
  #room: number

  /** Has room for twice as many, so that it is not made anew soon. */
  constructor(hashes: readonly Uint32Array[]) {
    const count = hashes.reduce((sum, { length }) => sum + length, 0)
    this.#room = Math.max(leastRoom, 2 * count)
    const bits = 2 ** Math.ceil(Math.log2(this.#room * bitsPerHash))
    this.#bits = new Uint32Array(bits / 32)
    this.#mask = bits - 1
    for (const each of hashes) this.add(each)
  }

  get isFull(): boolean {
    return this.#room <= 0
  }

  add(hashes: Uint32Array): void {
    this.#room -= hashes.length
    for (const hash of hashes) {
      const bit = hash & this.#mask
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
    }
  }

  mayHave(hash: number): boolean {
    const bit = hash & this.#mask
    return ((this.#bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
  }
}
