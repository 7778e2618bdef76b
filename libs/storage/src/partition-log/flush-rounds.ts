import type { StorageLimits } from '../storage-options.ts'
import type { PartitionLogs } from './partition-logs.ts'
import type { SegmentWriter } from './segment-writer.ts'
import type { Tail } from './tail.ts'
import type { TailBudget } from './tail-budget.ts'

/** A log is worth a write of its own once it has this part of what makes a round due. */
const partOfRound = 1 / 64

/**
 * Which logs to write to their files each time enough bytes of all of them have come together. Opening and writing a
 * file costs the same for one batch and for many: a thousand logs that have a little each are left alone until they
 * have enough, or until half of the memory for tails has passed since. Until then the journal has the same bytes.
 */
export class FlushRounds {
  readonly #bytesMin: number
  readonly #roundsMax: number
  /** The newest journal entry at each of the last rounds, oldest first. */
  readonly #rounds: number[] = []

  constructor({ flushBytes, tailBytesMax }: Pick<StorageLimits, 'flushBytes' | 'tailBytesMax'>) {
    this.#bytesMin = flushBytes * partOfRound
    this.#roundsMax = Math.floor(tailBytesMax / 2 / Math.max(flushBytes, 1))
  }

  /** A round begins, with `lastLsn` as the newest entry; answers with whether a log is to be written in it. */
  begin(lastLsn: number): (tail: Tail) => boolean {
    this.#rounds.push(lastLsn)
    const oldestLsn = this.#rounds.length > this.#roundsMax ? (this.#rounds.shift() ?? lastLsn) : -1
    return ({ unflushedBytes, firstUnflushed }) =>
      firstUnflushed !== undefined && (unflushedBytes >= this.#bytesMin || firstUnflushed.lsn <= oldestLsn)
  }
}

interface Flushing {
  readonly logs: PartitionLogs
  readonly writer: SegmentWriter
  readonly tails: TailBudget
}

/** Writes the logs that are due, as far as the journal is durable when the turn comes to each. A task of the writer's. */
export async function flushDue(
  { logs, writer, tails }: Flushing,
  isDue: (tail: Tail) => boolean,
  durableLsn: () => number,
): Promise<void> {
  for (const log of logs.all()) {
    if (log.tail.isFlushed || !isDue(log.tail)) continue
    await writer.flush(log, durableLsn())
    tails.shrink()
  }
}
