/** Something that happened, as a command handler returns it: the event's name and what it says. */
export interface DomainEvent<Name extends string = string, Data = unknown> {
  readonly type: Name
  readonly data: Data
  /** The aggregate that it happened to, when that is not the one its command was for. */
  readonly key?: string
}

/**
 * An event of another aggregate of the same partition key than the command's: it is stored under that one's id, in the
 * same transaction, or not at all.
 */
export function eventFor<Event extends DomainEvent>(key: string, event: Event): Event & { readonly key: string } {
  return { ...event, key }
}

/** An event in the shape of a version that need not be the newest: what old code wrote, or what an upcaster gives. */
export interface VersionedEvent<Name extends string = string, Data = unknown> extends DomainEvent<Name, Data> {
  readonly version: number
}

/** One published version of an event's Avro schema. Versions count from 1 without gaps. */
export interface EventSchemaVersion {
  readonly version: number
  readonly schema: unknown
  /** MD5 of the schema's canonical text as UUID text: what a registry calls its guid. */
  readonly guid?: string
  /** What the schema file lists under `keyfold.lint`: exceptions from lint rules, with their reasons. */
  readonly lint?: unknown
  /** Types that the schema uses by their names and does not define itself. */
  readonly references?: readonly TypeReference[]
}

/** A type that schemas of events use by its full name, with everything that was published of it. */
export interface SharedType {
  readonly name: string
  /** Oldest first. */
  readonly versions: readonly EventSchemaVersion[]
}

/** Which version of another type a schema uses, and the subject under which a registry has that type. */
export interface TypeReference {
  readonly subject: string
  /** Of `type`; the registry may count otherwise. */
  readonly version: number
  readonly type: SharedType
}

/** What reading and writing one version means in TypeScript. */
export interface VersionTypes {
  readonly read: unknown
  readonly write: unknown
}

/** The history of an event that was written by hand: its versions have no types. */
export type UntypedHistory = Readonly<
  // eslint-disable-next-line typescript/no-explicit-any -- functions over a version's data declare what they expect
  Record<number, { readonly read: any; readonly write: any }>
>

/** The versions of an event type that TypeScript knows. */
export type VersionOf<Type extends AnyEventType> = keyof HistoryOf<Type> & number

/** What reading version `Version` of an event gives. */
export type ReadOf<Type extends AnyEventType, Version> = Version extends keyof HistoryOf<Type>
  ? HistoryOf<Type>[Version] extends { readonly read: infer Read }
    ? Read
    : never
  : never

/** What writing version `Version` of an event takes. */
export type WriteOf<Type extends AnyEventType, Version> = Version extends keyof HistoryOf<Type>
  ? HistoryOf<Type>[Version] extends { readonly write: infer Write }
    ? Write
    : never
  : never

type HistoryOf<Type extends AnyEventType> = NonNullable<Type['__history']>

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
export interface EventType<
  Name extends string = string,
  Data = unknown,
  Input = Data,
  History extends object = UntypedHistory,
> extends EventDefinition<Name> {
  (data: Input): DomainEvent<Name, Input>
  readonly eventName: Name
  /** The newest version: its number, its Avro schema, and the schema's guid when the definition has it. */
  readonly newest: EventSchemaVersion
  /** Never there at run time: carries the type of what readers get. */
  readonly __data?: Data
  /** Never there at run time: carries the types of every version, by number. */
  readonly __history?: History
}

/** Any event type, whatever it carries. */
// eslint-disable-next-line typescript/no-explicit-any -- the parameter of a function type is contravariant: nothing else accepts all
export type AnyEventType = EventType<string, any, any, any>

export type DataOf<Type extends AnyEventType> = NonNullable<Type['__data']>

/**
 * Defines an event type.
 * @throws {TypeError} when the versions do not count 1, 2, 3 …
 */
export function defineEvent<Name extends string, Data, Input = Data, History extends object = UntypedHistory>(
  definition: EventDefinition<Name>,
): EventType<Name, Data, Input, History> {
  const { name, versions } = definition
  const newest = versions.at(-1)
  if (newest === undefined || versions.some(({ version }, index) => version !== index + 1))
    throw new TypeError(`event ${name}: versions must count 1, 2, 3 … without gaps`)
  const create = (data: Input): DomainEvent<Name, Input> => ({ type: name, data })
  // A function's own `name` is read-only: it is redefined so that `AccountOpened.name` is the event's.
  Object.defineProperty(create, 'name', { value: name })
  const members = { eventName: name, versions, newest }
  return Object.assign(create, members) as unknown as EventType<Name, Data, Input, History>
}

/**
 * An event as a given version of it was written: `eventAt(MoneyDeposited, 1, { amountCents: 5n })`.
 * @throws {TypeError} when the event has no such version.
 */
export function eventAt<Type extends AnyEventType, const Version extends VersionOf<Type>>(
  event: Type,
  version: Version,
  data: WriteOf<Type, Version>,
): VersionedEvent<Type['eventName'], WriteOf<Type, Version>> {
  if (event.versions[version - 1] === undefined)
    throw new TypeError(`event ${event.eventName} has no version ${version}: it has 1 to ${event.newest.version}`)
  return { type: event.eventName, data, version }
}
