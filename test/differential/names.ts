/** What one broker calls something, and what both brokers' values are called when they are compared. */
export class Names {
  readonly #valueOf = new Map<string, string>()
  readonly #nameOf = new Map<string, string>()
  readonly #countOf = new Map<string, number>()

  /** The name stands for this value from now on. Earlier values keep names of their own: `p1#1`, `p1#2` … */
  set(name: string, value: string): void {
    this.#valueOf.set(name, value)
    if (this.#nameOf.has(value)) return
    const count = (this.#countOf.get(name) ?? 0) + 1
    this.#countOf.set(name, count)
    this.#nameOf.set(value, `${name}#${count}`)
  }

  get(name: string): string | undefined {
    return this.#valueOf.get(name)
  }

  nameOf(value: string): string | undefined {
    return this.#nameOf.get(value)
  }
}
