import { type Decision, type DomainEvent, isRejection, KeyfoldError, type Rejection } from '@keyfold/eventsourcing'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EncodedEvent } from '../event-codec.ts'
import type { WriterContext } from './claim.ts'
import type { AggregateMemory } from './aggregate-cache.ts'
import type { CommandRequest } from './pending-command.ts'

/** What the aggregate made of a command; `failed` covers everything that keeps it from having an effect. */
export type DecidedCommand =
  | { readonly kind: 'events'; readonly events: readonly DecidedEvent[]; readonly now: Date }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'failed'; readonly error: ReturnType<typeof asKeyfoldError>; readonly dependsOnState: boolean }

export interface DecidedEvent {
  /** The aggregate that it happened to. */
  readonly key: string
  readonly type: string
  readonly encoded: EncodedEvent
}

/** Where a decision finds aggregates as they are now. */
export interface Memories {
  readonly of: (key: string) => AggregateMemory
}

/**
 * Runs the decision on the aggregate as it is now and encodes its events. Changes nothing. A promise only when a schema
 * has to be asked for: to wait for what is there costs a command more memory than its event.
 */
export function decideCommand(
  context: WriterContext,
  request: CommandRequest,
  memories: Memories,
): DecidedCommand | Promise<DecidedCommand> {
  const { expectedVersion, key, name } = request
  const memory = memories.of(key)
  if (expectedVersion !== undefined && expectedVersion !== memory.version) {
    const error = fail('EXPECTED_VERSION_CONFLICT', `${key} has version ${memory.version}, not ${expectedVersion}`, {
      details: { expected: expectedVersion, actual: memory.version },
    })
    return { kind: 'failed', error, dependsOnState: true }
  }
  const failed = (error: unknown): DecidedCommand => {
    if (isStoreLost(error)) throw error
    const cause = asKeyfoldError(error, 'COMMAND_FAILED', `${name} for ${key}`)
    return { kind: 'failed', error: cause, dependsOnState: false }
  }
  const now = context.clock()
  try {
    const decision = runHandler(context, request, memories, now)
    if (isRejection(decision)) return { kind: 'rejected', rejection: decision }
    const events = encodeAll(context, key, eventsOf(decision))
    if (events instanceof Promise)
      return events.then((late) => ({ kind: 'events', events: late, now }) as const, failed)
    return { kind: 'events', events, now }
  } catch (error) {
    return failed(error)
  }
}

/** One after the other: the first that has to be waited for makes the rest wait. */
function encodeAll(
  context: WriterContext,
  key: string,
  events: readonly DomainEvent[],
): DecidedEvent[] | Promise<DecidedEvent[]> {
  const decided: DecidedEvent[] = []
  for (const event of events) {
    const encoded = encodeOne(context, key, event)
    if (encoded instanceof Promise) return withTheRest(encoded)
    decided.push(encoded)
  }
  return decided

  async function withTheRest(waitedFor: Promise<DecidedEvent>): Promise<DecidedEvent[]> {
    decided.push(await waitedFor)
    for (const event of events.slice(decided.length)) decided.push(await encodeOne(context, key, event))
    return decided
  }
}

function encodeOne(context: WriterContext, key: string, event: DomainEvent): DecidedEvent | Promise<DecidedEvent> {
  refuseForeign(context, event)
  refuseElsewhere(context, key, event.key)
  const { key: own = key, type } = event
  const encoded = context.codec.encode(context.aggregate.topic, event)
  if (encoded instanceof Promise) return encoded.then((late) => ({ key: own, type, encoded: late }))
  return { key: own, type, encoded }
}

function runHandler(context: WriterContext, request: CommandRequest, memories: Memories, now: Date): Decision {
  const { commandId, key, name } = request
  const memory = memories.of(key)
  const handler = context.aggregate.decide.get(name)
  if (handler === undefined) throw new TypeError(`${context.aggregate.name} has no handler of ${name}`)
  const decision = handler(request.command, memory.state, {
    key,
    version: memory.version,
    commandId,
    now,
    newId: context.newId,
    stateOf: <State>(other: string) => {
      refuseElsewhere(context, key, other)
      const { state, version } = memories.of(other)
      return { state: state as State, version }
    },
  })
  if (decision instanceof Promise)
    throw new TypeError('the handler returned a promise: decisions are made at once, on what the aggregate knows')
  return decision
}

/** @throws {TypeError} when it is neither events nor nothing. */
export function eventsOf(decision: Exclude<Decision, Rejection>): readonly DomainEvent[] {
  if (decision === undefined) return []
  const events: readonly DomainEvent[] = Array.isArray(decision) ? decision : [decision as DomainEvent]
  const odd = events.find((event) => typeof event?.type !== 'string')
  if (odd !== undefined)
    throw new TypeError(`the handler returned ${JSON.stringify(odd)}, which is neither event nor rejection`)
  return events
}

/** Errors: `EVENT_UNKNOWN`. */
export function refuseForeign({ aggregate }: Pick<WriterContext, 'aggregate'>, { type }: DomainEvent): void {
  if (aggregate.events.some(({ eventName }) => eventName === type)) return
  throw fail('EVENT_UNKNOWN', `${aggregate.name} emitted ${type}, which is not among its events`, { details: { type } })
}

/** Errors: `AGGREGATE_ELSEWHERE`. */
function refuseElsewhere({ aggregate }: WriterContext, key: string, other: string | undefined): void {
  if (other === undefined || other === key) return
  if (other !== '' && aggregate.partitionKey(other) === aggregate.partitionKey(key)) return
  throw fail('AGGREGATE_ELSEWHERE', `${aggregate.name} ${other} has another partition key than ${key}`, {
    details: { key, other },
  })
}

/** The state that a decision needs cannot be had: that is no failure of its command. */
export function isStoreLost(error: unknown): boolean {
  return error instanceof KeyfoldError && error.code === 'STATE_STORE_LOST'
}
