import { type AvroType, avroType, type BodyReader, decodeWire, encodeWire } from '@keyfold/avro'
import type { DecodedEvent, EncodedEvent, EventCodec } from '@keyfold/event-store'
import type { AnyEventType, DomainEvent } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'

interface KnownSchema {
  readonly event: AnyEventType
  readonly version: number
  readonly type: AvroType
  /** Reads what this version wrote in the newest shape; made at first use. */
  read: BodyReader | undefined
}

/**
 * An `EventCodec` without a registry: schema ids count from 1 in the order in which versions are registered. What it
 * encodes it reads back through the newest version, so defaults are filled in and a misfit is noticed.
 */
export class InMemoryCodec implements EventCodec {
  /** The schema with id n stands at n - 1. */
  readonly #schemas: KnownSchema[] = []
  readonly #newest = new Map<string, { readonly id: number; readonly known: KnownSchema }>()

  /** `events` are known at once; more may be registered. */
  constructor(events: readonly AnyEventType[] = []) {
    for (const event of events) this.#add(event)
  }

  async register(_topic: string, events: readonly AnyEventType[]): Promise<void> {
    for (const event of events) this.#add(event)
  }

  /** Errors: `EVENT_UNKNOWN`, `EVENT_DOES_NOT_FIT`. */
  encode(_topic: string, event: DomainEvent): EncodedEvent {
    const newest = this.#newest.get(event.type)
    if (newest === undefined) throw fail('EVENT_UNKNOWN', `the codec knows no event ${event.type}`)
    const { id, known } = newest
    try {
      const body = known.type.encode(event.data)
      return { value: encodeWire(id, body), schemaId: id, schemaVersion: known.version, data: known.type.decode(body) }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw fail('EVENT_DOES_NOT_FIT', `${event.type}: ${why}`, { cause: error })
    }
  }

  async prepare(_values: Iterable<Buffer>): Promise<void> {}

  /** Errors: `VALUE_UNREADABLE`, `SCHEMA_UNKNOWN`. */
  decode(value: Buffer): DecodedEvent {
    const { schemaId, bodyOffset } = header(value)
    const written = this.#schemas[schemaId - 1]
    const newest = written && this.#newest.get(written.event.eventName)
    if (written === undefined || newest === undefined) throw fail('SCHEMA_UNKNOWN', `no schema has the id ${schemaId}`)
    written.read ??= newest.known.type.readerOf(written.type)
    return {
      type: written.event.eventName,
      schemaId,
      schemaVersion: written.version,
      data: written.read(value, bodyOffset),
    }
  }

  #add(event: AnyEventType): void {
    if (this.#newest.has(event.eventName)) return
    for (const { version, schema } of event.versions) {
      const known = { event, version, type: avroType(schema as string | object), read: undefined }
      this.#schemas.push(known)
      this.#newest.set(event.eventName, { id: this.#schemas.length, known })
    }
  }
}

function header(value: Buffer): { readonly schemaId: number; readonly bodyOffset: number } {
  try {
    return decodeWire(value)
  } catch (error) {
    throw fail('VALUE_UNREADABLE', error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** A codec that knows these events. */
export function inMemoryCodec(events: readonly AnyEventType[] = []): InMemoryCodec {
  return new InMemoryCodec(events)
}
