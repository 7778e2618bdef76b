import {
  type AnyApi,
  type CompressionName,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
} from '@keyfold/protocol'
import { MemoryFiles, type Storage, type StorageLimits } from '@keyfold/storage'
import { Broker } from '../../../../libs/broker/src/broker.ts'
import { BrokerConfig } from '../../../../libs/broker/src/config/broker-config.ts'
import { handlerFor } from '../../../../libs/broker/src/handlers/served.ts'
import { silentLog } from '../../../../libs/broker/src/log.ts'
import { LogCleaner } from '../../../../libs/broker/src/partition/compaction/log-cleaner.ts'
import { platformCompressors } from '../../../../libs/broker/src/server/compressors.ts'
import { HandClock } from '../../../../libs/broker/src/testing/broker-rehearsal.ts'
import { seededRandom } from '../../random.ts'
import { History, type Position, type SentRecord } from '../history.ts'
import type { BatchToSend, Place, ProducerIdentity } from '../simulation/sim-requests.ts'
import { type Recovered, recovering, RecordedStates } from './recorded-states.ts'

/** Sizes that make a short script cross every border: journal files, checkpoints, segments, indexes. */
export interface SceneShape {
  readonly limits: Partial<StorageLimits>
  readonly segmentBytes: number
  readonly config: Readonly<Record<string, string | number | boolean>>
}

export const smallShape: SceneShape = {
  limits: {
    journalFileBytes: 32_768,
    firstJournalFileBytes: 32_768,
    checkpointJournalBytes: 10_000_000,
    flushBytes: 1_000_000,
    tailBytesMax: 4000,
    idleFlushMs: 1,
  },
  segmentBytes: 600,
  config: {},
}

/** A producer as its client knows it. */
export interface SceneProducer extends ProducerIdentity {
  readonly transactionalId: string | null
  /** Next sequence by partition. */
  readonly sequences: Map<string, number>
  /** Last batch that was answered, by partition: a repetition has to get the same answer. */
  readonly answered: Map<string, AnsweredBatch>
  /** A batch whose answer never came. */
  inDoubt?: Omit<AnsweredBatch, 'baseOffset'>
  /** The transaction that is under way. */
  open?: string
  /** Something in it was answered: after a crash nobody may go on with it. */
  hasBegun?: boolean
  count: number
}

interface AnsweredBatch {
  readonly batch: BatchToSend
  readonly baseOffset: number
  readonly options: { readonly compression?: CompressionName }
}

/** What was written under one key of a compacted topic, in order. */
export interface KeyedWrite {
  readonly topic: string
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
  readonly transaction?: string
  outcome: SentRecord['outcome']
}

/** What members of groups were told. */
export interface SceneMember {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | null
  /** Generation of a classic group, epoch of one of the consumer protocol. */
  readonly epoch: number
  readonly isClassic: boolean
  /** What a member of the consumer protocol was given. */
  readonly assigned?: readonly { readonly topicId: string; readonly partitions: readonly number[] }[]
}

/** A broker on a disk of memory, the clients of one script, and all that they were told. */
export class Scene {
  readonly history = new History()
  readonly recorded = new RecordedStates()
  readonly producers = new Map<string, SceneProducer>()
  /** Identities that somebody newer has taken the place of: nobody may write with them. */
  readonly fenced: { transactionalId: string; producer: ProducerIdentity }[] = []
  readonly keyed: KeyedWrite[] = []
  readonly members = new Map<string, SceneMember>()
  /** Highest generation of each classic group that was handed out with an assignment. */
  readonly generations = new Map<string, number>()
  readonly shape: SceneShape
  /** The newest journal entry that some answer has promised. */
  acknowledgedLsn = 0
  files: MemoryFiles
  clock = new HandClock()
  random = seededRandom(7)
  #broker: Broker | undefined
  #storage: Storage | undefined
  #underWay = 0
  readonly #watch: (files: MemoryFiles) => void

  constructor(shape: SceneShape, watch: (files: MemoryFiles) => void) {
    this.shape = shape
    this.#watch = watch
    this.files = new MemoryFiles()
    watch(this.files)
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('the scene has not been opened')
    return this.#broker
  }

  /** Nobody expects any more that records below an offset are there (all of them, unless one is given). */
  forgetRecords({ topic, partition }: Place, beforeOffset = Number.POSITIVE_INFINITY): void {
    for (const record of this.history.records) {
      const isHere = record.topic === topic && record.partition === partition
      if (!isHere || (record.offset ?? 0) >= beforeOffset) continue
      record.outcome = 'unknown'
      delete record.offset
    }
  }

  /** Nobody expects anything of a topic any more. */
  forgetTopic(topic: string): void {
    for (const record of this.history.records) if (record.topic === topic) this.forgetRecords(record)
    this.forgetPositions((position) => position.topic === topic)
    for (const producer of this.producers.values()) {
      if (producer.inDoubt?.batch.topic === topic) delete producer.inDoubt
      for (const [at, { batch }] of producer.answered) {
        if (batch.topic !== topic) continue
        producer.answered.delete(at)
        producer.sequences.delete(at)
      }
    }
    for (const write of this.keyed) if (write.topic === topic) write.outcome = 'unknown'
  }

  /** Nobody expects these positions any more; they may still be there. */
  forgetPositions(isForgotten: (position: Position) => boolean): void {
    const { positions } = this.history
    const kept = positions.filter((event) => event.kind === 'sent' || !isForgotten(event))
    positions.splice(0, positions.length, ...kept)
  }

  /** Starts the broker, or starts it again after it was closed. */
  async open(): Promise<void> {
    this.clock = clockAt(this.clock.wall())
    this.#broker = await openBroker(this.files, this, (recovered) => {
      this.#storage = recovered.storage
      this.recorded.follow(recovered)
    })
  }

  /** Kills the process and starts it again; the system keeps what was written. */
  async reopen(): Promise<void> {
    this.files = this.files.kill()
    this.#watch(this.files)
    await this.open()
  }

  /** A request whose answer promises that everything it did, and all before, survives. */
  async ask<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.#call(api, version, request, true)
  }

  /** A request whose answer promises nothing about the journal. */
  async say<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.#call(api, version, request, false)
  }

  /** Everything so far is promised: by a checkpoint, by a clean end. */
  promise(): void {
    this.acknowledgedLsn = Math.max(this.acknowledgedLsn, this.#storage?.lastLsn ?? 0)
  }

  /** Segments as small as the scene wants them, also of what was just created or configured. */
  shrink(): void {
    shrink(this.broker, this.shape)
  }

  /** One round of the cleaner. */
  async compact(): Promise<number> {
    const { broker } = this
    const cleaner = new LogCleaner({
      storage: broker.storage,
      log: silentLog,
      partitions: () => broker.partitions.all(),
      now: () => this.clock.wall(),
      bytesMax: () => 1_000_000,
    })
    return cleaner.run()
  }

  async #call<A extends AnyApi>(api: A, version: number, request: RequestInput<A>, isPromise: boolean) {
    const { broker } = this
    this.#underWay += 1
    const isAlone = this.#underWay === 1
    const serving = serve(broker, { api, version, request })
    const begunLsn = broker.storage.lastLsn
    const answer = await serving
    // What others do meanwhile is none of this request's business.
    const lsn = isAlone && this.#underWay === 1 ? broker.storage.lastLsn : begunLsn
    this.#underWay -= 1
    if (isPromise) this.acknowledgedLsn = Math.max(this.acknowledgedLsn, lsn)
    return answer
  }
}

/** Opens a broker as a scene has it. Recovery is told to the listener before the broker does anything with it. */
export async function openBroker(
  files: MemoryFiles,
  { shape, clock, random }: Pick<Scene, 'shape' | 'clock' | 'random'>,
  onRecovered: (recovered: Recovered) => void,
): Promise<Broker> {
  const open = (): Promise<Broker> =>
    Broker.open({
      files,
      clock,
      config: new BrokerConfig({
        'group.initial.rebalance.delay.ms': 0,
        // Rounds of the cleaner are steps of a script.
        'log.cleaner.enable': false,
        ...shape.config,
      }),
      log: silentLog,
      scheduler: clock.heap,
      compressors,
      advertised: { host: 'localhost', port: 9092 },
      randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
      onFatal: () => {},
      storageLimits: shape.limits,
    })
  const broker = await recovering(onRecovered, open)
  shrink(broker, shape)
  return broker
}

/** A clock that stands at this time, without the timers of an earlier life. */
export function clockAt(wallMs: number): HandClock {
  const clock = new HandClock()
  clock.pass(wallMs - clock.wall())
  return clock
}

export const compressors = platformCompressors()

function shrink(broker: Broker, { segmentBytes }: SceneShape): void {
  // Kafka's smallest segment is a megabyte: a script would never come to a second one.
  for (const log of broker.storage.partitions.all()) log.configure({ segmentBytes, indexIntervalBytes: 200 })
}

let correlationId = 0

/** A request through its handler and codecs. */
export async function serve<A extends AnyApi>(
  broker: Broker,
  { api, version, request }: { api: A; version: number; request: RequestInput<A> },
): Promise<ResponseOf<A>> {
  const handler = handlerFor(api.key)
  if (handler === undefined) throw new Error(`${api.name} is not served`)
  correlationId += 1
  const call = { version, correlationId, clientId: 'script', clientHost: '/script', onEnded: () => () => {} }
  const frame = await handler.serve(encodeRequest(api, version, request), broker, call)
  if (frame === undefined) throw new Error(`${api.name} has no answer`)
  const bytes = Buffer.concat(frame).subarray(4)
  const { bodyOffset } = decodeResponseHeader(api, version, bytes)
  return decodeResponse(api, version, bytes.subarray(bodyOffset))
}
