import { BoundedCache } from './bounded-cache.ts'
import { type ByteCodec, byteCodec } from './byte-codec.ts'
import { UnusableDefault } from './default-value.ts'
import { checkCompatibility } from '../compatibility/compatibility.ts'
import { AvroError } from '../errors.ts'
import { canonicalSchema } from '../schema/canonical.ts'
import { schemaGuid } from '../schema/fingerprint.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { branchName, type ParsedSchema, type SchemaNode } from '../schema/schema-node.ts'
import { type Lift, liftFor } from './lift.ts'
import { type Lower, lowerFor } from './lower.ts'
import { Misfit } from './misfit.ts'

/** A schema that can write and read values. Building one costs; keep it. */
export interface AvroType {
  /** Canonical text of the schema: what is registered. */
  readonly schema: string
  readonly parsed: ParsedSchema
  /** Of a named type, such as `bank.MoneyDeposited`; the kind otherwise. */
  readonly fullName: string
  /** MD5 of the canonical text as UUID text, the registry's guid. Differs when a default or an alias does. */
  readonly fingerprint: string
  /** The Avro body. Fills fields that are missing and have a default. Throws `AVRO_VALUE_DOES_NOT_FIT`. */
  encode(value: unknown): Buffer
  /** Reads what this very schema wrote, up to the end of the buffer. Throws `AVRO_BODY_CORRUPT`. */
  decode(bytes: Buffer, offset?: number): unknown
  /**
   * A function that reads what `writer` wrote as a value of this schema. Built once for each writer and kept.
   * Throws `AVRO_CANNOT_READ` when the schemas are not compatible; the function throws `AVRO_BODY_CORRUPT`.
   */
  readerOf(writer: AvroType): BodyReader
}

export type BodyReader = (bytes: Buffer, offset?: number) => unknown

/** Takes the text of a schema, its JSON value, or a parsed schema. Throws `AVRO_SCHEMA_INVALID` and its like. */
export function avroType(schema: string | object | ParsedSchema): AvroType {
  if (typeof schema === 'string') return new CompiledType(parseSchema(looksLikeJson(schema) ? schema : `"${schema}"`))
  return new CompiledType('root' in schema ? schema : parseSchema(JSON.stringify(schema)))
}

/** `long` alone is a name and not JSON text, yet clear enough. */
function looksLikeJson(text: string): boolean {
  return /^\s*["[{]/.test(text)
}

const READERS_MAX = 256

class CompiledType implements AvroType {
  readonly schema: string
  readonly parsed: ParsedSchema
  readonly fullName: string
  readonly fingerprint: string
  readonly #readers = new BoundedCache<string, BodyReader>(READERS_MAX)
  #codec: ByteCodec | undefined
  #lower: Lower | undefined

  constructor(parsed: ParsedSchema) {
    this.parsed = parsed
    this.schema = canonicalSchema(parsed)
    this.fullName = branchName(parsed.root)
    this.fingerprint = schemaGuid(this.schema)
  }

  encode(value: unknown): Buffer {
    const codec = this.#byteCodec()
    this.#lower ??= lowerFor(this.parsed.root, codec)
    try {
      return codec.encode(this.#lower(value))
    } catch (error) {
      if (error instanceof Misfit) throw doesNotFit(this.fullName, error)
      if (!(error instanceof RangeError)) throw error
      // Out of stack: the value contains itself, or is a list of a hundred thousand links.
      throw doesNotFit(this.fullName, new Misfit('a value of finite depth', 'one that contains itself or is too deep'))
    }
  }

  decode(bytes: Buffer, offset = 0): unknown {
    return this.readerOf(this)(bytes, offset)
  }

  readerOf(writer: AvroType): BodyReader {
    return this.#readers.get(writer.fingerprint, () => this.#buildReader(writer))
  }

  #buildReader(writer: AvroType): BodyReader {
    const { incompatibilities, exception } = checkCompatibility(this.parsed, writer.parsed)
    const reasons = exception ?? incompatibilities.map(({ path, message }) => `${path} ${message}`).join('; ')
    if (reasons !== '') throw cannotRead(this, writer, reasons)
    // A writer that is not one of ours has no byte codec to share.
    const codec = writer instanceof CompiledType ? writer.#byteCodec() : compile(writer.parsed.root, writer.fullName)
    return bodyReader(codec, this.#lift(writer, codec), writer.fullName)
  }

  #lift(writer: AvroType, codec: ByteCodec): Lift {
    try {
      return liftFor(writer.parsed.root, this.parsed.root, codec)
    } catch (error) {
      if (!(error instanceof UnusableDefault)) throw error
      throw cannotRead(this, writer, 'a default that is needed is not a value of its field')
    }
  }

  #byteCodec(): ByteCodec {
    return (this.#codec ??= compile(this.parsed.root, this.fullName))
  }
}

function compile(root: SchemaNode, name: string): ByteCodec {
  try {
    return byteCodec(root)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AvroError('AVRO_SCHEMA_UNSUPPORTED', `${name} cannot be encoded: ${reason}`, {
      fix: 'Give every union and every enum in the schema at least one member.',
      cause,
    })
  }
}

function bodyReader(codec: ByteCodec, lift: Lift, name: string): BodyReader {
  return (bytes, offset = 0) => {
    let end: number
    try {
      const decoded = codec.decode(bytes, offset)
      end = decoded.offset
      if (end === bytes.length) return lift(decoded.value)
    } catch (cause) {
      throw corrupt(name, cause instanceof Error ? cause.message : String(cause), cause)
    }
    throw corrupt(name, end < 0 ? 'it ends too early' : `${bytes.length - end} bytes are left over`)
  }
}

function corrupt(name: string, reason: string, cause?: unknown): AvroError {
  return new AvroError('AVRO_BODY_CORRUPT', `The bytes are not a ${name}: ${reason}`, {
    fix: 'Check that the schema id of the record belongs to this registry.',
    cause,
  })
}

function cannotRead(reader: AvroType, writer: AvroType, reasons: string): AvroError {
  const names = reader.fullName === writer.fullName ? reader.fullName : `${reader.fullName} from ${writer.fullName}`
  return new AvroError('AVRO_CANNOT_READ', `This version of ${names} cannot read data of the other one: ${reasons}`, {
    fix: 'Give new fields a default and renamed ones an alias, and keep the types of the others.',
  })
}

function doesNotFit(name: string, { path, expected, got, hint }: Misfit): AvroError {
  const where = path === '' ? name : `${name}${path.startsWith('[') ? '' : '.'}${path}`
  const fix = hint ?? `Give ${path === '' ? 'a value' : path} as ${expected}.`
  return new AvroError('AVRO_VALUE_DOES_NOT_FIT', `${where}: expected ${expected}, got ${got}`, {
    fix,
    path,
    expected,
    got,
  })
}
