/** Waiting times between attempts: doubling from the first to the cap, each shortened at random by up to a half. */
export class BackOff {
  readonly #firstMs: number
  readonly #capMs: number
  readonly #random: () => number
  #nextMs: number

  constructor(firstMs: number, capMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#capMs = capMs
    this.#random = random
    this.#nextMs = firstMs
  }

  next(): number {
    const waitMs = this.#nextMs
    this.#nextMs = Math.min(this.#capMs, waitMs * 2)
    return waitMs * (1 - this.#random() / 2)
  }

  reset(): void {
    this.#nextMs = this.#firstMs
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
