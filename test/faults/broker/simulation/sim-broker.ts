import {
  type AnyApi,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
} from '@keyfold/protocol'
import { type MemoryFiles, StorageError, type StorageLimits } from '@keyfold/storage'
import { Broker } from '../../../../libs/broker/src/broker.ts'
import { BrokerConfig } from '../../../../libs/broker/src/config/broker-config.ts'
import { handlerFor } from '../../../../libs/broker/src/handlers/served.ts'
import { silentLog } from '../../../../libs/broker/src/log.ts'
import { LogCleaner } from '../../../../libs/broker/src/partition/compaction/log-cleaner.ts'
import type { HandClock } from '../../../../libs/broker/src/testing/broker-rehearsal.ts'

/** The process that an actor was talking to has ended. */
export class ProcessGone extends Error {
  override readonly name = 'ProcessGone'
}

export interface SimWorld {
  readonly clock: HandClock
  readonly random: () => number
  readonly limits: Partial<StorageLimits>
  readonly segmentBytes: number
}

/** The topic of this name is compacted. */
export const compactedTopic = 'compacted'

/** One life of the broker, on a disk of memory and without sockets. */
export class SimBroker {
  readonly broker: Broker
  readonly #gone: Promise<never>
  readonly #cleaner: LogCleaner
  readonly #segmentBytes: number
  #correlationId = 0

  /** Rejects when it cannot recover; never settles once `gone` has rejected. */
  static async open(files: MemoryFiles, world: SimWorld, life: { gone: Promise<never>; onFatal: () => void }) {
    const { clock, random, limits } = world
    const broker = await Broker.open({
      files,
      clock,
      // Rounds of the cleaner are an actor's.
      config: new BrokerConfig({ 'group.initial.rebalance.delay.ms': 0, 'log.cleaner.enable': false }),
      log: silentLog,
      scheduler: clock.heap,
      compressors: {},
      advertised: { host: 'localhost', port: 9092 },
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
      onFatal: life.onFatal,
      storageLimits: limits,
    })
    return new SimBroker(broker, world, life.gone)
  }

  private constructor(broker: Broker, { segmentBytes }: SimWorld, gone: Promise<never>) {
    this.broker = broker
    this.#gone = gone
    gone.catch(() => {})
    this.#cleaner = new LogCleaner({
      storage: broker.storage,
      log: silentLog,
      partitions: () => broker.partitions.all(),
      now: () => broker.clock.wall(),
      bytesMax: () => 1_000_000,
    })
    this.#segmentBytes = segmentBytes
    this.shrink()
  }

  /** Small segments, also for topics that have just been created. */
  shrink(): void {
    // Kafka's smallest segment is a megabyte: a simulation would never come to a second one.
    for (const log of this.broker.storage.partitions.all()) {
      // Only segments that are closed are compacted.
      const segmentBytes = log.topic === compactedTopic ? 300 : this.#segmentBytes
      log.configure({ segmentBytes, indexIntervalBytes: 200 })
    }
  }

  /** Makes a checkpoint. A disk that fails ends the process, which everybody else notices too. */
  async checkpoint(): Promise<void> {
    await Promise.race([this.broker.storage.checkpoint().catch(() => {}), this.#gone])
  }

  /** One round of the cleaner, which joins the one that is under way. */
  async compact(): Promise<number> {
    return Promise.race([this.#cleaner.run().catch(() => 0), this.#gone])
  }

  /** A request through its handler and codecs. Throws `ProcessGone` if the process ends before it answers. */
  async call<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const handler = handlerFor(api.key)
    if (handler === undefined) throw new Error(`${api.name} is not served`)
    const correlationId = ++this.#correlationId
    const call = { version, correlationId, clientId: 'sim', clientHost: '/sim', onEnded: () => () => {} }
    // A disk that failed ends the process: nobody gets an answer any more.
    const answer = Promise.resolve()
      .then(() => handler.serve(encodeRequest(api, version, request), this.broker, call))
      .catch((error: unknown) => (error instanceof StorageError ? this.#gone : Promise.reject(error as Error)))
    const frame = await Promise.race([answer, this.#gone])
    if (frame === undefined) throw new Error(`${api.name} has no answer`)
    const bytes = Buffer.concat(frame).subarray(4)
    const { bodyOffset } = decodeResponseHeader(api, version, bytes)
    return decodeResponse(api, version, bytes.subarray(bodyOffset))
  }
}
