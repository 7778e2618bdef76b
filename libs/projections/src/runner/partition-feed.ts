import type { KafkaClient, Offset, PartitionReader, ReadBatch } from '@keyfold/kafka'
import { type Clock, pauseFor } from '../clock.ts'
import { fail, hasCode, isRetriable, textOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { TopicPartition } from '../read-model-store.ts'

const LONG_POLL_MS = 5_000
const REOPEN_DELAY_MS = 500

export interface PartitionFeedOptions {
  readonly kafka: KafkaClient
  readonly clock: Clock
  readonly log: Log
  readonly partition: TopicPartition
  readonly fromOffset: Offset
  readonly bytesMax: number
}

/** The batches of one partition, in order; the next one is fetched while the present one is being applied. */
export class PartitionFeed {
  readonly #options: PartitionFeedOptions
  readonly #closing = new AbortController()
  #reader: PartitionReader | undefined
  #position: Offset
  #ahead: Promise<ReadBatch> | undefined

  constructor(options: PartitionFeedOptions) {
    this.#options = options
    this.#position = options.fromOffset
  }

  /**
   * The next batch, perhaps without records; undefined when the feed was closed. Connection troubles are waited out.
   * Errors: `HISTORY_MISSING`, and whatever the client says can not pass by itself.
   */
  async next(): Promise<ReadBatch | undefined> {
    while (!this.#closing.signal.aborted) {
      try {
        const batch = await (this.#ahead ?? this.#fetch())
        this.#position = batch.position
        this.#ahead = this.#fetch()
        // Nobody may be waiting yet when it fails; whoever waits next gets the error.
        this.#ahead.catch(() => {})
        return batch
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined
        await this.#recover(error)
      }
    }
    return undefined
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#dropReader()
  }

  #fetch(): Promise<ReadBatch> {
    const { kafka, partition, bytesMax } = this.#options
    const start = { ...partition, fromOffset: this.#position, isolation: 'committed', maxBytes: bytesMax } as const
    this.#reader ??= kafka.openPartitionReader(start)
    return this.#reader.next({ maxWaitMs: LONG_POLL_MS })
  }

  async #recover(error: unknown): Promise<void> {
    const { partition, clock, log } = this.#options
    const where = `${partition.topic}/${partition.partition}`
    if (hasCode(error, 'OFFSET_OUT_OF_RANGE'))
      throw fail('HISTORY_MISSING', `${where} has no records at offset ${this.#position} any more`, {
        cause: error,
        details: { ...partition, offset: this.#position },
      })
    if (!isRetriable(error)) throw error
    log('warn', 'reading an event topic failed; trying again', { where, error: textOf(error) })
    await this.#dropReader()
    await pauseFor(clock, REOPEN_DELAY_MS, this.#closing.signal)
  }

  async #dropReader(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    this.#ahead = undefined
    await reader?.close()
  }
}
