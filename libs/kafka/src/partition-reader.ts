import { BackOff, delay } from './back-off.ts'
import { brokerError, brokerErrorName, isTransient } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { KafkaClientError } from './errors.ts'
import { decodeFetchResponse, type FetchedPartition } from './fetch-response.ts'
import type { PartitionReader, PartitionReaderOptions, ReadBatch } from './kafka-client.ts'
import { decodeRecordBatches } from './record-batch-decoder.ts'
import { visibleRecords } from './visible-records.ts'
import { apis, type FetchRequest } from './wire-apis.ts'

const defaultMaxBytes = 1_048_576
/** How long the broker holds an unanswerable fetch. */
const holdMs = 500
/** A topic that was made a moment ago is not known everywhere at once. */
const unknownTopicGraceMs = 3_000

/**
 * Reads one partition from an exact offset, one fetch ahead of its caller. It has a connection of its own, so that its
 * waiting fetches hold nobody up.
 */
export class FetchingPartitionReader implements PartitionReader {
  readonly #cluster: Cluster
  readonly #options: Required<PartitionReaderOptions>
  readonly #lane: string
  #position: number
  #ahead: Promise<ReadBatch> | undefined
  #closed = false
  #failure: KafkaClientError | undefined

  constructor(cluster: Cluster, options: PartitionReaderOptions, lane: string) {
    this.#cluster = cluster
    this.#options = { maxBytes: defaultMaxBytes, ...options }
    this.#lane = lane
    this.#position = options.fromOffset
  }

  async next({ maxWaitMs = holdMs }: { readonly maxWaitMs?: number } = {}): Promise<ReadBatch> {
    this.#refuseFinished()
    const ahead = (this.#ahead ??= this.#startFetch(Math.min(maxWaitMs, holdMs)))
    const batch = await within(maxWaitMs + answerGraceMs, ahead)
    if (batch === undefined) return { records: [], position: this.#position, endOffset: undefined }
    this.#position = batch.position
    // The caller is about to work on these records: the next ones may travel meanwhile.
    this.#ahead = batch.records.length > 0 && !this.#closed ? this.#startFetch(holdMs) : undefined
    return batch
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cluster.closeLane(this.#lane)
  }

  #startFetch(maxWaitMs: number): Promise<ReadBatch> {
    const fetching = this.#fetch(this.#position, maxWaitMs)
    // Nobody may be waiting when it fails; whoever calls next() gets the error.
    fetching.catch(() => undefined)
    return fetching
  }

  async #fetch(position: number, maxWaitMs: number): Promise<ReadBatch> {
    const backOff = new BackOff(20, 1_000)
    const startedAt = Date.now()
    for (;;) {
      this.#refuseFinished()
      try {
        const fetched = await this.#request(position, maxWaitMs)
        if (fetched.errorCode === 0) return this.#visible(fetched, position)
        this.#judge(brokerErrorName(fetched.errorCode), position, Date.now() - startedAt)
      } catch (error) {
        this.#refuseFinished()
        if (!(error instanceof KafkaClientError)) throw error
        if (!error.retriable) {
          const late = Date.now() - startedAt > unknownTopicGraceMs
          if (error.code !== 'UNKNOWN_TOPIC_OR_PARTITION' || late) throw this.#fail(error)
        }
      }
      this.#cluster.forget(this.#options.topic)
      await delay(backOff.next())
    }
  }

  async #request(position: number, maxWaitMs: number): Promise<FetchedPartition> {
    const { topic, partition, isolation, maxBytes } = this.#options
    const leader = await this.#cluster.leaderOf(topic, partition)
    const link = await this.#cluster.linkTo(leader, this.#lane)
    const request: FetchRequest = {
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: isolation === 'committed' ? 1 : 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset: position, maxBytes }] }],
    }
    return link.call(apis.fetch, request, {
      decode: decodeFetchResponse,
      extraTimeoutMs: maxWaitMs,
    })
  }

  #visible(fetched: FetchedPartition, from: number): ReadBatch {
    const { topic, partition, isolation } = this.#options
    const batches = decodeRecordBatches(fetched.batches, { topic, partition })
    const { records, position } = visibleRecords(batches, fetched.abortedTransactions, from, isolation)
    return {
      records,
      position,
      endOffset: Math.max(position, isolation === 'committed' ? fetched.lastStableOffset : fetched.highWatermark),
    }
  }

  /** Returns when the fetch is worth repeating. */
  #judge(errorName: string, position: number, triedMs: number): void {
    const { topic, partition } = this.#options
    const place = `${topic}/${partition}`
    if (errorName === 'OFFSET_OUT_OF_RANGE') {
      const message = `offset ${position} of ${place} is not stored`
      throw this.#fail(new KafkaClientError(errorName, message, { details: { topic, partition, offset: position } }))
    }
    const young = errorName === 'UNKNOWN_TOPIC_OR_PARTITION' && triedMs < unknownTopicGraceMs
    if (!young && !isTransient(errorName)) throw this.#fail(brokerError(errorName, `reading ${place}`))
  }

  /** The reader is finished: every later call fails in the same way. */
  #fail(error: KafkaClientError): KafkaClientError {
    this.#failure = error
    this.#cluster.closeLane(this.#lane)
    return error
  }

  #refuseFinished(): void {
    if (this.#closed || this.#cluster.closed) {
      const { topic, partition } = this.#options
      throw new KafkaClientError('KAFKA_CLIENT_CLOSED', `the reader of ${topic}/${partition} is closed`)
    }
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** A fetch is given this long on top of its waiting time to come back: the wait is the broker's, not ours. */
const answerGraceMs = 50

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
