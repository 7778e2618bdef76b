import { seededRandom } from '../faults/random.ts'
import type { Operation, RecordSpec } from './operation.ts'

/** An operation, and what its outcome teaches the script about what to try next. */
export interface Planned {
  readonly operation: Operation
  /** Given Kafka's normalised answer; not called if the connection was closed. */
  readonly learn?: (answer: unknown) => void
}

/** Makes up one operation of a kind; undefined if there is nothing to try right now. */
export type Plan = (script: Script) => Planned | undefined

export type VersionRanges = ReadonlyMap<string, { readonly min: number; readonly max: number }>

export interface ScriptTopic {
  readonly name: string
  partitions: number
  readonly kind: 'plain' | 'compacted' | 'log append time'
}

export interface ScriptProducer {
  readonly name: string
  readonly transactionalId: string | null
  /** By `topic/partition`: the batches it has appended, newest last. */
  readonly appended: Map<string, { readonly baseSequence: number; readonly count: number }[]>
  readonly inTransaction: Set<string>
  /** The partitions that the present transaction has batches in. */
  readonly written: Set<string>
  hasOffsets: boolean
}

export interface ScriptMember {
  readonly name: string
  readonly connection: string
  readonly instanceId: string | null
  isParked: boolean
  isIn: boolean
  generation: number
  /** The names of the members it has to give assignments to; none if it does not lead. */
  follows: readonly string[]
}

export interface ScriptGroup {
  readonly name: string
  readonly members: readonly ScriptMember[]
}

/** A member of a group of the consumer protocol. It makes its id up itself: its name. */
export interface ScriptConsumer {
  readonly name: string
  readonly instanceId: string | null
  isIn: boolean
  epoch: number
}

export interface ScriptConsumerGroup {
  readonly name: string
  /** What its members ask for. */
  readonly assignor: 'range' | 'uniform'
  readonly members: readonly ScriptConsumer[]
}

/** A fetch session that both brokers keep. */
export interface ScriptFetchSession {
  readonly name: string
  /** Whether it names topics by their ids. */
  readonly byId: boolean
  /** That of the next fetch. */
  epoch: number
  readonly topics: Set<string>
}

export interface ScriptOptions {
  readonly seed: number
  readonly nowMs: number
  readonly ranges: VersionRanges
  readonly hasRestarts: boolean
}

/** What the script knows while it makes itself up: all of it from the seed and from answers that were equal. */
export class Script {
  readonly nowMs: number
  readonly ranges: VersionRanges
  /** Whether both brokers will start anew in the middle of it. */
  readonly hasRestarts: boolean
  readonly topics: ScriptTopic[] = []
  readonly producers: ScriptProducer[] = []
  readonly groups: ScriptGroup[] = []
  readonly consumerGroups: ScriptConsumerGroup[] = []
  readonly fetchSessions: ScriptFetchSession[] = []
  /** What has to come next, before anything is picked. */
  readonly queue: Plan[] = []
  readonly #random: () => number
  readonly #counters = new Map<string, number>()

  constructor(options: ScriptOptions) {
    this.#random = seededRandom(options.seed)
    this.nowMs = options.nowMs
    this.ranges = options.ranges
    this.hasRestarts = options.hasRestarts
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1))
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)]
  }

  /** One of the given items, of which there is at least one. */
  one<T>(first: T, ...others: readonly T[]): T {
    return this.pick([first, ...others]) ?? first
  }

  /** A version that both brokers serve, newest most often; undefined if there is none within the limits. */
  version(api: string, limits: { readonly min?: number; readonly max?: number } = {}): number | undefined {
    const range = this.ranges.get(api)
    if (range === undefined) return undefined
    const min = Math.max(range.min, limits.min ?? 0)
    const max = Math.min(range.max, limits.max ?? range.max)
    if (min > max) return undefined
    return this.chance(0.4) ? max : this.between(min, max)
  }

  fresh(prefix: string): string {
    const count = (this.#counters.get(prefix) ?? 0) + 1
    this.#counters.set(prefix, count)
    return `${prefix}${count}`
  }

  partitionOf(topic: ScriptTopic): number {
    return this.between(0, topic.partitions - 1)
  }

  records(topic: ScriptTopic, count = this.between(1, 4)): readonly RecordSpec[] {
    return Array.from({ length: count }, () => ({
      key: this.chance(0.3) && topic.kind !== 'compacted' ? null : `k${this.between(1, 20)}`,
      value: this.chance(0.05)
        ? null
        : `${this.fresh('v')}${'.'.repeat(this.chance(0.1) ? this.between(100, 3000) : 0)}`,
      timestamp: this.nowMs - this.between(0, 100_000),
      ...(this.chance(0.2) && { headers: ['h1', 'h2'] }),
    }))
  }
}
