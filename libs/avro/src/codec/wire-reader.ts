import { AvroError } from '../errors.ts'
import type { AvroType, BodyReader } from './avro-type.ts'
import { BoundedCache } from './bounded-cache.ts'
import { writerSchemaOf } from './wire-format.ts'

/** A value of a record, and the header that names its schema, if the record has one (see `GUID_HEADERS`). */
export interface WireValue {
  readonly value: Buffer
  readonly header?: Buffer | undefined
}

export interface DecodedWireValue {
  /** The schema that the value was written with. */
  readonly writer: AvroType
  /** The newest one that is known of that name: what the value is of. */
  readonly reader: AvroType
  readonly value: unknown
}

export type WriterKey = { readonly schemaId: number } | { readonly guid: string }

/** Gets a schema from wherever schemas are, such as a registry; nothing when it does not exist. */
export type FetchWriter = (key: WriterKey) => Promise<AvroType | undefined>

/**
 * Reads values as the newest schemas that the code knows, whatever version they were written with. What an id means never
 * changes: schemas are fetched once, for a whole batch together, and reading is synchronous then.
 */
export class WireReader {
  readonly #fetch: FetchWriter
  readonly #readers = new Map<string, AvroType>()
  readonly #writers: BoundedCache<string, KnownWriter>
  readonly #fetching = new Map<string, Promise<void>>()

  /** `readers` are the newest schemas; values of their names and of the names among their aliases can be read. */
  constructor(readers: readonly AvroType[], fetch: FetchWriter, writersMax = 4096) {
    this.#fetch = fetch
    this.#writers = new BoundedCache(writersMax)
    for (const reader of readers) for (const name of namesOf(reader)) this.#readers.set(name, reader)
  }

  /** Fetches the schemas of a batch that are not known yet. Rejects when the fetch of one does. */
  async prepare(values: Iterable<WireValue>): Promise<void> {
    const missing = new Map<string, WriterKey>()
    for (const { value, header } of values) {
      const key = keyOf(value, header)
      if (key && !this.#writers.has(textOf(key))) missing.set(textOf(key), key)
    }
    await Promise.all(Array.from(missing, ([text, key]) => this.#fetchOnce(text, key)))
  }

  /**
   * Reads one value. Errors: `AVRO_WIRE_FORMAT`; `AVRO_WRITER_UNKNOWN` when its schema was not prepared or does not exist;
   * `AVRO_READER_UNKNOWN` when no reader has its name; `AVRO_CANNOT_READ` and `AVRO_BODY_CORRUPT` of the reader.
   */
  read({ value, header }: WireValue): DecodedWireValue {
    const key = writerSchemaOf(value, header)
    const known = this.#writers.find(textOf(key))
    if (!known) {
      throw new AvroError('AVRO_WRITER_UNKNOWN', `The schema with ${textOf(key)} was not prepared, or does not exist`, {
        fix: 'Prepare every batch before it is read, and check that its producer uses this registry.',
      })
    }
    const { writer, reader } = known
    if (!reader) {
      throw new AvroError('AVRO_READER_UNKNOWN', `No schema is known that reads ${writer.fullName}`, {
        fix: `Give the newest schema of ${writer.fullName}, or one that has the name among its aliases.`,
      })
    }
    known.read ??= reader.readerOf(writer)
    return { writer, reader, value: known.read(value, key.bodyOffset) }
  }

  #fetchOnce(text: string, key: WriterKey): Promise<void> {
    const under = this.#fetching.get(text)
    if (under) return under
    const fetching = this.#fetch(key)
      .then((writer) => {
        // One that does not exist may only not have arrived yet: it is asked for again.
        if (writer) this.#writers.get(text, () => ({ writer, reader: this.#readers.get(writer.fullName) }))
      })
      .finally(() => this.#fetching.delete(text))
    this.#fetching.set(text, fetching)
    return fetching
  }
}

interface KnownWriter {
  readonly writer: AvroType
  readonly reader: AvroType | undefined
  /** Planned at the first value. */
  read?: BodyReader
}

function namesOf({ fullName, parsed: { root } }: AvroType): readonly string[] {
  return 'aliases' in root ? [...root.aliases.map(({ full }) => full), fullName] : [fullName]
}

/** Values that name no schema are found out when they are read. */
function keyOf(value: Buffer, header: Buffer | undefined): WriterKey | undefined {
  try {
    const key = writerSchemaOf(value, header)
    return 'guid' in key ? { guid: key.guid } : { schemaId: key.schemaId }
  } catch {
    return undefined
  }
}

function textOf(key: WriterKey): string {
  return 'guid' in key ? `guid ${key.guid}` : `id ${key.schemaId}`
}
