/** Numbers that tell how often something was how large: fixed buckets, nothing allocated on the way. */
export class Histogram {
  /** Upper ends of the buckets, in ascending order; one more, without end, follows them. */
  readonly bounds: readonly number[]
  /** How many of the observed unit make one of the base unit that is shown: 1000 for milliseconds as seconds. */
  readonly perBaseUnit: number
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[], perBaseUnit = 1) {
    this.bounds = bounds
    this.perBaseUnit = perBaseUnit
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#sum += value
  }

  get sum(): number {
    return this.#sum
  }

  /** How many were in each bucket, not counting those in lower ones. */
  get counts(): Readonly<Float64Array> {
    return this.#counts
  }
}

/** Milliseconds, shown as seconds: from a tenth of one to half a minute. */
export function durations(): Histogram {
  return new Histogram([0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000], 1000)
}

/** Things in one batch. */
export function counts(): Histogram {
  return new Histogram([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000])
}

/** Bytes of one batch: from a page to the largest block. */
export function sizes(): Histogram {
  return new Histogram(Array.from({ length: 12 }, (_, n) => 4096 * 2 ** n))
}
