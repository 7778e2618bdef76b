import type { EventCodec } from '@keyfold/event-store'
import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { Offset, StoredRecord } from '@keyfold/kafka'
import { fail, isCausedBy, isOutage, isRetriable, textOf } from '../errors.ts'
import { NONE_PARKED } from '../parking.ts'
import type { TopicPartition } from '../read-model-store.ts'
import { applyTasks } from '../runner/apply-tasks.ts'
import { applyEvent, type EventFilter, type EventTask, keyOf, tasksOf, unreadable } from '../runner/event-task.ts'
import { eventTypeOf } from '../runner/stored-event-context.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import { isParked } from '../runner/trouble.ts'
import type { ChangedRow, ChangedRows, Scratch } from '../scratch.ts'

/** What came of one event. */
export interface DebuggedEvent extends TopicPartition {
  readonly offset: Offset
  readonly timeMs: number
  readonly key: string
  /** What its header names it; null when it has none. */
  readonly type: string | null
  /**
   * - `applied`: a handler ran.
   * - `passed-over`: nothing of it leads to a handler.
   * - `failed`: see `error` and `consequence`.
   * - `waits`: it is not tried, because of the event at `behind`.
   */
  readonly outcome: 'applied' | 'passed-over' | 'failed' | 'waits'
  /** What handlers were given: one event, or those that upcasters made of it. */
  readonly handled: readonly HandledEvent[]
  readonly rows: readonly ChangedRow[]
  /** How many more rows it changed. */
  readonly rowsOmitted: number
  readonly error: Error | null
  /** What a running projector would do after its attempts: set the event aside with its key, or stop the partition. */
  readonly consequence: 'park' | 'halt' | null
  /** The event that failed before it: of its key, or where the partition would have stopped. */
  readonly behind: Offset | null
}

export interface HandledEvent {
  readonly type: string
  readonly data: unknown
}

export interface TrialOptions {
  readonly surroundings: Pick<Surroundings, 'codec' | 'turns'>
  readonly descriptor: Pick<ProjectorDescriptor, 'name' | 'handlers' | 'policies' | 'indexes'>
  readonly scratch: Scratch
}

const NOTHING: ChangedRows = { rows: [], omitted: 0 }

/** Applies records to scratch rows as a runner would, each once, and says what comes of them. */
export class Trial {
  readonly #options: TrialOptions
  readonly #filter: EventFilter
  /** The first event that failed of every key that would be parked. */
  readonly #failed = new Map<string, Offset>()
  #haltedAt: Offset | undefined
  #isWarm = false
  /** Of events that nobody asked to see. */
  applied = 0
  failed = 0

  constructor(options: TrialOptions) {
    this.#options = options
    this.#filter = filterOf(options)
  }

  /** Applies without a report: in one transaction, or where that fails one by one. Errors: as for `show`. */
  async warmUp(records: readonly StoredRecord[]): Promise<void> {
    const tasks = tasksOf(records, 0, this.#filter).filter((task) => this.#blocking(task) === undefined)
    if (tasks.length === 0 || (await this.#applyTogether(tasks))) return
    for (const task of tasks) {
      if (this.#blocking(task) !== undefined) continue
      try {
        await this.#applyOne(task, this.#options.descriptor.handlers, (work) => this.#options.scratch.run(work))
        this.applied += 1
      } catch (error) {
        this.#settle(task, error)
        this.failed += 1
      }
    }
  }

  /** Applies one record and tells everything. Errors: outages of the registry or of the store, which are no event's fault. */
  async show(record: StoredRecord): Promise<DebuggedEvent> {
    await this.#index()
    const [task] = tasksOf([record], 0, this.#filter)
    const behind = task === undefined ? this.#haltedAt : this.#blocking(task)
    const handled: HandledEvent[] = []
    const told = (outcome: DebuggedEvent['outcome'], more: Partial<DebuggedEvent> = {}): DebuggedEvent => ({
      ...factsOf(record),
      outcome,
      handled,
      ...more,
    })
    if (behind !== undefined) return told('waits', { behind })
    if (task === undefined) return told('passed-over')
    try {
      const handlers = noting(this.#options.descriptor.handlers, handled)
      const { rows, omitted: rowsOmitted } = await this.#applyOne(task, handlers, (work) =>
        this.#options.scratch.watch(work),
      )
      return told(handled.length === 0 ? 'passed-over' : 'applied', { rows, rowsOmitted })
    } catch (error) {
      return told('failed', this.#settle(task, error))
    }
  }

  /** Secondary indexes are there when a projector is live, and a unique one can make an event fail. */
  async #index(): Promise<void> {
    const { descriptor, scratch } = this.#options
    if (!this.#isWarm) await makeTables(scratch, descriptor, descriptor.indexes)
    this.#isWarm = true
  }

  #blocking({ record }: EventTask): Offset | undefined {
    return this.#haltedAt ?? this.#failed.get(keyOf(record))
  }

  async #applyTogether(tasks: readonly EventTask[]): Promise<boolean> {
    const { surroundings, descriptor, scratch } = this.#options
    const { codec, turns } = surroundings
    const limits = { end: tasks.length, timeMsMax: Number.POSITIVE_INFINITY, parked: NONE_PARKED, wait: () => {} }
    try {
      await codec.prepare(tasks.flatMap(({ record }) => record.value ?? []))
      await scratch.run(async (tx) => {
        await applyTasks({ tasks, tx, codec, turns, handlers: descriptor.handlers, ...limits }, 0)
      })
    } catch (error) {
      refuseOutage(error)
      return false
    }
    this.applied += tasks.length
    return true
  }

  async #applyOne<Result>(
    task: EventTask,
    handlers: ProjectorDescriptor['handlers'],
    transaction: (work: (tx: unknown) => void | Promise<void>) => Promise<Result>,
  ): Promise<Result> {
    const { codec } = this.#options.surroundings
    await prepare(task, codec)
    return await transaction((tx) => applyEvent(task, tx, handlers, codec))
  }

  /** What follows from a failure. */
  #settle(task: EventTask, reason: unknown): Pick<DebuggedEvent, 'error' | 'consequence'> {
    refuseOutage(reason)
    const { key, offset } = factsOf(task.record)
    // Until the registry has the schema its partition stands still.
    const parks = !isOutage(reason) && isParked(task, this.#options.descriptor.policies)
    if (parks) this.#failed.set(key, offset)
    else this.#haltedAt = offset
    const error = reason instanceof Error ? reason : new Error(String(reason))
    return { error, consequence: parks ? 'park' : 'halt' }
  }
}

/** Runs what makes tables or indexes, if there is such a thing. Errors: `SETUP_FAILED`, `READ_MODEL_UNAVAILABLE`. */
export async function makeTables(
  scratch: Scratch,
  { name }: Pick<ProjectorDescriptor, 'name'>,
  make: ProjectorDescriptor['indexes'],
): Promise<void> {
  if (make === undefined) return
  try {
    await scratch.run(make)
  } catch (cause) {
    refuseOutage(cause)
    throw fail('SETUP_FAILED', `projector ${name} could not make its tables or indexes: ${textOf(cause)}`, { cause })
  }
}

function filterOf({ surroundings, descriptor }: TrialOptions): EventFilter {
  const { codec } = surroundings
  const { handlers, policies } = descriptor
  const isKnown = policies.onUnknownEvent === 'skip' ? () => true : (type: string) => codec.knows(type)
  return { wanted: codec.storedTypesOf(handlers.keys()), isKnown }
}

/** The facts of a record with which nothing was done yet. */
function factsOf(record: StoredRecord): Omit<DebuggedEvent, 'outcome' | 'handled'> {
  const { topic, partition, offset, timestampMs: timeMs } = record
  const nothing = { rows: NOTHING.rows, rowsOmitted: NOTHING.omitted, error: null, consequence: null, behind: null }
  return { topic, partition, offset, timeMs, key: keyOf(record), type: eventTypeOf(record) ?? null, ...nothing }
}

/** Handlers that leave word of what they were given. */
function noting(handlers: ProjectorDescriptor['handlers'], handled: HandledEvent[]): ProjectorDescriptor['handlers'] {
  const entries = [...handlers].map(
    ([type, handle]) =>
      [
        type,
        (...given: Parameters<typeof handle>) => {
          handled.push({ type, data: given[0] })
          return handle(...given)
        },
      ] as const,
  )
  return new Map(entries)
}

async function prepare({ record }: EventTask, codec: EventCodec): Promise<void> {
  if (record.value === null) return
  try {
    await codec.prepare([record.value])
  } catch (error) {
    if (isRetriable(error)) throw error
    throw unreadable(record, textOf(error), error)
  }
}

/** A registry or a database that is away says nothing about the event. */
function refuseOutage(error: unknown): void {
  if (isCausedBy(error, 'READ_MODEL_UNAVAILABLE') || isCausedBy(error, 'REGISTRY_UNREACHABLE')) throw error
}
