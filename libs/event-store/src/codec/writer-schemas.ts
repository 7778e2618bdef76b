import { AvroError, type AvroType, avroType, decodeWire, schemaGuid } from '@keyfold/avro'
import type { AnyEventType, DomainEvent, UpcasterDescriptor } from '@keyfold/eventsourcing'
import { asKeyfoldError, fail } from '../errors.ts'
import type { WrittenSchema } from '../event-codec.ts'
import { type EventReader, EventReaders, unknownEvent } from './event-readers.ts'
import type { EventSchemas, HeldVersion } from './event-schemas.ts'
import type { ReferencedSchemas } from './referenced-schemas.ts'
import type { RegistrySchema, SchemaRegistryClient } from './schema-registry-client.ts'

/** How values of one schema id are read. */
interface WriterSchema {
  readonly schema: WrittenSchema
  /** What it becomes for the code of today. Throws when the code does not know the event. */
  readonly read: EventReader
}

/** Schema ids are few; this many are kept at most, oldest dropped first. */
const keptIds = 4_096

/** The schemas that values were written with, by id. What an id means never changes, so it is fetched once. */
export class WriterSchemas {
  readonly #registry: SchemaRegistryClient
  readonly #referenced: ReferencedSchemas
  readonly #readers = new EventReaders()
  readonly #byId = new Map<number, WriterSchema>()
  readonly #fetching = new Map<number, Promise<void>>()

  constructor(registry: SchemaRegistryClient, referenced: ReferencedSchemas) {
    this.#registry = registry
    this.#referenced = referenced
  }

  /** Makes events readable. Errors: `UPCASTERS_INVALID`, `EVENT_NAME_TAKEN`. */
  learn(topic: string, events: readonly AnyEventType[], upcasters: readonly UpcasterDescriptor[]): void {
    const changed = this.#readers.learn(topic, events, upcasters)
    // An id may have been fetched while less was known of its event.
    for (const [id, { schema }] of this.#byId) if (changed.has(schema.name)) this.#byId.delete(id)
  }

  knows(type: string): boolean {
    return this.#readers.knows(type)
  }

  storedTypesOf(types: Iterable<string>): ReadonlySet<string> {
    return this.#readers.storedTypesOf(types)
  }

  /** The newest schema of an event that the code may write. Errors: `EVENT_UNKNOWN`. */
  writable(name: string): AvroType {
    const type = this.#readers.newestOf(name)
    if (type !== undefined) return type
    const why = this.#readers.knows(name) ? 'an upcaster takes it away when it is read' : 'it is not known'
    throw fail('EVENT_UNKNOWN', `the event ${name} cannot be written: ${why}`, { details: { type: name } })
  }

  /** What readers will make of a body that `writer` wrote. */
  readBack(name: string, writer: AvroType, body: Buffer): readonly DomainEvent[] {
    return this.#readers.readerOf(name, writer)(body)
  }

  /** Notes the id of a version that is registered, so that it need not be fetched. */
  know(schemas: EventSchemas, { schemaId, version, type, references }: HeldVersion): void {
    if (schemaId === undefined) return
    const { name } = schemas
    this.#keep(schemaId, { name, version, guid: guidOf(type, references) }, this.#readerOf(name, type))
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
    const held = await this.#registry.schema(id)
    if (held === undefined) return
    const writer = await this.#readableType(held, id)
    if (typeof writer === 'function') {
      this.#keep(id, { name: `schema ${id}`, version: undefined, guid: undefined }, writer)
      return
    }
    const name = writer.fullName
    const version = this.#readers.versionOf(writer, name)
    this.#keep(id, { name, version, guid: guidOf(writer, held.references) }, this.#readerOf(name, writer))
  }

  /** The type of a fetched schema, or a reader that says why there is none. */
  async #readableType(schema: RegistrySchema, id: number): Promise<AvroType | EventReader> {
    try {
      return avroType(await this.#referenced.parse(schema))
    } catch (error) {
      if (!(error instanceof AvroError)) throw error
      return refusing(() => asKeyfoldError(error, 'VALUE_UNREADABLE', `schema ${id}`))
    }
  }

  #readerOf(name: string, writer: AvroType): EventReader {
    if (!this.#readers.knows(name)) return refusing(() => unknownEvent(name))
    try {
      return this.#readers.readerOf(name, writer)
    } catch (error) {
      if (!(error instanceof AvroError)) throw error
      return refusing(() => asKeyfoldError(error, 'VALUE_UNREADABLE', `a value of ${name}`))
    }
  }

  #keep(id: number, schema: Omit<WrittenSchema, 'id'>, read: EventReader): void {
    this.#byId.set(id, { schema: { id, ...schema }, read })
    const [oldest] = this.#byId.keys()
    if (this.#byId.size > keptIds && oldest !== undefined) this.#byId.delete(oldest)
  }
}

function schemaIdOf(value: Buffer): number | undefined {
  // Values that are none are found out when they are decoded.
  return value.length >= 5 && value[0] === 0 ? decodeWire(value).schemaId : undefined
}

/** What the registry calls the schema. */
function guidOf({ schema }: AvroType, references: RegistrySchema['references']): string {
  return schemaGuid(schema, { references })
}

function refusing(error: () => Error): EventReader {
  return () => {
    throw error()
  }
}
