/** What can go wrong with schemas and encoded values. Codes are stable; texts may improve. */
export type AvroErrorCode =
  | 'AVRO_SCHEMA_INVALID'
  | 'AVRO_SCHEMA_TOO_LARGE'
  | 'AVRO_SCHEMA_UNSUPPORTED'
  | 'AVRO_VALUE_DOES_NOT_FIT'
  | 'AVRO_CANNOT_READ'
  | 'AVRO_BODY_CORRUPT'
  | 'AVRO_WIRE_FORMAT'
  | 'AVRO_WRITER_UNKNOWN'
  | 'AVRO_READER_UNKNOWN'
  | 'AVRO_HISTORY_INVALID'

export interface AvroErrorDetails {
  /** What to do about it, as one sentence. */
  readonly fix: string
  /** Where in the value, such as `lines[2].sku`; empty for the value itself. */
  readonly path?: string
  readonly expected?: string
  readonly got?: string
  readonly cause?: unknown
}

/** The one error type of this library: a code, what happened, and what to do. None of them goes away by trying again. */
export class AvroError extends Error {
  override readonly name = 'AvroError'
  readonly retriable = false
  readonly code: AvroErrorCode
  readonly fix: string
  readonly path: string | undefined
  readonly expected: string | undefined
  readonly got: string | undefined

  constructor(code: AvroErrorCode, message: string, details: AvroErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.fix = details.fix
    this.path = details.path
    this.expected = details.expected
    this.got = details.got
  }

  /** One line: code, cause, fix. */
  override toString(): string {
    return `${this.code}: ${this.message}. Fix: ${this.fix}`
  }
}

/** A schema that Avro does not allow. The message follows Avro Java's, which registries have shown for years. */
export function invalidSchema(message: string): AvroError {
  return new AvroError('AVRO_SCHEMA_INVALID', message, { fix: 'Correct the schema and try again.' })
}
