/** Something that happened, as a command handler returns it: the event's name and what it says. */
export interface DomainEvent<Name extends string = string, Data = unknown> {
  readonly type: Name
  readonly data: Data
}

/** One published version of an event's Avro schema. Versions count from 1 without gaps. */
export interface EventSchemaVersion {
  readonly version: number
  readonly schema: unknown
}

export interface EventDefinition<Name extends string = string> {
  /** The Avro full name. It is the event's identity: never a class name, never changed. */
  readonly name: Name
  /** Oldest first. The last one is what the code reads; older ones are what it may still find stored. */
  readonly versions: readonly EventSchemaVersion[]
}

/**
 * An event type: called, it makes an event; `Data` is what readers get, `Input` what writers must give (fields with a
 * default may be left out). Generated from `schemas/`.
 */
export interface EventType<Name extends string = string, Data = unknown, Input = Data> extends EventDefinition<Name> {
  (data: Input): DomainEvent<Name, Input>
  readonly eventName: Name
  /** Never there at run time: carries the type of what readers get. */
  readonly __data?: Data
}

/** Any event type, whatever it carries. */
// eslint-disable-next-line typescript/no-explicit-any -- the parameter of a function type is contravariant: nothing else accepts all
export type AnyEventType = EventType<string, any, any>

export type DataOf<Type> = Type extends EventType<string, infer Data, never> ? Data : never

/**
 * Defines an event type.
 * @throws {TypeError} when the versions do not count 1, 2, 3 …
 */
export function defineEvent<Name extends string, Data, Input = Data>(
  definition: EventDefinition<Name>,
): EventType<Name, Data, Input> {
  const { name, versions } = definition
  if (versions.length === 0 || versions.some(({ version }, index) => version !== index + 1))
    throw new TypeError(`event ${name}: versions must count 1, 2, 3 … without gaps`)
  const create = (data: Input): DomainEvent<Name, Input> => ({ type: name, data })
  // A function's own `name` is read-only: it is redefined so that `AccountOpened.name` is the event's.
  Object.defineProperty(create, 'name', { value: name })
  return Object.assign(create, { eventName: name, versions }) as unknown as EventType<Name, Data, Input>
}
