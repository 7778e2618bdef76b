/** A timer that has been set; cancelling it twice, or after it fired, does nothing. */
export interface ScheduledTask {
  cancel(): void
}

/** Time as the state machines see it: milliseconds of a clock that never goes backwards, and one kind of timer. */
export interface Scheduler {
  now(): number
  /** Runs `task` once, `delayMs` from now (at the next opportunity if 0). */
  after(delayMs: number, task: () => void): ScheduledTask
}

interface Entry extends ScheduledTask {
  dueMs: number
  order: number
  task: (() => void) | undefined
}

/**
 * All timers of a broker in one binary heap over an injected clock. Nothing fires by itself: whoever owns the heap
 * calls `runDue` (the rim with a single `setTimeout`, a test or a simulation by hand).
 */
export class TimerHeap implements Scheduler {
  readonly #entries: Entry[] = []
  readonly #clock: () => number
  readonly #onEarlier: () => void
  #order = 0
  #cancelled = 0

  /** `clock`: milliseconds that never go back. `onEarlier` is called whenever the next due time has come nearer. */
  constructor(clock: () => number, onEarlier: () => void = () => {}) {
    this.#clock = clock
    this.#onEarlier = onEarlier
  }

  now(): number {
    return this.#clock()
  }

  /** When the next timer is due, undefined if none is set. */
  get nextDueMs(): number | undefined {
    this.#dropCancelled()
    return this.#entries[0]?.dueMs
  }

  get size(): number {
    return this.#entries.length
  }

  after(delayMs: number, task: () => void): ScheduledTask {
    const entry: Entry = {
      dueMs: this.#clock() + Math.max(0, delayMs),
      order: this.#order++,
      task,
      cancel: () => {
        if (entry.task === undefined) return
        entry.task = undefined
        this.#cancelled++
        if (this.#cancelled > 64 && this.#cancelled > this.#entries.length / 2) this.#sweep()
      },
    }
    this.#push(entry)
    if (this.#entries[0] === entry) this.#onEarlier()
    return entry
  }

  /** Runs everything that is due, in order of due time, then of setting. */
  runDue(): void {
    const nowMs = this.#clock()
    const startedBefore = this.#order
    for (;;) {
      this.#dropCancelled()
      const first = this.#entries[0]
      // What a task sets with delay 0 runs at the next call: a task cannot keep this loop alive.
      if (first === undefined || first.dueMs > nowMs || first.order >= startedBefore) return
      this.#pop()
      const task = first.task
      first.task = undefined
      task?.()
    }
  }

  #dropCancelled(): void {
    while (this.#entries[0] !== undefined && this.#entries[0].task === undefined) {
      this.#pop()
      this.#cancelled--
    }
  }

  /** Most timers are cancelled long before they are due: they go when they are more than the living ones. */
  #sweep(): void {
    const living = this.#entries.filter(({ task }) => task !== undefined)
    this.#entries.length = 0
    this.#cancelled = 0
    for (const entry of living) this.#push(entry)
  }

  #push(entry: Entry): void {
    const heap = this.#entries
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]
      if (parent === undefined || !isBefore(entry, parent)) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#entries
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      const leftIndex = index * 2 + 1
      const left = heap[leftIndex]
      if (left === undefined) break
      const right = heap[leftIndex + 1]
      const smaller = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(smaller, last)) break
      heap[index] = smaller
      index = smaller === left ? leftIndex : leftIndex + 1
    }
    heap[index] = last
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
