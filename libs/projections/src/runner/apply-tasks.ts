import type { EventCodec } from '@keyfold/event-store'
import type { ProjectionHandler } from '@keyfold/eventsourcing'
import type { ParkedKeys } from '../parking.ts'
import { applyEvent, type EventTask, keyOf } from './event-task.ts'
import type { Turns } from './turns.ts'

/** What is applied in one transaction: tasks up to `end`, or fewer when the time is over. */
export interface Application {
  readonly tasks: readonly EventTask[]
  readonly end: number
  readonly tx: unknown
  readonly handlers: ReadonlyMap<string, ProjectionHandler>
  readonly codec: EventCodec
  readonly timeMsMax: number
  readonly turns: Turns
  /** Keys whose events may not be applied now. */
  readonly parked: Pick<ParkedKeys, 'isEmpty' | 'has'>
  /** Told of every event that has to wait behind one of its key. */
  readonly wait: (task: EventTask) => void
}

/** The time is looked at once in so many events. */
const CLOCK_CHECK_EVENTS = 32

/**
 * Applies tasks from `start` on and answers the index after the last one. It becomes asynchronous only where a handler
 * does, since a promise per event costs more than a simple handler, and when its turn of the event loop is over: the
 * transaction stays open meanwhile, so that pauses do not make transactions smaller.
 */
export function applyTasks(application: Application, start: number): number | Promise<number> {
  const { tasks, end, timeMsMax, turns } = application
  const deadlineMs = performance.now() + timeMsMax
  for (let index = start; index < end; index++) {
    const task = tasks[index]
    if (task === undefined) return index
    const pending = applyOrWait(application, task)
    if (pending !== undefined) return goOn(application, index, { pending, deadlineMs })
    if (index % CLOCK_CHECK_EVENTS !== 0) continue
    if (performance.now() >= deadlineMs) return index + 1
    if (turns.isOver()) return goOn(application, index, { pending: turns.next(), deadlineMs })
  }
  return end
}

function applyOrWait({ tx, handlers, codec, parked, wait }: Application, task: EventTask): Promise<void> | undefined {
  if (parked.isEmpty || !parked.has(keyOf(task.record))) return applyEvent(task, tx, handlers, codec)
  wait(task)
  return undefined
}

interface Pause {
  /** Answers how many milliseconds are none of this transaction's. */
  readonly pending: Promise<number | void>
  readonly deadlineMs: number
}

async function goOn(application: Application, applied: number, { pending, deadlineMs }: Pause): Promise<number> {
  const { tasks, end, turns } = application
  let endsAtMs = deadlineMs + ((await pending) ?? 0)
  for (let index = applied + 1; index < end; index++) {
    const task = tasks[index]
    if (task === undefined) return index
    const next = applyOrWait(application, task)
    if (next !== undefined) await next
    else if (index % CLOCK_CHECK_EVENTS !== 0) continue
    if (performance.now() >= endsAtMs) return index + 1
    if (turns.isOver()) endsAtMs += await turns.next()
  }
  return end
}
