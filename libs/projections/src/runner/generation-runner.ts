import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { Offset } from '@keyfold/kafka'
import type { ParkedEvent, ParkedSelection } from '../parking.ts'
import type { Generation, TopicPartition } from '../read-model-store.ts'
import { endsOf } from './ends.ts'
import { type PartitionProgress, partitionKey, type ProgressObserver } from './partition-progress.ts'
import type { RetryReport } from './partition-parking.ts'
import { PartitionRunner } from './partition-runner.ts'
import type { Surroundings } from './surroundings.ts'
import type { Throttle } from './throttle.ts'
import { partitionsOf } from './topic-partitions.ts'

export interface RunnerBounds {
  /** Holds a rebuild back for the sake of others. */
  readonly throttle?: Throttle | undefined
  /** Left out: every partition is applied here. */
  readonly isOwn?: (partition: TopicPartition) => boolean
}

/** Keeps one generation of one projector up with its topics: a runner per partition. */
export class GenerationRunner {
  readonly generation: Generation
  readonly #surroundings: Surroundings
  readonly #descriptor: ProjectorDescriptor
  readonly #bounds: RunnerBounds
  readonly #observers = new Set<ProgressObserver>()
  #runners: readonly PartitionRunner[] = []
  #running: Promise<unknown> = Promise.resolve()

  constructor(
    surroundings: Surroundings,
    descriptor: ProjectorDescriptor,
    generation: Generation,
    bounds: RunnerBounds = {},
  ) {
    this.#bounds = bounds
    this.#surroundings = surroundings
    this.#descriptor = descriptor
    this.generation = generation
  }

  get progress(): readonly PartitionProgress[] {
    return this.#runners.map((runner) => runner.progress)
  }

  /** Why a partition has halted; undefined while none has. */
  get error(): Error | undefined {
    return this.progress.find(({ error }) => error !== undefined)?.error
  }

  observe(observer: ProgressObserver): () => void {
    this.#observers.add(observer)
    for (const progress of this.progress) observer.moved(progress)
    return () => this.#observers.delete(observer)
  }

  /**
   * Makes the tables, takes over the checkpoints and goes on from there; with `until`, only up to those offsets (by
   * `partitionKey`). Errors: `TOPIC_MISSING`, `CHECKPOINT_FENCED`, whatever `setup` throws.
   */
  async start(until?: ReadonlyMap<string, Offset>): Promise<void> {
    const { name, topics } = this.#descriptor
    const all = await partitionsOf(this.#surroundings.kafka, name, topics)
    const { throttle, isOwn = () => true } = this.#bounds
    const partitions = all.filter(isOwn)
    await this.generation.setup(this.#descriptor.setup)
    const ends = await endsOf(this.#surroundings.kafka, topics)
    const checkpoints = await this.generation.claim(partitions)
    const parked = await this.generation.parked()
    const observer: ProgressObserver = {
      moved: (progress) => this.#observers.forEach((each) => each.moved(progress)),
      halted: (progress) => this.#observers.forEach((each) => each.halted(progress)),
    }
    const before = new Map(this.progress.map((progress) => [partitionKey(progress), progress.records]))
    const shared = { surroundings: this.#surroundings, generation: this.generation, throttle, observer }
    this.#runners = checkpoints.map((from) => {
      const key = partitionKey(from)
      const own = { from, until: until?.get(key), endOffset: ends.get(key) ?? 0, recordsBefore: before.get(key) ?? 0 }
      const { handlers, policies } = this.#descriptor
      const ownParked = parked.filter((event) => partitionKey(event) === key)
      return new PartitionRunner({ ...shared, handlers, policies, parked: ownParked, ...own })
    })
    for (const progress of this.progress) observer.moved(progress)
    this.#running = Promise.all(this.#runners.map((runner) => runner.run()))
  }

  get parked(): readonly ParkedEvent[] {
    return this.#runners.flatMap(({ parked }) => parked)
  }

  /** Tries parked events again. Errors: `PROJECTOR_HALTED`, those of the store. */
  async retryParked(selection: ParkedSelection): Promise<RetryReport> {
    const reports: RetryReport[] = []
    for (const runner of this.#havingParked()) reports.push(await runner.retryParked(selection))
    return {
      applied: reports.reduce((sum, { applied }) => sum + applied, 0),
      left: reports.reduce((sum, { left }) => sum + left, 0),
      errors: reports.flatMap(({ errors }) => errors),
    }
  }

  /** Drops parked events and answers how many. Errors: `PROJECTOR_HALTED`, those of the store. */
  async dropParked(selection: ParkedSelection, reason: string): Promise<number> {
    let dropped = 0
    for (const runner of this.#havingParked()) dropped += await runner.dropParked(selection, reason)
    return dropped
  }

  #havingParked(): readonly PartitionRunner[] {
    return this.#runners.filter(({ parked }) => parked.length > 0)
  }

  /** Resolves when all partitions have stopped, reached their `until`, or halted. */
  async ended(): Promise<void> {
    await this.#running
  }

  async stop(): Promise<void> {
    for (const runner of this.#runners) runner.stop()
    await this.#running
  }
}
