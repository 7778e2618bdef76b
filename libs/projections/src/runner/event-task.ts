import type { DecodedValue, EventCodec } from '@keyfold/event-store'
import type { DomainEvent, ProjectionHandler } from '@keyfold/eventsourcing'
import type { Offset, StoredRecord } from '@keyfold/kafka'
import { fail, isRetriable, textOf } from '../errors.ts'
import { eventTypeOf, StoredEventContext } from './stored-event-context.ts'

export type Handlers = ReadonlyMap<string, ProjectionHandler>

/** A record that a projector has a handler for, or whose type only its body can tell. */
export interface EventTask {
  readonly record: StoredRecord
  readonly type: string | undefined
  /** No code of the application knows its type. */
  readonly unknown: boolean
}

/** Which events a projector has to look at. */
export interface EventFilter {
  /** Types of stored events that lead to a handler. */
  readonly wanted: ReadonlySet<string>
  readonly isKnown: (type: string) => boolean
}

/** The key that an event shares its order with. */
export function keyOf({ key }: StoredRecord): string {
  return key?.toString() ?? ''
}

/**
 * Leaves out what lies before `position` and every event whose header names a type that is known and not wanted.
 */
export function tasksOf(
  records: readonly StoredRecord[],
  position: Offset,
  { wanted, isKnown }: EventFilter,
): readonly EventTask[] {
  const tasks: EventTask[] = []
  for (const record of records) {
    if (record.offset < position) continue
    const type = eventTypeOf(record)
    if (type === undefined || wanted.has(type)) tasks.push({ record, type, unknown: false })
    else if (!isKnown(type)) tasks.push({ record, type, unknown: true })
  }
  return tasks
}

/**
 * Applies what one record holds inside an open transaction: one event, or those that an upcaster made of it, so that the
 * checkpoint never stands between them. Answers a promise only when a handler did.
 * Errors: `EVENT_UNREADABLE`, `HANDLER_FAILED`.
 */
export function applyEvent(
  task: EventTask,
  tx: unknown,
  handlers: Handlers,
  codec: EventCodec,
): Promise<void> | undefined {
  if (task.unknown) throw unknownType(task)
  const { events } = decode(task, codec)
  let before: Promise<void> | undefined
  for (const [subIndex, event] of events.entries()) {
    const handle = () => handleOne({ task, event, subIndex, tx }, handlers)
    before = before === undefined ? handle() : before.then(handle)
  }
  return before
}

interface Handling {
  readonly task: EventTask
  readonly event: DomainEvent
  readonly subIndex: number
  readonly tx: unknown
}

function handleOne({ task, event, subIndex, tx }: Handling, handlers: Handlers): Promise<void> | undefined {
  const handler = handlers.get(event.type)
  if (handler === undefined) return undefined
  try {
    const handled = handler(event.data, new StoredEventContext(task.record, event.type, { subIndex, tx }))
    return handled instanceof Promise
      ? handled.catch((error: unknown) => Promise.reject(failed(task, error)))
      : undefined
  } catch (error) {
    throw failed(task, error)
  }
}

function decode({ record, type }: EventTask, codec: EventCodec): DecodedValue {
  if (record.value === null) throw unreadable(record, 'it has no value')
  try {
    const decoded = codec.decode(record.value)
    if (type === undefined || decoded.schema.name === type) return decoded
    throw new Error(`its header says ${type}, its body is a ${decoded.schema.name}`)
  } catch (error) {
    // A schema that the registry does not have yet says nothing about the event.
    if (isRetriable(error)) throw error
    throw unreadable(record, textOf(error), error)
  }
}

function unknownType({ record, type }: EventTask): Error {
  const { topic, partition, offset } = record
  const message = `no code here knows ${type} at ${topic}/${partition} offset ${offset}`
  return fail('EVENT_TYPE_UNKNOWN', message, { details: { topic, partition, offset, type } })
}

/** The error of a record that no code here can turn into an event. */
export function unreadable(record: StoredRecord, why: string, cause?: unknown): Error {
  const { topic, partition, offset } = record
  const message = `the record at ${topic}/${partition} offset ${offset} cannot be read: ${why}`
  return fail('EVENT_UNREADABLE', message, { cause, details: { topic, partition, offset } })
}

function failed({ record, type }: EventTask, error: unknown): Error {
  const { topic, partition, offset } = record
  const key = keyOf(record)
  const message = `the handler of ${type} failed at ${topic}/${partition} offset ${offset} (key ${key}): ${textOf(error)}`
  return fail('HANDLER_FAILED', message, { cause: error, details: { topic, partition, offset, key, type } })
}
