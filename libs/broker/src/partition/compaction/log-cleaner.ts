import type { Storage } from '@keyfold/storage'

import type { BrokerLog } from '../../log.ts'
import type { Partition } from '../partition.ts'

export interface LogCleanerOptions {
  readonly storage: Storage
  readonly partitions: () => readonly Partition[]
  readonly log: BrokerLog
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** log.cleaner.dedupe.buffer.size */
  readonly bytesMax: () => number
}

/**
 * Compacts the logs that need it most, one after the other, in the background. Before a round a checkpoint makes the
 * closed segments safe to replace; after it another one lets go of the old files.
 */
export class LogCleaner {
  readonly #options: LogCleanerOptions
  #running: Promise<number> | undefined
  #isStopped = false

  constructor(options: LogCleanerOptions) {
    this.#options = options
  }

  /** One round; joins the one that is under way. Returns how many logs were compacted. */
  run(): Promise<number> {
    if (this.#isStopped) return Promise.resolve(0)
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Ends the round that is under way, without its outcome. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #round(): Promise<number> {
    const { storage, partitions, now } = this.#options
    const due = partitions().filter((partition) => partition.upkeep.compactionPlan(now()).isDue)
    if (due.length === 0 || !storage.acceptsWrites) return 0
    const dirtyFirst = due.toSorted(
      (a, b) => b.upkeep.compactionPlan(now()).dirtyRatio - a.upkeep.compactionPlan(now()).dirtyRatio,
    )
    let compacted = 0
    try {
      await storage.checkpoint()
      for (const partition of dirtyFirst) if (await this.#compact(partition)) compacted += 1
      if (compacted > 0 && !this.#isStopped) await storage.checkpoint()
    } catch (error) {
      this.#options.log.warn('compaction.stopped', { reason: String(error) })
    }
    return compacted
  }

  async #compact(partition: Partition): Promise<boolean> {
    const { log, now, bytesMax } = this.#options
    if (this.#isStopped) return false
    const sizeBefore = partition.sizeInBytes
    try {
      const isDone = await partition.upkeep.compact({
        nowMs: now(),
        bytesMax: bytesMax(),
        checkWanted: () => this.#check(),
      })
      const at = { topic: partition.topic, partition: partition.index }
      if (isDone) log.info('compaction.done', { ...at, bytesBefore: sizeBefore, bytesAfter: partition.sizeInBytes })
      return isDone
    } catch (error) {
      if (this.#isStopped) return false
      const at = { topic: partition.topic, partition: partition.index }
      log.warn('compaction.failed', { ...at, reason: String(error) })
      return false
    }
  }

  #check(): void {
    if (this.#isStopped) throw new Error('the broker is closing')
  }
}
