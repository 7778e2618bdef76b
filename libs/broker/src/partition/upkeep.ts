import { BufferWriter } from '@keyfold/bytes'
import type { Compressors } from '@keyfold/protocol'
import type { EntryToAppend, PartitionLog, Storage } from '@keyfold/storage'

import { entryKinds } from '../entry-kinds.ts'
import { compactLog, type CompactionPlan, planCompaction } from './compaction/log-compaction.ts'
import type { PartitionConfig } from './partition-config.ts'
import type { ProducerStates } from './producer-states.ts'
import { expiredLogStart } from './retention.ts'
import type { TransactionIndex } from './transaction-index.ts'
import type { Watermarks } from './watermarks.ts'

export interface PartitionParts {
  readonly storage: Storage
  readonly log: PartitionLog
  readonly compressors: Compressors
  readonly config: PartitionConfig
  readonly producers: ProducerStates
  readonly transactions: TransactionIndex
  readonly watermarks: () => Watermarks
}

export interface CompactionRound {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Memory for keys. */
  readonly bytesMax: number
  /** Throws where it should not go on. */
  readonly checkWanted: () => void
}

const nothingToCompact: CompactionPlan = { segments: [], dirtyRatio: 0, isDue: false }

/** What keeps one partition from growing for ever: retention, compaction, forgetting producers that are gone. */
export class PartitionUpkeep {
  readonly #parts: PartitionParts

  constructor(parts: PartitionParts) {
    this.#parts = parts
  }

  /** Deletes whole segments that retention.ms or retention.bytes has run out for; returns how many. */
  applyRetention(nowMs: number): number {
    const { log, storage, config, watermarks } = this.#parts
    const { retentionMs, retentionBytes } = config
    const { highWatermark, logStartOffset } = watermarks()
    if (!config.deletes || !this.#isWritable) return 0
    const start = expiredLogStart(log, { retentionMs, retentionBytes, nowMs, highWatermark })
    if (start <= logStartOffset) return 0
    const before = log.segments.length
    // With the active segment gone too, the log goes on in an empty one.
    if (start === log.logEndOffset) log.roll()
    const rolled = log.segments.length - before
    storage.appendAtomic([storage.partitions.logStart(log, start)])
    return before + rolled - log.segments.length
  }

  /** Forgets idempotent producers that have been silent for so long and have no open transaction (statement 17). */
  expireProducers(nowMs: number, expirationMs = 86_400_000): void {
    const { storage, log, producers, transactions } = this.#parts
    const silent = producers
      .silentSince(nowMs - expirationMs)
      .filter((producerId) => transactions.openOffset(producerId) < 0)
    if (silent.length > 0) storage.append(entryKinds.producersExpired, offsetsPayload(log.id, silent))
  }

  /** What a compaction would work on, judged by all closed segments. */
  compactionPlan(nowMs: number): CompactionPlan {
    return this.#plan(this.#parts.log.segments.slice(0, -1), nowMs)
  }

  /** Compacts what is due and what the newest checkpoint knows. False if there was nothing, or it changed meanwhile. */
  async compact({ nowMs, bytesMax, checkWanted }: CompactionRound): Promise<boolean> {
    const { storage, log, compressors, config, producers, transactions } = this.#parts
    const { segments, isDue } = this.#plan(log.settledSegments, nowMs)
    if (!isDue) return false
    return compactLog({
      storage,
      log,
      segments,
      aborted: transactions.aborted,
      isNeededByProducer: (header) => producers.needs(header),
      nowMs,
      deleteRetentionMs: config.deleteRetentionMs,
      reading: { compressors, decompressedBytesMax: config.decompressedBytesMax },
      bytesMax,
      checkWanted,
      forgetAborted: (markerOffsets): EntryToAppend => ({
        kind: entryKinds.abortedTransactionsForgotten,
        payload: offsetsPayload(log.id, [...markerOffsets]),
      }),
    })
  }

  #plan(candidates: PartitionLog['segments'], nowMs: number): CompactionPlan {
    const { log, config, watermarks } = this.#parts
    if (!config.compacted || !this.#isWritable) return nothingToCompact
    return planCompaction(log, candidates, { config, nowMs, lastStableOffset: watermarks().lastStableOffset })
  }

  get #isWritable(): boolean {
    return this.#parts.log.damage === undefined && this.#parts.storage.acceptsWrites
  }
}

/** The id of a partition, then numbers of eight bytes. */
function offsetsPayload(id: number, values: readonly number[]): Buffer {
  const writer = new BufferWriter(8 + values.length * 8)
  writer.writeInt32(id)
  writer.writeInt32(values.length)
  for (const value of values) writer.writeInt64(value)
  return writer.toBuffer()
}
