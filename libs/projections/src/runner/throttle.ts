import { type Clock, pauseFor } from '../clock.ts'

/** Lets so many events through per second, whoever asks. */
export class Throttle {
  readonly #clock: Clock
  readonly #eventsPerSecond: number
  /** When everything that was let through so far is paid for. */
  #paidUntilMs = 0

  /** @throws {TypeError} unless the rate is a positive number. */
  constructor(clock: Clock, eventsPerSecond: number) {
    if (!(eventsPerSecond > 0)) throw new TypeError(`eventsPerSecond: a number above 0, not ${eventsPerSecond}`)
    this.#clock = clock
    this.#eventsPerSecond = eventsPerSecond
  }

  /** Waits until `events` more may be applied, or the signal is raised. */
  async take(events: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const startMs = Math.max(nowMs, this.#paidUntilMs)
    this.#paidUntilMs = startMs + (events / this.#eventsPerSecond) * 1000
    if (startMs > nowMs) await pauseFor(this.#clock, startMs - nowMs, signal)
  }
}
