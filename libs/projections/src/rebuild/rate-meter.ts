const WINDOW_MS = 15_000
const SAMPLE_MS = 250

/** How fast a count has been growing over the last 15 seconds. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly count: number }[] = []

  /** Notes a count and answers the rate per second; 0 as long as nothing can be said. */
  rate(nowMs: number, count: number): number {
    const newest = this.#samples.at(-1)
    if (newest === undefined || nowMs - newest.atMs >= SAMPLE_MS) this.#samples.push({ atMs: nowMs, count })
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? nowMs) > WINDOW_MS) this.#samples.shift()
    const oldest = this.#samples[0]
    if (oldest === undefined || nowMs <= oldest.atMs) return 0
    return ((count - oldest.count) * 1000) / (nowMs - oldest.atMs)
  }
}
