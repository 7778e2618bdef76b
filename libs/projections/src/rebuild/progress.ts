import type { Clock } from '../clock.ts'
import type { TopicPartition } from '../read-model-store.ts'
import type { Ends } from '../runner/ends.ts'
import { type PartitionProgress, partitionKey } from '../runner/partition-progress.ts'
import { RateMeter } from './rate-meter.ts'

/**
 * `replaying` up to the end frozen at the start, `catching-up` with what was written meanwhile, `verifying` against the
 * serving generation, `ready` when somebody wants to say himself when to switch, `switched`. A first start ends in `live` instead.
 */
export type ProgressPhase = 'replaying' | 'catching-up' | 'verifying' | 'ready' | 'switched' | 'live'

/** How far a rebuild or a first start is. */
export interface Progress {
  readonly projector: string
  readonly generation: number
  readonly phase: ProgressPhase
  /** Log positions passed, of `total`. Positions of transaction markers count, so it is not a number of events. */
  readonly done: number
  /** Log positions up to the end, frozen at the start. */
  readonly total: number
  /** Events read since the start, passed over or applied. */
  readonly events: number
  /** Over the last 15 seconds. */
  readonly eventsPerSecond: number
  /** Undefined while no rate is known. */
  readonly etaSeconds: number | undefined
  readonly partitions: readonly (TopicPartition & { readonly done: number; readonly total: number })[]
}

export type ProgressListener = (progress: Progress) => void

const REPORT_EVERY_MS = 100

/** Turns positions into progress and tells a listener, not too often. */
export class ProgressMeter {
  readonly #subject: { readonly projector: string; readonly generation: number; readonly ends: Ends }
  readonly #clock: Clock
  readonly #listener: ProgressListener
  readonly #events = new RateMeter()
  readonly #positions = new RateMeter()
  #reported: { readonly atMs: number; readonly phase: ProgressPhase } | undefined

  constructor(
    subject: { projector: string; generation: number; ends: Ends },
    clock: Clock,
    listener: ProgressListener,
  ) {
    this.#subject = subject
    this.#clock = clock
    this.#listener = listener
  }

  /** Reports when the phase has changed or some time has passed since the last report. */
  report(phase: ProgressPhase, partitions: readonly PartitionProgress[]): void {
    const nowMs = this.#clock.nowMs()
    const last = this.#reported
    if (last !== undefined && last.phase === phase && nowMs - last.atMs < REPORT_EVERY_MS) return
    this.#reported = { atMs: nowMs, phase }
    this.#listener(this.#measure(phase, partitions, nowMs))
  }

  #measure(phase: ProgressPhase, all: readonly PartitionProgress[], nowMs: number): Progress {
    const { projector, generation, ends } = this.#subject
    const partitions = all.map((each) => {
      const total = ends.get(partitionKey(each)) ?? 0
      return { topic: each.topic, partition: each.partition, done: Math.min(each.position, total), total }
    })
    const done = partitions.reduce((sum, partition) => sum + partition.done, 0)
    const total = partitions.reduce((sum, partition) => sum + partition.total, 0)
    const events = all.reduce((sum, { records }) => sum + records, 0)
    const eventsPerSecond = Math.round(this.#events.rate(nowMs, events))
    const positionsPerSecond = this.#positions.rate(nowMs, done)
    const etaSeconds = done >= total ? 0 : positionsPerSecond > 0 ? (total - done) / positionsPerSecond : undefined
    return { projector, generation, phase, done, total, events, eventsPerSecond, etaSeconds, partitions }
  }
}
