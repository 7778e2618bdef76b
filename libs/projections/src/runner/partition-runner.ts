import type { EventCodec } from '@keyfold/event-store'
import type { ProjectionHandler, ProjectorPolicies } from '@keyfold/eventsourcing'
import type { Offset, ReadBatch } from '@keyfold/kafka'
import { pauseFor } from '../clock.ts'
import { fail, hasCode, isOutage, isRetriable, textOf } from '../errors.ts'
import type { Advance, ParkedEvent, ParkedSelection } from '../parking.ts'
import type { Checkpoint, Generation } from '../read-model-store.ts'
import { WriteLane } from '../stores/write-lane.ts'
import { applyTasks } from './apply-tasks.ts'
import { type EventFilter, type EventTask, tasksOf, unreadable } from './event-task.ts'
import { PartitionFeed } from './partition-feed.ts'
import { PartitionParking, type RetryReport } from './partition-parking.ts'
import type { PartitionProgress, ProgressObserver } from './partition-progress.ts'
import type { Surroundings } from './surroundings.ts'
import type { Throttle } from './throttle.ts'
import { afterFailure, afterSuccess, isParked, NO_TROUBLE, type Trouble } from './trouble.ts'

export interface PartitionRunnerOptions {
  readonly surroundings: Surroundings
  readonly handlers: ReadonlyMap<string, ProjectionHandler>
  readonly generation: Generation
  readonly policies: ProjectorPolicies
  readonly from: Checkpoint
  /** Of this partition. */
  readonly parked: readonly ParkedEvent[]
  /** Where the partition ends now. */
  readonly endOffset: Offset
  /** Stops by itself when everything below it is applied. Left out: goes on for good. */
  readonly until?: Offset | undefined
  /** Records read by runners before this one. */
  readonly recordsBefore?: number
  /** Holds a rebuild back for the sake of others. */
  readonly throttle?: Throttle | undefined
  readonly observer: ProgressObserver
}

/** A batch as far as this projector is concerned. */
interface Work {
  readonly tasks: readonly EventTask[]
  /** The checkpoint after all of them. */
  readonly position: Offset
}

/** Applies one partition to one generation, in order: read, prepare, then transaction after transaction. */
export class PartitionRunner {
  readonly #options: PartitionRunnerOptions
  readonly #feed: PartitionFeed
  readonly #parking: PartitionParking
  /** A batch and a retry of parked events take turns. */
  readonly #lane = new WriteLane()
  readonly #stopping = new AbortController()
  readonly #filter: EventFilter
  #progress: PartitionProgress

  constructor(options: PartitionRunnerOptions) {
    const { surroundings, from, endOffset, recordsBefore: records = 0 } = options
    const { topic, partition, position } = from
    const { kafka, clock, codec, log, batch } = surroundings
    const source = { partition: { topic, partition }, fromOffset: position, bytesMax: batch.bytesMax }
    this.#options = options
    this.#filter = this.#filterOf(codec)
    this.#feed = new PartitionFeed({ kafka, clock, log, ...source })
    this.#parking = new PartitionParking(options)
    const parked = options.parked.length
    this.#progress = { topic, partition, position, endOffset, records, parked, skipped: 0, error: undefined }
  }

  get progress(): PartitionProgress {
    return this.#progress
  }

  /** Resolves when it was stopped, has reached `until`, or has halted. Never throws: see `progress.error`. */
  async run(): Promise<void> {
    const until = this.#options.until ?? Number.POSITIVE_INFINITY
    try {
      while (!this.#stopped && this.#progress.position < until) {
        const batch = await this.#feed.next()
        if (batch === undefined) continue
        await this.#options.throttle?.take(batch.records.length, this.#stopping.signal)
        await this.#lane.run(() => this.#take(batch, until))
      }
    } catch (error) {
      this.#halt(error)
    } finally {
      await this.#feed.close()
    }
  }

  /** Lets the transaction that is under way end, and begins no other. */
  stop(): void {
    this.#stopping.abort()
    this.#feed.close().catch(() => {})
  }

  get parked(): readonly ParkedEvent[] {
    return this.#parking.keys.all()
  }

  /** Tries parked events again, in the order of each key. Errors: `PROJECTOR_HALTED`, those of the store. */
  async retryParked(selection: ParkedSelection): Promise<RetryReport> {
    return await this.#lane.run(async () => {
      this.#refuseIfOver()
      const report = await this.#parking.retry(this.#checkpoint, selection)
      this.#tell({})
      return report
    })
  }

  /** Drops parked events; the log keeps them. Errors: `PROJECTOR_HALTED`, those of the store. */
  async dropParked(selection: ParkedSelection, reason: string): Promise<number> {
    return await this.#lane.run(async () => {
      this.#refuseIfOver()
      const dropped = await this.#parking.drop(this.#checkpoint, selection, reason)
      this.#tell({})
      return dropped
    })
  }

  #filterOf(codec: EventCodec): EventFilter {
    const wanted = codec.storedTypesOf(this.#options.handlers.keys())
    if (this.#options.policies.onUnknownEvent !== 'skip') return { wanted, isKnown: (type) => codec.knows(type) }
    const isKnown = (type: string): boolean => {
      if (!codec.knows(type)) this.#progress = { ...this.#progress, skipped: this.#progress.skipped + 1 }
      return true
    }
    return { wanted, isKnown }
  }

  get #checkpoint(): Checkpoint {
    const { topic, partition, position } = this.#progress
    return { topic, partition, position }
  }

  #tell(change: Partial<PartitionProgress>): void {
    this.#progress = { ...this.#progress, parked: this.#parking.keys.size, ...change }
    this.#options.observer.moved(this.#progress)
  }

  #refuseIfOver(): void {
    const { topic, partition, error } = this.#progress
    if (!this.#stopped && error === undefined) return
    throw fail('PROJECTOR_HALTED', `${topic}/${partition} is not being applied`, { cause: error })
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async #take(batch: ReadBatch, until: Offset): Promise<void> {
    const { position } = this.#progress
    const records = batch.position <= until ? batch.records : batch.records.filter(({ offset }) => offset < until)
    const work = {
      tasks: tasksOf(records, position, this.#filter),
      position: Math.min(batch.position, until),
    }
    const { endOffset = this.#progress.endOffset } = batch
    this.#progress = { ...this.#progress, endOffset, records: this.#progress.records + records.length }
    if (work.position > position) await this.#apply(work)
    else this.#options.observer.moved(this.#progress)
  }

  async #apply(work: Work): Promise<void> {
    const unprepared = await this.#prepare(work.tasks)
    let trouble: Trouble = unprepared === undefined ? NO_TROUBLE : { failures: 0, eventByEvent: true }
    let next = 0
    while (!this.#stopped && this.#progress.position < work.position) {
      try {
        next = await this.#write(work, next, trouble.eventByEvent)
        trouble = afterSuccess(trouble)
      } catch (error) {
        trouble = await this.#remedy(error, trouble, work.tasks[next])
        const { position } = this.#progress
        next = work.tasks.filter(({ record }) => record.offset < position).length
        if (hasCode(error, 'SCHEMA_UNKNOWN')) await this.#prepare(work.tasks.slice(next))
      }
      await this.#options.surroundings.turns.next()
    }
  }

  /** Waits for a registry that cannot be reached; answers an error that will not pass. */
  async #prepare(tasks: readonly EventTask[]): Promise<unknown> {
    const { codec, clock, log, retry } = this.#options.surroundings
    const values = tasks.flatMap(({ record }) => record.value ?? [])
    while (!this.#stopped && values.length > 0) {
      try {
        await codec.prepare(values)
        return undefined
      } catch (error) {
        if (!isRetriable(error)) return error
        log('warn', 'the schemas of a batch cannot be fetched; trying again', { error: textOf(error) })
        await pauseFor(clock, retry.delayMsMax, this.#stopping.signal)
      }
    }
    return undefined
  }

  /** One transaction from task `start` on. Answers the task to go on with. */
  async #write({ tasks, position: end }: Work, start: number, eventByEvent: boolean): Promise<number> {
    const { surroundings, generation, handlers } = this.#options
    const { codec, batch, turns } = surroundings
    const { topic, partition, position } = this.#progress
    if (eventByEvent) await this.#prepareOne(tasks[start])
    const limits = { end: start + (eventByEvent ? 1 : batch.recordsMax), timeMsMax: batch.timeMsMax }
    let next = start
    const park: ParkedEvent[] = []
    const waiting = { parked: this.#parking.keys, wait: (task: EventTask) => park.push(this.#parking.entryOf(task)) }
    const settle = (applied: number): Advance => {
      next = applied
      return { position: tasks[applied]?.record.offset ?? end, park }
    }
    const reached = await generation.write({ topic, partition, position }, (tx) => {
      const applied = applyTasks({ tasks, tx, handlers, codec, turns, ...waiting, ...limits }, start)
      return applied instanceof Promise ? applied.then(settle) : settle(applied)
    })
    for (const event of park) this.#parking.keys.set(event)
    this.#tell({ position: reached })
    return next
  }

  async #prepareOne(task: EventTask | undefined): Promise<void> {
    if (task === undefined) return
    const error = await this.#prepare([task])
    if (error !== undefined) throw unreadable(task.record, textOf(error), error)
  }

  /**
   * Settles what a failed transaction left open, then waits as the policy says, parks the culprit, or gives up by
   * throwing.
   */
  async #remedy(error: unknown, trouble: Trouble, culprit: EventTask | undefined): Promise<Trouble> {
    if (hasCode(error, 'CHECKPOINT_FENCED')) throw error
    const { clock, log, retry } = this.#options.surroundings
    const { topic, partition } = this.#progress
    const stored = await this.#storedPosition()
    if (stored > this.#progress.position) {
      // The commit went through although it was reported as failed; what it parked is known only to the store.
      await this.#reloadParked()
      this.#tell({ position: stored })
      return trouble
    }
    const remedy = isOutage(error)
      ? { kind: 'retry' as const, delayMs: retry.delayMsMax, trouble }
      : afterFailure(trouble, isHopeless(error), retry)
    if (remedy.kind === 'halt') return await this.#parkOrHalt(error, culprit)
    log('warn', 'a projection failed; trying again', { topic, partition, error: textOf(error), ...remedy })
    await pauseFor(clock, remedy.delayMs, this.#stopping.signal)
    return remedy.trouble
  }

  /** Sets the event aside that its partition cannot pass, unless its author would rather stop. */
  async #parkOrHalt(error: unknown, culprit: EventTask | undefined): Promise<Trouble> {
    const { policies, generation, surroundings } = this.#options
    if (culprit === undefined || !isParked(culprit, policies)) throw error
    const event = this.#parking.entryOf(culprit, error)
    const position = event.offset + 1
    await generation.write(this.#checkpoint, () => ({ position, park: [event] }))
    this.#parking.keys.set(event)
    surroundings.log('error', 'an event was parked; later ones of its key wait behind it', { ...event })
    this.#tell({ position })
    return { failures: 0, eventByEvent: true }
  }

  async #reloadParked(): Promise<void> {
    const { topic, partition } = this.#progress
    for (const event of await this.#options.generation.parked())
      if (event.topic === topic && event.partition === partition) this.#parking.keys.set(event)
  }

  /** Waits for a database that is away: only it knows whether the last COMMIT went through. */
  async #storedPosition(): Promise<Offset> {
    const { generation, surroundings } = this.#options
    const { clock, log, retry } = surroundings
    const { topic, partition, position } = this.#progress
    while (!this.#stopped) {
      try {
        return await generation.position({ topic, partition })
      } catch (error) {
        if (!isOutage(error)) throw error
        log('warn', 'the read model is away; waiting for it', { topic, partition, error: textOf(error) })
        await pauseFor(clock, retry.delayMsMax, this.#stopping.signal)
      }
    }
    return position
  }

  #halt(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    const { topic, partition, position } = this.#progress
    this.#progress = { ...this.#progress, error }
    this.#options.surroundings.log('error', 'a projection halted', { topic, partition, position, error: String(error) })
    this.#options.observer.halted(this.#progress)
  }
}

/** What trying again cannot mend. */
function isHopeless(error: unknown): boolean {
  return hasCode(error, 'EVENT_UNREADABLE') || hasCode(error, 'EVENT_TYPE_UNKNOWN')
}
