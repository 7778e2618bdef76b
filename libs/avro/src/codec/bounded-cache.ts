/** Keeps the entries that were used last. */
export class BoundedCache<Key, Value> {
  readonly #entries = new Map<Key, Value>()
  readonly #entriesMax: number

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  has(key: Key): boolean {
    return this.#entries.has(key)
  }

  /** Nothing when there is none. */
  find(key: Key): Value | undefined {
    const known = this.#entries.get(key)
    if (known === undefined) return undefined
    // A Map keeps its order of insertion: putting the entry back makes it the youngest.
    this.#entries.delete(key)
    this.#entries.set(key, known)
    return known
  }

  get(key: Key, make: () => Value): Value {
    const known = this.find(key)
    if (known !== undefined) return known
    const made = make()
    this.#entries.set(key, made)
    if (this.#entries.size > this.#entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    return made
  }
}
