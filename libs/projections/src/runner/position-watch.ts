import type { Offset } from '@keyfold/kafka'
import type { Clock } from '../clock.ts'
import type { TopicPartition } from '../read-model-store.ts'
import { type PartitionProgress, partitionKey, type ProgressObserver } from './partition-progress.ts'

interface Wait {
  readonly position: Offset
  readonly failFast: boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Who waits for which position. */
export class PositionWatch implements ProgressObserver {
  readonly #known = new Map<string, PartitionProgress>()
  readonly #waits = new Map<string, Set<Wait>>()

  moved(progress: PartitionProgress): void {
    const key = partitionKey(progress)
    this.#known.set(key, progress)
    const waits = this.#waits.get(key)
    if (waits === undefined) return
    for (const wait of waits) {
      if (progress.position < wait.position) continue
      waits.delete(wait)
      wait.resolve()
    }
  }

  halted(progress: PartitionProgress): void {
    const key = partitionKey(progress)
    this.#known.set(key, progress)
    const { error } = progress
    const waits = this.#waits.get(key)
    if (error === undefined || waits === undefined) return
    for (const wait of waits) {
      if (!wait.failFast) continue
      waits.delete(wait)
      wait.reject(error)
    }
  }

  /** Ends every wait that asked for it. */
  abandon(error: Error): void {
    for (const waits of this.#waits.values()) {
      for (const wait of waits) {
        if (wait.failFast) wait.reject(error)
        if (wait.failFast) waits.delete(wait)
      }
    }
  }

  /**
   * Resolves when everything below `position` is committed. With `failFast` it rejects when the partition halts before
   * it gets there; otherwise it goes on hoping. `cancel` forgets the wait.
   */
  reach(
    partition: TopicPartition,
    position: Offset,
    { failFast }: { readonly failFast: boolean },
  ): { readonly reached: Promise<void>; readonly cancel: () => void } {
    const key = partitionKey(partition)
    const known = this.#known.get(key)
    if (known !== undefined && known.position >= position) return { reached: Promise.resolve(), cancel: () => {} }
    if (failFast && known?.error !== undefined) return { reached: Promise.reject(known.error), cancel: () => {} }
    const waits = this.#waits.get(key) ?? new Set()
    this.#waits.set(key, waits)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const wait: Wait = { position, failFast, resolve, reject }
    waits.add(wait)
    return { reached: promise, cancel: () => waits.delete(wait) }
  }

  /** Answers once everything below a position is committed, or `timeout`. */
  async within(
    { partition, position }: { readonly partition: TopicPartition; readonly position: Offset },
    clock: Clock,
    deadlineMs: number,
  ): Promise<'visible' | 'timeout'> {
    const { reached, cancel } = this.reach(partition, position, { failFast: false })
    const { promise: late, resolve } = Promise.withResolvers<'timeout'>()
    const stopTimer = clock.after(deadlineMs, () => resolve('timeout'))
    try {
      return await Promise.race([reached.then(() => 'visible' as const), late])
    } finally {
      stopTimer()
      cancel()
    }
  }
}
