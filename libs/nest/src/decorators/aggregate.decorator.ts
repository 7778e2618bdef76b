import {
  aggregate,
  type AggregateDescriptor,
  type AnyCommandType,
  type AnyEventType,
  applies,
  type Decision,
  type DecisionContext,
  DESCRIPTOR,
  type EventContext,
  handles,
  type UpcasterDescriptor,
} from '@keyfold/eventsourcing'
import { DescribedMembers } from './described-members.ts'
import { upcastersOf } from './upcast.decorator.ts'

export interface AggregateDecoratorOptions {
  /** Unique in the application; part of the identity of what is stored. */
  readonly name: string
  /** The topic of its events. */
  readonly topic: string
  /** Events that it emits but does not learn from. */
  readonly emits?: readonly AnyEventType[]
  /** Default 1. Raise it whenever an `@Applies` method changes what a state is: kept states are folded again. */
  readonly stateVersion?: number
  /** Default: the id itself. Aggregates with one partition key may be decided on together. */
  readonly partitionKey?: (key: string) => string
  /** Upcasters as plain values (`renamed`, `dropped`, `upcast`, `split`), besides the `@Upcast` methods of the class. */
  readonly upcasters?: readonly UpcasterDescriptor[]
}

/**
 * Makes a class an aggregate: its instances are the state, `@Handles` methods decide, `@Applies` methods take a step.
 * Methods are called on the state; a deciding method must not change it.
 */
export function Aggregate(options: AggregateDecoratorOptions) {
  return (target: StateClass): void => {
    let descriptor: AggregateDescriptor | undefined
    const build = () => (descriptor ??= describe(target, options))
    Object.defineProperty(target, DESCRIPTOR, { value: build })
  }
}

/** A method that decides a command: it returns events, a rejection, or nothing. */
export function Handles<Type extends AnyCommandType>(command: Type) {
  return <Method extends (command: InstanceType<Type>, context: DecisionContext) => Decision>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<Method>,
  ): void => handlerRows.add(prototype, { command, method })
}

/** A method that takes the step of one event, by changing the instance. */
export function Applies<Type extends AnyEventType>(event: Type) {
  return <Method extends (data: NonNullable<Type['__data']>, context: EventContext) => void>(
    prototype: object,
    method: string,
    _descriptor: TypedPropertyDescriptor<Method>,
  ): void => applierRows.add(prototype, { event, method })
}

export type StateClass = new () => object
type State = Readonly<Record<string, (...parameters: unknown[]) => unknown>>

/** The commands of an aggregate class, each with the method that decides it. */
export function commandMethods(
  target: StateClass,
): readonly { readonly command: AnyCommandType; readonly method: string }[] {
  return handlerRows.of(target.prototype as object)
}

const handlerRows = new DescribedMembers<{ readonly command: AnyCommandType; readonly method: string }>()
const applierRows = new DescribedMembers<{ readonly event: AnyEventType; readonly method: string }>()

function describe(target: StateClass, options: AggregateDecoratorOptions): AggregateDescriptor {
  return aggregate<State>({
    ...options,
    upcasters: [...(options.upcasters ?? []), ...upcastersOf(target)],
    initialState: () => new target() as State,
    decide: handlerRows
      .of(target.prototype as object)
      .map(({ command, method }) =>
        handles(command, (instance, state: State, context) => call(state, method, instance, context) as Decision),
      ),
    evolve: applierRows.of(target.prototype as object).map(({ event, method }) =>
      applies(event, (state: State, data, context) => {
        call(state, method, data, context)
        return state
      }),
    ),
  })
}

function call(state: State, method: string, ...parameters: unknown[]): unknown {
  const body = state[method]
  if (body === undefined) throw new TypeError(`${state.constructor.name}.${method} is gone from its prototype`)
  return body.apply(state, parameters)
}
