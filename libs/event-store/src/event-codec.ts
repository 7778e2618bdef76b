import type { AnyEventType, DomainEvent } from '@keyfold/eventsourcing'

/**
 * Events to record values and back, through the schema registry: Confluent's wire format around Avro. A stored value
 * is decoded with the schema it was written with, resolved into the newest shape that the code knows.
 */
export interface EventCodec {
  /**
   * Makes the event types of one topic known: finds or registers their subjects (`<topic>-<full name>`).
   * Errors: `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`, `EVENT_NAME_TAKEN`.
   */
  register(topic: string, events: readonly AnyEventType[]): Promise<void>
  /**
   * Encodes with the newest schema version that both the code and the registry hold. A value that only a newer version
   * of the code can carry makes the codec look at the registry again before it gives up.
   * Errors: `EVENT_DOES_NOT_FIT`, `EVENT_UNKNOWN`, `SCHEMA_NOT_REGISTERED`.
   */
  encode(topic: string, event: DomainEvent): EncodedEvent | Promise<EncodedEvent>
  /** Fetches the schemas of the values that are not cached yet, so that `decode` need not wait. */
  prepare(values: Iterable<Buffer>): Promise<void>
  /** Decodes a prepared value. Errors: `SCHEMA_UNKNOWN` (not prepared), `VALUE_UNREADABLE`, `EVENT_UNKNOWN`. */
  decode(value: Buffer): DecodedEvent
}

export interface EncodedEvent {
  readonly value: Buffer
  readonly schemaId: number
  /** The event's schema version it was written with. */
  readonly schemaVersion: number
  /** What a reader will get back: defaults filled in. */
  readonly data: unknown
}

export interface DecodedEvent {
  /** The Avro full name. */
  readonly type: string
  readonly schemaId: number
  /** The schema version it was written with; undefined when this code knows no version with that schema. */
  readonly schemaVersion: number | undefined
  readonly data: unknown
}
