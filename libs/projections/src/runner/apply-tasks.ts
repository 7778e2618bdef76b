import type { EventCodec } from '@keyfold/event-store'
import type { ProjectionHandler } from '@keyfold/eventsourcing'
import { applyEvent, type EventTask } from './event-task.ts'

/** What is applied in one transaction: tasks up to `end`, or fewer when the time is over. */
export interface Application {
  readonly tasks: readonly EventTask[]
  readonly end: number
  readonly tx: unknown
  readonly handlers: ReadonlyMap<string, ProjectionHandler>
  readonly codec: EventCodec
  readonly timeMsMax: number
}

/** The time is looked at once in so many events. */
const CLOCK_CHECK_EVENTS = 32

/**
 * Applies tasks from `start` on and answers the index after the last one. It becomes asynchronous only where a handler
 * does, since a promise per event costs more than a simple handler.
 */
export function applyTasks(application: Application, start: number): number | Promise<number> {
  const { tasks, end, tx, handlers, codec, timeMsMax } = application
  const deadlineMs = performance.now() + timeMsMax
  for (let index = start; index < end; index++) {
    const task = tasks[index]
    if (task === undefined) return index
    const pending = applyEvent(task, tx, handlers, codec)
    if (pending !== undefined) return applyAwaiting(application, index, pending, deadlineMs)
    if (index % CLOCK_CHECK_EVENTS === 0 && performance.now() >= deadlineMs) return index + 1
  }
  return end
}

async function applyAwaiting(
  { tasks, end, tx, handlers, codec }: Application,
  awaited: number,
  pending: Promise<void>,
  deadlineMs: number,
): Promise<number> {
  await pending
  for (let index = awaited + 1; index < end; index++) {
    const task = tasks[index]
    if (task === undefined) return index
    const next = applyEvent(task, tx, handlers, codec)
    if (next !== undefined) await next
    if (performance.now() >= deadlineMs) return index + 1
  }
  return end
}
