import { BufferReader, BufferUnderflow, MalformedBytes } from '@keyfold/bytes'
import { KafkaClientError } from './errors.ts'
import type { Offset, StoredRecord } from './kafka-client.ts'

/** Where the parts of one record lie in the decompressed records of its batch. */
export interface RecordPlaces extends Omit<StoredRecord, 'headers'> {
  readonly bytes: Buffer
  /** Where the number of headers stands. */
  readonly headersAt: number
}

/**
 * A record as it was fetched. Its headers stay bytes until somebody asks: an envelope has more than a dozen of them, and
 * most readers look at one or two, for which `headerText` is there.
 */
export class FetchedRecord implements StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly #bytes: Buffer
  readonly #headersAt: number
  #headers: Readonly<Record<string, Buffer>> | undefined

  constructor({ topic, partition, offset, timestampMs, key, value, bytes, headersAt }: RecordPlaces) {
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.timestampMs = timestampMs
    this.key = key
    this.value = value
    this.#bytes = bytes
    this.#headersAt = headersAt
  }

  /** Errors: `RECORDS_CORRUPT`. */
  get headers(): Readonly<Record<string, Buffer>> {
    return (this.#headers ??= this.#guarded(() => this.#decodeHeaders()))
  }

  /** One header as text; undefined when there is none of this name, or it is null. Errors: `RECORDS_CORRUPT`. */
  headerText(name: string): string | undefined {
    return this.#guarded(() => this.#find(nameBytes(name)))
  }

  #decodeHeaders(): Readonly<Record<string, Buffer>> {
    const reader = new BufferReader(this.#bytes, this.#headersAt)
    const headers: Record<string, Buffer> = {}
    for (let left = reader.readVarint(); left > 0; left--) {
      const name = reader.readUtf8(reader.readVarint())
      const length = reader.readVarint()
      headers[name] = length < 0 ? Buffer.alloc(0) : reader.readBytes(length)
    }
    return headers
  }

  /** As in `headers`, the last one of a name counts. */
  #find(wanted: Uint8Array): string | undefined {
    const bytes = this.#bytes
    const reader = new BufferReader(bytes, this.#headersAt)
    let start = -1
    let end = -1
    for (let left = reader.readVarint(); left > 0; left--) {
      const nameLength = reader.readVarint()
      const nameAt = reader.skip(nameLength)
      const length = Math.max(0, reader.readVarint())
      const valueAt = reader.skip(length)
      if (nameLength !== wanted.length || !hasAt(bytes, nameAt, wanted)) continue
      start = valueAt
      end = valueAt + length
    }
    return start < 0 ? undefined : bytes.toString('utf8', start, end)
  }

  #guarded<Result>(decode: () => Result): Result {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof BufferUnderflow) && !(error instanceof MalformedBytes)) throw error
      const message = `the headers at ${this.topic}/${this.partition} offset ${this.offset} are cut or broken`
      throw new KafkaClientError('RECORDS_CORRUPT', message, { cause: error })
    }
  }
}

/** One header of any record as text, without decoding the others where the record allows it. */
export function headerText(record: StoredRecord, name: string): string | undefined {
  return record instanceof FetchedRecord ? record.headerText(name) : record.headers[name]?.toString()
}

/** Header names are few and asked for again and again; bounded all the same. */
const names = new Map<string, Buffer>()
const NAMES_MAX = 256

function nameBytes(name: string): Buffer {
  const known = names.get(name)
  if (known !== undefined) return known
  if (names.size >= NAMES_MAX) names.clear()
  const bytes = Buffer.from(name)
  names.set(name, bytes)
  return bytes
}

function hasAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  // From the end: the names of an envelope begin alike.
  for (let index = wanted.length - 1; index >= 0; index--) if (bytes[at + index] !== wanted[index]) return false
  return true
}
