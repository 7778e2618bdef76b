import { recordBatchLayout } from '@keyfold/protocol'
import type { EntryToAppend, JournalMeter } from '@keyfold/storage'
import type { Exposition } from './exposition.ts'
import { counts, durations, sizes } from './histogram.ts'

/** How the group commit works: what one sync takes, and what it carries. */
export class JournalMetrics implements JournalMeter {
  readonly now: () => number
  readonly #sync = durations()
  readonly #bytes = sizes()
  readonly #entries = counts()
  readonly #records = counts()

  constructor(now: () => number) {
    this.now = now
  }

  wrote(entries: readonly EntryToAppend[], bytes: number): void {
    let records = 0
    // Only batches have a body.
    for (const { body } of entries) if (body !== undefined) records += body.readInt32BE(recordBatchLayout.recordCount)
    this.#bytes.observe(bytes)
    this.#entries.observe(entries.length)
    this.#records.observe(records)
  }

  synced(durationMs: number): void {
    this.#sync.observe(durationMs)
  }

  collect(into: Exposition): void {
    into.histogram('keyfold_broker_journal_sync_seconds', this.#sync)
    into.histogram('keyfold_broker_journal_block_bytes', this.#bytes)
    into.histogram('keyfold_broker_journal_block_entries', this.#entries)
    into.histogram('keyfold_broker_journal_block_records', this.#records)
  }
}
