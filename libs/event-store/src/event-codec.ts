import type { AnyEventType, DomainEvent, UpcasterDescriptor } from '@keyfold/eventsourcing'

/**
 * Events to record values and back, through the schema registry: Confluent's wire format around Avro. A stored value
 * is decoded with the schema it was written with, resolved into the shape in which upcasters start or else into the
 * newest one that the code knows, and taken through the upcasters.
 */
export interface EventCodec {
  /**
   * Makes the event types of one topic known: finds or registers their subjects (`<topic>-<full name>`), and takes the
   * upcasters that lead to them. Errors: `UPCASTERS_INVALID`, `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`,
   * `EVENT_NAME_TAKEN`.
   */
  register(topic: string, events: readonly AnyEventType[], upcasters?: readonly UpcasterDescriptor[]): Promise<void>
  /**
   * Encodes with the newest schema version that both the code and the registry hold. A value that only a newer version
   * of the code can carry makes the codec look at the registry again before it gives up.
   * Errors: `EVENT_DOES_NOT_FIT`, `EVENT_UNKNOWN`, `SCHEMA_NOT_REGISTERED`.
   */
  encode(topic: string, event: DomainEvent): EncodedEvent | Promise<EncodedEvent>
  /** Fetches the schemas of the values that are not cached yet, so that `decode` need not wait. */
  prepare(values: Iterable<Buffer>): Promise<void>
  /**
   * Decodes a prepared value. Errors: `SCHEMA_UNKNOWN` (not prepared), `VALUE_UNREADABLE`, `EVENT_UNKNOWN`,
   * `UPCASTER_FAILED`.
   */
  decode(value: Buffer): DecodedValue
  /** Whether any code of the application knows events of this full name. */
  knows(type: string): boolean
  /** The names under which events may be stored that become one of these: themselves, and what upcasters turn into them. */
  storedTypesOf(types: Iterable<string>): ReadonlySet<string>
  /**
   * Everything that the registry holds under the subjects of these events. A codec without a registry has no such thing.
   * Errors: `REGISTRY_UNREACHABLE`.
   */
  registered?(topic: string, events: readonly AnyEventType[]): Promise<readonly RegisteredSchema[]>
}

/** A version of an event's subject, as the registry holds it. */
export interface RegisteredSchema {
  /** The event's full name. */
  readonly event: string
  readonly subject: string
  readonly version: number
  readonly id: number
  /** The schema's text, types of other subjects written out in it. */
  readonly schema: string
}

export interface EncodedEvent {
  readonly value: Buffer
  readonly schemaId: number
  /** The event's schema version it was written with. */
  readonly schemaVersion: number
  /** What a reader will get back: defaults filled in. */
  readonly data: unknown
}

/** The schema that a value was written with. */
export interface WrittenSchema {
  readonly id: number
  /** The Avro full name: what the event was called when it was written. */
  readonly name: string
  /** The event's version; undefined when this code knows no version with that schema. */
  readonly version: number | undefined
  /** The registry's guid: MD5 of the canonical text and the references as UUID text. Undefined when the schema cannot be parsed. */
  readonly guid: string | undefined
}

export interface DecodedValue {
  readonly schema: WrittenSchema
  /** What it means to the code of today: one event nearly always; several or none when an upcaster says so. */
  readonly events: readonly DomainEvent[]
}
