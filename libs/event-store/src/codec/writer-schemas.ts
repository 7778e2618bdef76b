import { AvroError, type AvroType, avroType, type BodyReader, decodeWire } from '@keyfold/avro'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EventSchemas, HeldVersion } from './event-schemas.ts'
import type { SchemaRegistryClient } from './schema-registry-client.ts'

/** How values of one schema id are read. */
interface WriterSchema {
  readonly name: string
  /** The event's schema version that this is; undefined when the code knows no version like it. */
  readonly version: number | undefined
  /** Resolved into the newest shape. Throws when the code does not know the event. */
  readonly read: BodyReader
}

/** Schema ids are few; this many are kept at most, oldest dropped first. */
const keptIds = 4_096

/** The schemas that values were written with, by id. What an id means never changes, so it is fetched once. */
export class WriterSchemas {
  readonly #registry: SchemaRegistryClient
  /** By full name: what the code knows of the event. */
  readonly #events = new Map<string, EventSchemas>()
  readonly #byId = new Map<number, WriterSchema>()
  readonly #fetching = new Map<number, Promise<void>>()

  constructor(registry: SchemaRegistryClient) {
    this.#registry = registry
  }

  /** Makes an event readable. Errors: `EVENT_NAME_TAKEN` when another event has the same name. */
  learn(schemas: EventSchemas): void {
    const known = this.#events.get(schemas.name)
    if (known !== undefined && known.newest.type.fingerprint !== schemas.newest.type.fingerprint) {
      throw fail(
        'EVENT_NAME_TAKEN',
        `the event name ${schemas.name} stands for different schemas on topics ${known.topic} and ${schemas.topic}`,
      )
    }
    if (known !== undefined) return
    this.#events.set(schemas.name, schemas)
    // An id of this event may have been fetched while its name was unknown.
    for (const [id, { name }] of this.#byId) if (name === schemas.name) this.#byId.delete(id)
  }

  /** Notes the id of a version that is registered, so that it need not be fetched. */
  know(schemas: EventSchemas, { schemaId, version, type }: HeldVersion): void {
    if (schemaId === undefined) return
    this.#keep(schemaId, { name: schemas.name, version, read: readerOf(schemas, type) })
  }

  /** Errors: `SCHEMA_UNKNOWN`. */
  of(schemaId: number): WriterSchema {
    const found = this.#byId.get(schemaId)
    if (found === undefined)
      throw fail('SCHEMA_UNKNOWN', `schema ${schemaId} was not prepared, or ${this.#registry.url} does not have it`)
    return found
  }

  async prepare(values: Iterable<Buffer>): Promise<void> {
    const missing = new Set<number>()
    for (const value of values) {
      const id = schemaIdOf(value)
      if (id !== undefined && !this.#byId.has(id)) missing.add(id)
    }
    if (missing.size > 0) await Promise.all([...missing].map((id) => this.#fetchOnce(id)))
  }

  #fetchOnce(id: number): Promise<void> {
    const under = this.#fetching.get(id)
    if (under !== undefined) return under
    const fetching = this.#fetch(id).finally(() => this.#fetching.delete(id))
    this.#fetching.set(id, fetching)
    return fetching
  }

  async #fetch(id: number): Promise<void> {
    const text = await this.#registry.schemaText(id)
    if (text === undefined) return
    const writer = readableType(text, id)
    if (typeof writer === 'function') {
      this.#keep(id, { name: `schema ${id}`, version: undefined, read: writer })
      return
    }
    const name = writer.fullName
    const event = this.#events.get(name)
    if (event === undefined) {
      this.#keep(id, { name, version: undefined, read: refusing(() => unknownEvent(name)) })
      return
    }
    const version = event.versions.find(({ type }) => type.fingerprint === writer.fingerprint)?.version
    this.#keep(id, { name, version, read: readerOf(event, writer) })
  }

  #keep(id: number, writer: WriterSchema): void {
    this.#byId.set(id, writer)
    const [oldest] = this.#byId.keys()
    if (this.#byId.size > keptIds && oldest !== undefined) this.#byId.delete(oldest)
  }
}

function schemaIdOf(value: Buffer): number | undefined {
  // Values that are none are found out when they are decoded.
  return value.length >= 5 && value[0] === 0 ? decodeWire(value).schemaId : undefined
}

/** The type of a fetched schema, or a reader that says why there is none. */
function readableType(text: string, id: number): AvroType | BodyReader {
  try {
    return avroType(text)
  } catch (error) {
    return refusing(() => asKeyfoldError(error, 'VALUE_UNREADABLE', `schema ${id}`))
  }
}

function readerOf(event: EventSchemas, writer: AvroType): BodyReader {
  try {
    return event.newest.type.readerOf(writer)
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    return refusing(() => asKeyfoldError(error, 'VALUE_UNREADABLE', `a value of ${event.name}`))
  }
}

function refusing(error: () => Error): BodyReader {
  return () => {
    throw error()
  }
}

function unknownEvent(name: string): Error {
  return fail('EVENT_UNKNOWN', `a stored event ${name} is not among the events that this code knows`, {
    details: { type: name },
  })
}
