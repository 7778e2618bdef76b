import type { ProjectionContext, ProjectionHandler, ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { KeyfoldContext } from './keyfold-context.ts'
import { contextOfEvent } from './request-context.ts'

/** What happens around the handlers of a projector; `handle` is the next one within. */
export type AroundHandlers = (event: ProjectionContext, handle: () => void | Promise<void>) => void | Promise<void>

/** The same projector with something around each of its handlers and effects. */
export function surrounded(projector: ProjectorDescriptor, around: AroundHandlers): ProjectorDescriptor {
  const wrapped = (handlers: ProjectorDescriptor['handlers']): ProjectorDescriptor['handlers'] =>
    new Map(
      [...handlers].map(([type, handle]): [string, ProjectionHandler] => [
        type,
        (data, event) => around(event, () => handle(data, event)),
      ]),
    )
  return { ...projector, handlers: wrapped(projector.handlers), effects: wrapped(projector.effects) }
}

/** Runs handlers in the context of their event. Its headers are read only when a handler asks: a replay applies millions. */
export function inContextOfEvents(context: KeyfoldContext): AroundHandlers {
  return (event, handle) => context.runLazily(() => contextOfEvent(event.headers), handle)
}
