import { type Decision, type DomainEvent, isRejection, type Rejection } from '@keyfold/eventsourcing'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EncodedEvent } from '../event-codec.ts'
import type { WriterContext } from './claim.ts'
import type { AggregateMemory } from './partition-memory.ts'
import type { CommandRequest } from './pending-command.ts'

/** What the aggregate made of a command; `failed` covers everything that keeps it from having an effect. */
export type DecidedCommand =
  | { readonly kind: 'events'; readonly events: readonly DecidedEvent[]; readonly now: Date }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'failed'; readonly error: ReturnType<typeof asKeyfoldError>; readonly dependsOnState: boolean }

interface DecidedEvent {
  readonly type: string
  readonly encoded: EncodedEvent
}

/** Runs the decision on the aggregate as it is now and encodes its events. Changes nothing. */
export async function decideCommand(
  context: WriterContext,
  request: CommandRequest,
  memory: AggregateMemory,
): Promise<DecidedCommand> {
  const { expectedVersion, key, name } = request
  if (expectedVersion !== undefined && expectedVersion !== memory.version) {
    const error = fail('EXPECTED_VERSION_CONFLICT', `${key} has version ${memory.version}, not ${expectedVersion}`, {
      details: { expected: expectedVersion, actual: memory.version },
    })
    return { kind: 'failed', error, dependsOnState: true }
  }
  const now = context.clock()
  try {
    const decision = runHandler(context, request, memory, now)
    if (isRejection(decision)) return { kind: 'rejected', rejection: decision }
    const events: DecidedEvent[] = []
    for (const event of eventsOf(decision)) {
      refuseForeign(context, event)
      const encoded = context.codec.encode(context.aggregate.topic, event)
      events.push({ type: event.type, encoded: encoded instanceof Promise ? await encoded : encoded })
    }
    return { kind: 'events', events, now }
  } catch (error) {
    return {
      kind: 'failed',
      error: asKeyfoldError(error, 'COMMAND_FAILED', `${name} for ${key}`),
      dependsOnState: false,
    }
  }
}

function runHandler(context: WriterContext, request: CommandRequest, memory: AggregateMemory, now: Date): Decision {
  const { commandId, key, name } = request
  const handler = context.aggregate.decide.get(name)
  if (handler === undefined) throw new TypeError(`${context.aggregate.name} has no handler of ${name}`)
  const decision = handler(request.command, memory.state, {
    key,
    version: memory.version,
    commandId,
    now,
    newId: context.newId,
  })
  if (decision instanceof Promise)
    throw new TypeError('the handler returned a promise: decisions are made at once, on what the aggregate knows')
  return decision
}

function eventsOf(decision: Exclude<Decision, Rejection>): readonly DomainEvent[] {
  if (decision === undefined) return []
  const events: readonly DomainEvent[] = Array.isArray(decision) ? decision : [decision as DomainEvent]
  const odd = events.find((event) => typeof event?.type !== 'string')
  if (odd !== undefined)
    throw new TypeError(`the handler returned ${JSON.stringify(odd)}, which is neither event nor rejection`)
  return events
}

function refuseForeign({ aggregate }: WriterContext, { type }: DomainEvent): void {
  if (aggregate.events.some(({ eventName }) => eventName === type)) return
  throw fail('EVENT_UNKNOWN', `${aggregate.name} emitted ${type}, which is not among its events`, { details: { type } })
}
