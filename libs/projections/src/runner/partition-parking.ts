import { fail, textOf } from '../errors.ts'
import { isSelected, NONE_PARKED, type ParkedEvent, ParkedKeys, type ParkedSelection } from '../parking.ts'
import type { Checkpoint, Generation } from '../read-model-store.ts'
import { applyTasks } from './apply-tasks.ts'
import { type EventTask, keyOf, type Handlers } from './event-task.ts'
import { readRecord } from './read-record.ts'
import type { Surroundings } from './surroundings.ts'

/** What a retry came to. */
export interface RetryReport {
  /** Applied, and parked no more. */
  readonly applied: number
  /** Still parked. */
  readonly left: number
  /** The errors of the events that failed again, one per key at most. */
  readonly errors: readonly string[]
}

/** More than this many events in one partition are no longer one key's trouble: the partition halts. */
export const PARKED_MAX = 10_000

export interface PartitionParkingOptions {
  readonly surroundings: Surroundings
  readonly handlers: Handlers
  readonly generation: Generation
  readonly parked: readonly ParkedEvent[]
}

/** The parked events of one partition: sets aside, tries again in order, drops. Its caller lets nothing run beside it. */
export class PartitionParking {
  readonly keys: ParkedKeys
  readonly #options: PartitionParkingOptions

  constructor(options: PartitionParkingOptions) {
    this.#options = options
    this.keys = new ParkedKeys(options.parked)
  }

  /** The entry of an event that failed, or with no error that waits. Errors: `PARKED_TOO_MANY`. */
  entryOf({ record, type }: EventTask, error?: unknown): ParkedEvent {
    const { topic, partition, offset } = record
    if (this.keys.size >= PARKED_MAX)
      throw fail('PARKED_TOO_MANY', `${topic}/${partition} has ${this.keys.size} parked events`, { cause: error })
    const place = { topic, partition, offset, key: keyOf(record), type: type ?? null }
    const parkedAtMs = this.#options.surroundings.clock.nowMs()
    return { ...place, error: error === undefined ? null : textOf(error), attempts: 0, parkedAtMs }
  }

  /** Tries each selected key's events again in their order, up to the first that fails. */
  async retry(at: Checkpoint, selection: ParkedSelection): Promise<RetryReport> {
    let applied = 0
    const errors: string[] = []
    const keys = this.keys.keys().filter((key) => selection.key === undefined || selection.key === key)
    for (const key of keys) {
      for (const event of this.keys.of(key)) {
        const error = await this.#applyOne(at, event)
        if (error !== undefined) {
          errors.push(error)
          break
        }
        applied += 1
      }
    }
    const left = keys.reduce((sum, key) => sum + this.keys.of(key).length, 0)
    return { applied, left, errors }
  }

  /** Takes events off the list for good: their key goes on without them. Answers how many. */
  async drop(at: Checkpoint, selection: ParkedSelection, reason: string): Promise<number> {
    const events = this.keys.all().filter((event) => isSelected(event, selection))
    if (events.length === 0) return 0
    const unpark = events.map(({ offset }) => offset)
    await this.#options.generation.write(at, () => ({ position: at.position, unpark }))
    for (const event of events) {
      this.keys.delete(event)
      this.#options.surroundings.log('warn', 'a parked event was dropped', { ...event, reason })
    }
    return events.length
  }

  async #applyOne(at: Checkpoint, event: ParkedEvent): Promise<string | undefined> {
    const { surroundings, handlers, generation } = this.#options
    const { codec, turns } = surroundings
    try {
      const record = await readRecord(surroundings.kafka, event)
      if (record.value !== null) await codec.prepare([record.value])
      const type = event.type ?? undefined
      const unknown = type !== undefined && !codec.knows(type)
      const tasks = [{ record, type, unknown }]
      const limits = { end: 1, timeMsMax: Infinity, parked: NONE_PARKED, wait: () => {} }
      await generation.write(at, async (tx) => {
        await applyTasks({ tasks, tx, handlers, codec, turns, ...limits }, 0)
        return { position: at.position, unpark: [event.offset] }
      })
      this.keys.delete(event)
      return undefined
    } catch (error) {
      const again = { ...event, error: textOf(error), attempts: event.attempts + 1 }
      await generation.write(at, () => ({ position: at.position, park: [again] }))
      this.keys.set(again)
      return again.error
    }
  }
}
