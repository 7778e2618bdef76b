import type { AnyCommandType, Command } from './command.ts'
import type { AnyEventType, DomainEvent } from './event.ts'
import type { Rejection } from './rejection.ts'
import type { UpcasterDescriptor } from './upcaster.ts'

/**
 * What the runtime knows of an aggregate, whichever way it was written: its name and topic, the state it starts from,
 * a decision per command and a step per event. Everything in it is pure.
 */
export interface AggregateDescriptor {
  readonly kind: 'aggregate'
  /** Unique in an application. */
  readonly name: string
  /** The Kafka topic of its events; the aggregate's id is their key. */
  readonly topic: string
  readonly initialState: () => unknown
  /**
   * The version of what `evolve` makes of events. Raise it whenever a step changes: states that were kept under another
   * version are thrown away and folded again.
   */
  readonly stateVersion: number
  /**
   * Aggregates with the same partition key share a partition and may be decided on together. It is a function of the
   * aggregate's id, so that everybody finds an aggregate by its id alone; fixed for a topic's life.
   */
  readonly partitionKey: (key: string) => string
  /** By command name. */
  readonly decide: ReadonlyMap<string, CommandHandler>
  /** By event name. */
  readonly evolve: ReadonlyMap<string, EventApplier>
  readonly commands: readonly AnyCommandType[]
  readonly events: readonly AnyEventType[]
  /** How events that older code stored become the ones above. */
  readonly upcasters: readonly UpcasterDescriptor[]
}

export type CommandHandler = (command: Command, state: unknown, context: DecisionContext) => Decision
/** Returns the state after the event. It may be the same object, changed. */
export type EventApplier = (state: unknown, data: unknown, context: EventContext) => unknown

/** What a command led to: events, nothing to do, or a rejection. */
export type Decision = DomainEvent | readonly DomainEvent[] | Rejection | undefined | void

/** The world as a decision sees it. Clock and ids come from here, so that a decision can be repeated exactly. */
export interface DecisionContext {
  /** The aggregate's id. */
  readonly key: string
  /** The version the decision is made on: how many events the aggregate has. */
  readonly version: number
  readonly commandId: string
  readonly now: Date
  /** A new unique id. */
  readonly newId: () => string
  /**
   * Another aggregate of the same topic and partition key, as it is at this moment: for rules over several of them, such
   * as a name that must be unique. It must not be changed; `eventFor` gives it events.
   * @throws {TypeError} when its partition key is another one.
   */
  readonly stateOf: <State = unknown>(key: string) => AggregateView<State>
}

/** An aggregate as a decision on another one sees it. */
export interface AggregateView<State = unknown> {
  readonly state: Readonly<State>
  /** 0: it has no event yet. */
  readonly version: number
}

export interface EventContext {
  readonly key: string
  /** The version that this event makes: 1 for the first. */
  readonly version: number
  readonly time: Date
}

/** One row of a plain aggregate's `decide`: the command class and its decision. */
export interface HandlerEntry<State> {
  readonly command: AnyCommandType
  readonly handler: (command: never, state: State, context: DecisionContext) => Decision
}

/** One row of a plain aggregate's `evolve`: the event type and its step. */
export interface ApplierEntry<State> {
  readonly event: AnyEventType
  readonly applier: (state: State, data: never, context: EventContext) => State
}

export interface AggregateOptions<State> {
  readonly name: string
  readonly topic: string
  readonly initialState: () => State
  /** Default 1. Raise it whenever a step of `evolve` changes what a state is. */
  readonly stateVersion?: number
  /** Default: the id itself. `(id) => id.split('/')[0] ?? id` puts all of a tenant's aggregates into one partition. */
  readonly partitionKey?: (key: string) => string
  readonly decide: readonly HandlerEntry<State>[]
  readonly evolve: readonly ApplierEntry<State>[]
  /** Events that it emits but does not learn from. */
  readonly emits?: readonly AnyEventType[]
  /** How events that older code stored become those of today: `upcast`, `split`, `renamed`, `dropped`. */
  readonly upcasters?: readonly UpcasterDescriptor[]
}

/** A row of `decide`. */
export function handles<Type extends AnyCommandType, State>(
  command: Type,
  handler: (command: InstanceType<Type>, state: State, context: DecisionContext) => Decision,
): HandlerEntry<State> {
  return { command, handler }
}

/** A row of `evolve`. */
export function applies<Type extends AnyEventType, State>(
  event: Type,
  applier: (state: State, data: NonNullable<Type['__data']>, context: EventContext) => State,
): ApplierEntry<State> {
  return { event, applier }
}

/**
 * An aggregate as a plain value.
 * @throws {TypeError} when a command or an event appears twice, or a name is empty.
 */
export function aggregate<State>(options: AggregateOptions<State>): AggregateDescriptor {
  const { name, topic, initialState, decide, evolve, emits = [], upcasters = [] } = options
  const { stateVersion = 1, partitionKey = (key: string) => key } = options
  if (name === '' || topic === '') throw new TypeError('an aggregate needs a name and a topic')
  const commands = decide.map(({ command }) => command)
  const applied = evolve.map(({ event }) => event)
  refuseDuplicates(
    `aggregate ${name} handles`,
    commands.map(({ command }) => command.name),
  )
  refuseDuplicates(
    `aggregate ${name} applies`,
    applied.map(({ eventName }) => eventName),
  )
  return {
    kind: 'aggregate',
    name,
    topic,
    initialState,
    stateVersion,
    partitionKey,
    decide: new Map(decide.map(({ command, handler }) => [command.command.name, handler as CommandHandler])),
    evolve: new Map(evolve.map(({ event, applier }) => [event.eventName, applier as EventApplier])),
    commands,
    events: [...new Set([...applied, ...emits])],
    upcasters,
  }
}

/** Refuses a list in which a name stands twice. */
export function refuseDuplicates(what: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`${what} ${twice} twice: keep one, or give the other a name of its own`)
}
