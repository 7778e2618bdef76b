import type { Offset } from '@keyfold/kafka'
import type { TopicPartition } from './read-model-store.ts'

/**
 * An event that was set aside so that one key's trouble is not everybody's. It stays in the log where it is; what is
 * kept, in the same transaction as the checkpoint that passes it, is its place and what happened.
 */
export interface ParkedEvent extends TopicPartition {
  readonly offset: Offset
  /** The key it waits with: later events of the key are parked behind it, in order. */
  readonly key: string
  /** What its header names it; null when it has none. */
  readonly type: string | null
  /** Why it failed; null when it only waits behind another event of its key. */
  readonly error: string | null
  /** How often it was tried since it was parked. */
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly parkedAtMs: number
}

/** What one transaction does besides the rows: moves the checkpoint, parks events, or takes them off the list. */
export interface Advance {
  readonly position: Offset
  /** Parked anew, or with another error and count. */
  readonly park?: readonly ParkedEvent[]
  /** Offsets of the partition that are parked no more. */
  readonly unpark?: readonly Offset[]
}

/** Which parked events of a projector are meant: all, those of a key, or one. */
export interface ParkedSelection {
  readonly key?: string
  /** One event. With `drop` only; a retry keeps the order of a key. */
  readonly place?: TopicPartition & { readonly offset: Offset }
}

/** What a work returned, in full. */
export function advanceOf(result: Offset | Advance): Advance {
  return typeof result === 'number' ? { position: result } : result
}

/** Whether an event is meant by a selection. */
export function isSelected({ topic, partition, offset, key }: ParkedEvent, selection: ParkedSelection): boolean {
  if (selection.key !== undefined && selection.key !== key) return false
  const { place } = selection
  return place === undefined || (place.topic === topic && place.partition === partition && place.offset === offset)
}

/** The parked events of one partition, by key, in the order of the log. */
export class ParkedKeys {
  readonly #byKey = new Map<string, Map<Offset, ParkedEvent>>()
  #size = 0

  constructor(events: readonly ParkedEvent[]) {
    for (const event of events.toSorted((left, right) => left.offset - right.offset)) this.set(event)
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0
  }

  /** Kept, since it is asked for in every transaction. */
  get size(): number {
    return this.#size
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  set(event: ParkedEvent): void {
    const events = this.#byKey.get(event.key) ?? new Map<Offset, ParkedEvent>()
    this.#byKey.set(event.key, events)
    if (!events.has(event.offset)) this.#size += 1
    events.set(event.offset, event)
  }

  delete({ key, offset }: Pick<ParkedEvent, 'key' | 'offset'>): void {
    const events = this.#byKey.get(key)
    if (events?.delete(offset) !== true) return
    this.#size -= 1
    if (events.size === 0) this.#byKey.delete(key)
  }

  keys(): readonly string[] {
    return [...this.#byKey.keys()]
  }

  /** First things first. */
  of(key: string): readonly ParkedEvent[] {
    return [...(this.#byKey.get(key)?.values() ?? [])].toSorted((left, right) => left.offset - right.offset)
  }

  all(): readonly ParkedEvent[] {
    return this.keys().flatMap((key) => this.of(key))
  }
}

/** For an application that nothing has to wait in. */
export const NONE_PARKED: Pick<ParkedKeys, 'isEmpty' | 'has'> = new ParkedKeys([])
