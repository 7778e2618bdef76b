import type { DecodedValue, EventCodec } from '@keyfold/event-store'
import type { DomainEvent, ProjectionHandler } from '@keyfold/eventsourcing'
import type { Offset, StoredRecord } from '@keyfold/kafka'
import { fail, textOf } from '../errors.ts'
import { eventTypeOf, StoredEventContext } from './stored-event-context.ts'

type Handlers = ReadonlyMap<string, ProjectionHandler>

/** A record that a projector has a handler for, or whose type only its body can tell. */
export interface EventTask {
  readonly record: StoredRecord
  readonly type: string | undefined
}

/**
 * Leaves out what lies before `position` and every event whose header names a type that is not `wanted`: handled, or made
 * into something that is by an upcaster.
 */
export function tasksOf(
  records: readonly StoredRecord[],
  position: Offset,
  wanted: ReadonlySet<string>,
): readonly EventTask[] {
  const tasks: EventTask[] = []
  for (const record of records) {
    if (record.offset < position) continue
    const type = eventTypeOf(record)
    if (type === undefined || wanted.has(type)) tasks.push({ record, type })
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
    throw unreadable(record, textOf(error), error)
  }
}

/** The error of a record that no code here can turn into an event. */
export function unreadable(record: StoredRecord, why: string, cause?: unknown): Error {
  const { topic, partition, offset } = record
  const message = `the record at ${topic}/${partition} offset ${offset} cannot be read: ${why}`
  return fail('EVENT_UNREADABLE', message, { cause, details: { topic, partition, offset } })
}

function failed({ record, type }: EventTask, error: unknown): Error {
  const { topic, partition, offset } = record
  const key = record.key?.toString() ?? null
  const message = `the handler of ${type} failed at ${topic}/${partition} offset ${offset} (key ${key}): ${textOf(error)}`
  return fail('HANDLER_FAILED', message, { cause: error, details: { topic, partition, offset, key, type } })
}
