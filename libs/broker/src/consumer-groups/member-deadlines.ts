import type { ScheduledTask, Scheduler } from '../scheduler.ts'

interface Watched {
  sessionDeadlineMs: number
  /** The timer that looks at the deadline; it may be due earlier, never later. */
  sessionTimer: { dueMs: number; task: ScheduledTask } | undefined
  /** Runs while the member has partitions to give up. */
  revocationTimer: ScheduledTask | undefined
}

/**
 * How long the members of one group may be silent, and may hold on to partitions they are to give up. Signs of life
 * are frequent, so they only move a number.
 */
export class MemberDeadlines {
  readonly #scheduler: Scheduler
  readonly #expel: (memberId: string) => void
  readonly #watched = new Map<string, Watched>()

  constructor(scheduler: Scheduler, expel: (memberId: string) => void) {
    this.#scheduler = scheduler
    this.#expel = expel
  }

  keepAlive(memberId: string, sessionTimeoutMs: number): void {
    const watched = this.#of(memberId)
    watched.sessionDeadlineMs = this.#scheduler.now() + sessionTimeoutMs
    if (watched.sessionTimer !== undefined && watched.sessionTimer.dueMs <= watched.sessionDeadlineMs) return
    watched.sessionTimer?.task.cancel()
    this.#setSessionTimer(memberId, watched)
  }

  /** Starts the time for giving up partitions. */
  expectRevocation(memberId: string, timeoutMs: number): void {
    const watched = this.#of(memberId)
    watched.revocationTimer?.cancel()
    watched.revocationTimer = this.#scheduler.after(timeoutMs, () => this.#expelIfPresent(memberId, watched))
  }

  /** The same, unless that time is running already. */
  expectRejoin(memberId: string, timeoutMs: number): void {
    if (this.#of(memberId).revocationTimer === undefined) this.expectRevocation(memberId, timeoutMs)
  }

  endRevocation(memberId: string): void {
    const watched = this.#watched.get(memberId)
    watched?.revocationTimer?.cancel()
    if (watched !== undefined) watched.revocationTimer = undefined
  }

  forget(memberId: string): void {
    const watched = this.#watched.get(memberId)
    watched?.sessionTimer?.task.cancel()
    watched?.revocationTimer?.cancel()
    this.#watched.delete(memberId)
  }

  forgetAll(): void {
    for (const memberId of this.#watched.keys()) this.forget(memberId)
  }

  #of(memberId: string): Watched {
    let watched = this.#watched.get(memberId)
    if (watched === undefined) {
      watched = { sessionDeadlineMs: 0, sessionTimer: undefined, revocationTimer: undefined }
      this.#watched.set(memberId, watched)
    }
    return watched
  }

  #setSessionTimer(memberId: string, watched: Watched): void {
    const dueMs = watched.sessionDeadlineMs
    const task = this.#scheduler.after(dueMs - this.#scheduler.now(), () => {
      watched.sessionTimer = undefined
      if (this.#scheduler.now() < watched.sessionDeadlineMs) this.#setSessionTimer(memberId, watched)
      else this.#expelIfPresent(memberId, watched)
    })
    watched.sessionTimer = { dueMs, task }
  }

  #expelIfPresent(memberId: string, watched: Watched): void {
    if (this.#watched.get(memberId) !== watched) return
    this.forget(memberId)
    this.#expel(memberId)
  }
}
