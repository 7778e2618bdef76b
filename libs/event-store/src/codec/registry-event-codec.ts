import { AvroError, type AvroType, canonicalSchema, decodeWire, encodeWire } from '@keyfold/avro'
import type { AnyEventType, DomainEvent, UpcasterDescriptor, VersionedEvent } from '@keyfold/eventsourcing'
import { asKeyfoldError, fail } from '../errors.ts'
import type { DecodedValue, EncodedEvent, EventCodec, RegisteredSchema } from '../event-codec.ts'
import { ConfluentRegistryClient } from './confluent-registry-client.ts'
import { type EventSchemas, eventSchemas, type HeldVersion, newestRegistered } from './event-schemas.ts'
import { ReferencedSchemas } from './referenced-schemas.ts'
import { lookUp, registerVersions, type RegistrationPolicy } from './registration.ts'
import type { RegisteredVersion, SchemaRegistryClient } from './schema-registry-client.ts'
import { SharedTypes } from './shared-types.ts'
import { WriterSchemas } from './writer-schemas.ts'

export interface RegistryEventCodecOptions {
  /** Of the schema registry, or a client to use instead. */
  readonly url: string
  /** Default `all`. */
  readonly register?: RegistrationPolicy
  /** How long the registry may take to answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  readonly registry?: SchemaRegistryClient
  readonly clock?: () => number
}

/** While a newer version is not registered, the registry is asked for it again this often. */
const lookAgainMs = 1_000

/** Avro behind a schema registry that speaks Confluent's REST API. */
export class RegistryEventCodec implements EventCodec {
  readonly #registry: SchemaRegistryClient
  readonly #referenced: ReferencedSchemas
  readonly #shared: SharedTypes
  readonly #policy: RegistrationPolicy
  readonly #clock: () => number
  readonly #schemas = new Map<string, EventSchemas>()
  readonly #writers: WriterSchemas
  /** Look-ups under way and the time of the last one, by topic and event. */
  readonly #looking = new Map<EventSchemas, Promise<void>>()
  readonly #lookedAt = new Map<EventSchemas, number>()

  constructor({ url, register = 'all', timeoutMs = 5_000, registry, clock = Date.now }: RegistryEventCodecOptions) {
    this.#registry = registry ?? new ConfluentRegistryClient(url, timeoutMs)
    this.#referenced = new ReferencedSchemas(this.#registry)
    this.#shared = new SharedTypes(this.#registry)
    this.#policy = register
    this.#clock = clock
    this.#writers = new WriterSchemas(this.#registry, this.#referenced)
  }

  async register(
    topic: string,
    events: readonly AnyEventType[],
    upcasters: readonly UpcasterDescriptor[] = [],
  ): Promise<void> {
    const ofTopic = events.map((event) => eventSchemas(topic, event))
    this.#writers.learn(topic, events, upcasters)
    await Promise.all(ofTopic.map((schemas) => this.#register(schemas)))
  }

  encode(topic: string, event: DomainEvent): EncodedEvent | Promise<EncodedEvent> {
    const schemas = this.#schemas.get(placeOf(topic, event.type))
    if (schemas === undefined) throw fail('EVENT_UNKNOWN', `no schema of ${event.type} is known for topic ${topic}`)
    const body = this.#encodeBody(schemas, event)
    const held = newestRegistered(schemas)
    if (held === schemas.newest) return encoded(schemas, held, body, body)
    if (held !== undefined) {
      const older = this.#encodeAsOlder(held.type, schemas, body)
      if (older !== undefined) {
        this.#lookAgainSoon(schemas)
        return encoded(schemas, held, older, body)
      }
    }
    return this.#encodeAfterLooking(schemas, body)
  }

  prepare(values: Iterable<Buffer>): Promise<void> {
    return this.#writers.prepare(values)
  }

  decode(value: Buffer): DecodedValue {
    const { schemaId, bodyOffset } = wireHeader(value)
    const { schema, read } = this.#writers.of(schemaId)
    try {
      return { schema, events: read(value, bodyOffset) }
    } catch (error) {
      throw asKeyfoldError(error, 'VALUE_UNREADABLE', `a value of ${schema.name} (schema ${schemaId})`)
    }
  }

  knows(type: string): boolean {
    return this.#writers.knows(type)
  }

  storedTypesOf(types: Iterable<string>): ReadonlySet<string> {
    return this.#writers.storedTypesOf(types)
  }

  async registered(topic: string, events: readonly AnyEventType[]): Promise<readonly RegisteredSchema[]> {
    const ofEvents = await Promise.all(
      events.map(async ({ eventName: event }) => {
        const subject = `${topic}-${event}`
        const versions = await this.#registry.versions(subject)
        return Promise.all(
          versions.map(async (held) => {
            const { version, id } = held
            return { event, subject, version, id, schema: await this.#selfContainedText(held) }
          }),
        )
      }),
    )
    return ofEvents.flat()
  }

  async #selfContainedText(held: RegisteredVersion): Promise<string> {
    if (held.references.length === 0) return held.schema
    try {
      return canonicalSchema({ root: (await this.#referenced.parse(held)).root })
    } catch (error) {
      if (!(error instanceof AvroError)) throw error
      // Whoever judges it finds out what is missing.
      return held.schema
    }
  }

  async #register(schemas: EventSchemas): Promise<void> {
    const place = placeOf(schemas.topic, schemas.name)
    const known = this.#schemas.get(place)
    if (known === undefined) {
      await registerVersions({ registry: this.#registry, shared: this.#shared }, schemas, this.#policy)
      this.#schemas.set(place, schemas)
    }
    for (const held of (known ?? schemas).versions) this.#writers.know(schemas, held)
  }

  #encodeBody(schemas: EventSchemas, event: DomainEvent): Buffer {
    const { version } = event as Partial<VersionedEvent>
    if (version !== undefined && version !== schemas.newest.version) {
      const message = `a new ${event.type} has the shape of version ${schemas.newest.version}, not ${version}`
      throw fail('EVENT_DOES_NOT_FIT', message, { details: { type: event.type, version } })
    }
    this.#writers.writable(event.type)
    return encodeBody(schemas, event.data)
  }

  /**
   * A value of the newest shape as an older version would write it; undefined when readers, upcasters included, would
   * not get the very same back.
   */
  #encodeAsOlder(older: AvroType, { name, newest }: EventSchemas, newestBody: Buffer): Buffer | undefined {
    try {
      const body = older.encode(older.readerOf(newest.type)(newestBody))
      const [back, ...more] = this.#writers.readBack(name, older, body)
      if (back?.type !== name || more.length > 0) return undefined
      return newest.type.encode(back.data).equals(newestBody) ? body : undefined
    } catch {
      // The older version cannot hold this value, or cannot be read into at all.
      return undefined
    }
  }

  /** The value says something that no registered version can hold: perhaps one was registered meanwhile. */
  async #encodeAfterLooking(schemas: EventSchemas, body: Buffer): Promise<EncodedEvent> {
    await this.#look(schemas)
    const held = newestRegistered(schemas)
    if (held === schemas.newest) return encoded(schemas, held, body, body)
    const older = held === undefined ? undefined : this.#encodeAsOlder(held.type, schemas, body)
    if (held !== undefined && older !== undefined) return encoded(schemas, held, older, body)
    const missing = schemas.versions.find(
      ({ version, type }) =>
        version > (held?.version ?? 0) &&
        (type === schemas.newest.type || this.#encodeAsOlder(type, schemas, body) !== undefined),
    )
    const version = missing?.version ?? schemas.newest.version
    throw fail(
      'SCHEMA_NOT_REGISTERED',
      `this ${schemas.name} needs version ${version} of its schema, and the registry holds ` +
        `${held === undefined ? 'none' : `version ${held.version}`}: register version ${version} of ${schemas.subject} first`,
      { details: { subject: schemas.subject, version, registered: held?.version } },
    )
  }

  #lookAgainSoon(schemas: EventSchemas): void {
    if (this.#clock() - (this.#lookedAt.get(schemas) ?? 0) < lookAgainMs) return
    // The event is written with an older version meanwhile, so a registry that is away does no harm here.
    this.#look(schemas).catch(() => undefined)
  }

  #look(schemas: EventSchemas): Promise<void> {
    const under = this.#looking.get(schemas)
    if (under !== undefined) return under
    this.#lookedAt.set(schemas, this.#clock())
    const looking = lookUp({ registry: this.#registry, shared: this.#shared }, schemas).finally(() => {
      this.#looking.delete(schemas)
      for (const held of schemas.versions) this.#writers.know(schemas, held)
    })
    this.#looking.set(schemas, looking)
    return looking
  }
}

function placeOf(topic: string, name: string): string {
  return `${topic} ${name}`
}

function encodeBody(schemas: EventSchemas, data: unknown): Buffer {
  try {
    return schemas.newest.type.encode(data)
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    const { path, expected, got } = error
    throw fail('EVENT_DOES_NOT_FIT', error.message, {
      cause: error,
      details: { type: schemas.name, field: path, expected, got },
    })
  }
}

/** `newestBody` is the same value in the newest shape: what readers will get. */
function encoded(schemas: EventSchemas, held: HeldVersion, body: Buffer, newestBody: Buffer): EncodedEvent {
  const schemaId = held.schemaId ?? 0
  const data = schemas.newest.type.decode(newestBody)
  return { value: encodeWire(schemaId, body), schemaId, schemaVersion: held.version, data }
}

function wireHeader(value: Buffer): { schemaId: number; bodyOffset: number } {
  try {
    return decodeWire(value)
  } catch (error) {
    throw asKeyfoldError(error, 'VALUE_UNREADABLE', 'a value')
  }
}
