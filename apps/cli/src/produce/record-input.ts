import type { RecordToWrite } from '@keyfold/kafka'
import { encodeWire } from '@keyfold/avro'
import type { RegisteredType } from '../avro/registered-schemas.ts'
import { valueFromJson } from '../avro/value-from-json.ts'
import { CliError } from '../cli-error.ts'
import { parseJson } from '../json-text.ts'

/** A record and where the input wants it. */
export interface RecordInput {
  readonly record: RecordToWrite
  readonly partition?: number
}

export interface InputShape {
  /** What stands on the command line; a line of ndjson may say otherwise. */
  readonly key: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly schema: RegisteredType | undefined
}

/** The bytes of a value: Avro of the schema from JSON text, or the text itself. Errors: `INPUT_INVALID`, `AVRO_…`. */
export function recordOfText(bytes: Buffer, shape: InputShape): RecordInput {
  const value = shape.schema === undefined ? bytes : encoded(jsonOf(bytes), shape.schema)
  return { record: { key: keyOf(shape.key), value, headers: shape.headers } }
}

/** A record without a value: for a compacted topic it deletes the key. */
export function tombstone({ key, headers }: InputShape): RecordInput {
  return { record: { key: keyOf(key), value: null, headers } }
}

/**
 * A line as `keyfold consume -o ndjson` prints them: key, value, their encodings, headers, partition and timestamp;
 * all may be left out but the value. A value that is not text is written as JSON, unless there is a schema.
 * Errors: `INPUT_INVALID`, `AVRO_…`.
 */
export function recordOfJsonLine(line: Buffer, shape: InputShape): RecordInput {
  const json = jsonOf(line)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new CliError('INPUT_INVALID', 'it is not a JSON object')
  const given: Readonly<Record<string, unknown>> = { ...json }
  const unknown = Object.keys(given).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) throw new CliError('INPUT_INVALID', `"${unknown}" is not a member of a record`)
  const headers = { ...shape.headers, ...headersOf(given['headers']) }
  const key = 'key' in given ? payload(given['key'], given['keyEncoding'], undefined) : keyOf(shape.key)
  if (!('value' in given)) throw new CliError('INPUT_INVALID', '"value" is missing; null is a tombstone')
  const value = payload(given['value'], given['valueEncoding'], shape.schema)
  const timestampMs = timestampOf(given['timestamp'])
  const record = { key, value, headers, ...(timestampMs === undefined ? {} : { timestampMs }) }
  const { partition } = given
  if (partition === undefined) return { record }
  if (typeof partition !== 'number' || !Number.isInteger(partition) || partition < 0)
    throw new CliError('INPUT_INVALID', '"partition" is not a whole number')
  return { record, partition }
}

/** The rest of what `consume` prints is taken without a word, and says nothing here. */
const MEMBERS: ReadonlySet<string> = new Set(
  'key keyEncoding value valueEncoding headers partition timestamp topic offset keySchemaId valueSchemaId undecoded'.split(
    ' ',
  ),
)

function payload(content: unknown, encoding: unknown, schema: RegisteredType | undefined): Buffer | null {
  if (content === null || content === undefined) return null
  if (encoding === 'base64') {
    if (typeof content !== 'string') throw new CliError('INPUT_INVALID', 'base64 has to be text')
    return Buffer.from(content, 'base64')
  }
  if (schema !== undefined) return encoded(content, schema)
  if (encoding === 'avro') throw new CliError('INPUT_INVALID', 'an Avro value needs --schema')
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
}

function encoded(json: unknown, { id, type }: RegisteredType): Buffer {
  return encodeWire(id, type.encode(valueFromJson(type.parsed.root, json)))
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return parseJson(bytes.toString('utf8'))
  } catch (error) {
    throw new CliError('INPUT_INVALID', `it is not JSON: ${(error as Error).message}`)
  }
}

function keyOf(key: string | undefined): Buffer | null {
  return key === undefined ? null : Buffer.from(key)
}

function headersOf(headers: unknown): Readonly<Record<string, string>> {
  if (headers === undefined) return {}
  const isText = (value: unknown): value is string => typeof value === 'string'
  if (typeof headers === 'object' && headers !== null && Object.values(headers).every(isText)) return { ...headers }
  throw new CliError('INPUT_INVALID', '"headers" is not an object of texts')
}

function timestampOf(timestamp: unknown): number | undefined {
  if (timestamp === undefined || timestamp === '') return undefined
  const ms = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms
  throw new CliError('INPUT_INVALID', '"timestamp" is neither ISO text nor milliseconds')
}
