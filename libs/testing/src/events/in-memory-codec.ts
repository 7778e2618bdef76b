import { type AvroType, decodeWire, encodeWire } from '@keyfold/avro'
import {
  type DecodedValue,
  type EncodedEvent,
  type EventCodec,
  type EventReader,
  EventReaders,
  typeOfVersion,
} from '@keyfold/event-store'
import type { AnyEventType, DomainEvent, UpcasterDescriptor, VersionedEvent } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'

interface KnownSchema {
  readonly event: AnyEventType
  readonly version: number
  readonly type: AvroType
  /** What becomes of the values that this version wrote; made at first use. */
  read: EventReader | undefined
}

/**
 * An `EventCodec` without a registry: schema ids count from 1 in the order in which versions are registered. What it
 * encodes it reads back, so defaults are filled in and a misfit is noticed. It also writes events of older versions
 * (`eventAt`), which reach readers through resolution and upcasters as they would from the log.
 */
export class InMemoryCodec implements EventCodec {
  /** The schema with id n stands at n - 1. */
  readonly #schemas: KnownSchema[] = []
  readonly #ids = new Map<string, number>()
  readonly #newest = new Map<string, number>()
  readonly #readers = new EventReaders()

  /** `events` are known at once; more may be registered. */
  constructor(events: readonly AnyEventType[] = [], upcasters: readonly UpcasterDescriptor[] = []) {
    this.#learn('the codec', events, upcasters)
  }

  async register(
    topic: string,
    events: readonly AnyEventType[],
    upcasters: readonly UpcasterDescriptor[] = [],
  ): Promise<void> {
    this.#learn(topic, events, upcasters)
  }

  /** Errors: `EVENT_UNKNOWN`, `EVENT_DOES_NOT_FIT`. */
  encode(_topic: string, event: DomainEvent): EncodedEvent {
    const newest = this.#newest.get(event.type)
    const version = (event as Partial<VersionedEvent>).version ?? newest
    const id = this.#ids.get(`${event.type} ${version}`)
    const known = this.#schemas[(id ?? 0) - 1]
    if (id === undefined || known === undefined) {
      const what = newest === undefined ? `no event ${event.type}` : `no version ${version} of ${event.type}`
      throw fail('EVENT_UNKNOWN', `the codec knows ${what}`)
    }
    try {
      const body = known.type.encode(event.data)
      const data = known.type.decode(body)
      return { value: encodeWire(id, body), schemaId: id, schemaVersion: known.version, data }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw fail('EVENT_DOES_NOT_FIT', `${event.type}: ${why}`, { cause: error })
    }
  }

  async prepare(_values: Iterable<Buffer>): Promise<void> {}

  /** Errors: `VALUE_UNREADABLE`, `SCHEMA_UNKNOWN`, `UPCASTER_FAILED`. */
  decode(value: Buffer): DecodedValue {
    const { schemaId: id, bodyOffset } = header(value)
    const written = this.#schemas[id - 1]
    if (written === undefined) throw fail('SCHEMA_UNKNOWN', `no schema has the id ${id}`)
    const { event, version, type } = written
    const name = event.eventName
    written.read ??= this.#readers.readerOf(name, type, version)
    return { schema: { id, name, version, guid: type.fingerprint }, events: written.read(value, bodyOffset) }
  }

  knows(type: string): boolean {
    return this.#readers.knows(type)
  }

  storedTypesOf(types: Iterable<string>): ReadonlySet<string> {
    return this.#readers.storedTypesOf(types)
  }

  #learn(place: string, events: readonly AnyEventType[], upcasters: readonly UpcasterDescriptor[]): void {
    const changed = this.#readers.learn(place, events, upcasters)
    for (const known of this.#schemas) if (changed.has(known.event.eventName)) known.read = undefined
    const sources = upcasters.flatMap(({ source }) => source ?? [])
    for (const event of [...events, ...sources]) this.#add(event)
  }

  #add(event: AnyEventType): void {
    if (this.#newest.has(event.eventName)) return
    for (const known of event.versions) {
      const { version } = known
      this.#schemas.push({ event, version, type: typeOfVersion(known), read: undefined })
      this.#ids.set(`${event.eventName} ${version}`, this.#schemas.length)
    }
    this.#newest.set(event.eventName, event.newest.version)
  }
}

function header(value: Buffer): { readonly schemaId: number; readonly bodyOffset: number } {
  try {
    return decodeWire(value)
  } catch (error) {
    throw fail('VALUE_UNREADABLE', error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** A codec that knows these events, and the upcasters that lead to them. */
export function inMemoryCodec(
  events: readonly AnyEventType[] = [],
  upcasters: readonly UpcasterDescriptor[] = [],
): InMemoryCodec {
  return new InMemoryCodec(events, upcasters)
}
