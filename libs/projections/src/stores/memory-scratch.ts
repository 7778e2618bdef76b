import type { ChangedRows, Scratch } from '../scratch.ts'
import { MemoryTables, type MemoryTransaction } from './memory-tables.ts'
import { RowWatch } from './row-watch.ts'

/** Scratch rows in memory: tables of their own. */
export class MemoryScratch implements Scratch<MemoryTransaction> {
  readonly #tables = new MemoryTables()

  async run(work: (tx: MemoryTransaction) => void | Promise<void>): Promise<void> {
    await this.watch(work)
  }

  async watch(work: (tx: MemoryTransaction) => void | Promise<void>): Promise<ChangedRows> {
    const watch = new RowWatch()
    const { tx, undo } = this.#tables.begin((row) => watch.note(row))
    try {
      await work(tx)
    } catch (error) {
      undo()
      throw error
    }
    return watch.take()
  }
}
