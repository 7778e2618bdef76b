import { BoundedCache } from './bounded-cache.ts'
import { UnusableDefault } from './default-value.ts'
import { checkCompatibility } from '../compatibility/compatibility.ts'
import { AvroError } from '../errors.ts'
import { canonicalSchema, canonicalText } from '../schema/canonical.ts'
import { schemaGuid } from '../schema/schema-guid.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { branchName, type ParsedSchema, type SchemaNode } from '../schema/schema-node.ts'
import type { WireResolver, WireType } from './avsc-types.ts'
import { Misfit } from './misfit.ts'
import { wireType } from './wire-type.ts'

/** A schema that can write and read values. Building one costs; keep it. */
export interface AvroType {
  /** Canonical text of the schema: what is registered. */
  readonly schema: string
  readonly parsed: ParsedSchema
  /** Of a named type, such as `bank.MoneyDeposited`; the kind otherwise. */
  readonly fullName: string
  /**
   * MD5 as UUID text of the canonical text in which referenced types are written out. Differs when a default or an
   * alias does. For a schema without references it is the registry's guid.
   */
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
  #wire: WireType | undefined

  constructor(parsed: ParsedSchema) {
    this.parsed = parsed
    this.schema = canonicalSchema(parsed)
    this.fullName = branchName(parsed.root)
    this.fingerprint = schemaGuid(parsed.referenced ? canonicalText(parsed.root) : this.schema)
  }

  encode(value: unknown): Buffer {
    const type = this.#wireType()
    // A getter of the value may encode another one meanwhile.
    let buffer = idle ?? Buffer.allocUnsafeSlow(FIRST_BYTES)
    idle = undefined
    try {
      let end = type.encode(value, buffer)
      while (end < 0) {
        buffer = Buffer.allocUnsafeSlow(Math.max(buffer.length - end, buffer.length * 2))
        end = type.encode(value, buffer)
      }
      return Buffer.from(buffer.subarray(0, end))
    } catch (error) {
      if (error instanceof Misfit) throw doesNotFit(this.fullName, error)
      if (!(error instanceof RangeError)) throw error
      // Out of stack: the value contains itself, or is a list of a hundred thousand links.
      throw doesNotFit(this.fullName, new Misfit('a value of finite depth', 'one that contains itself or is too deep'))
    } finally {
      if (buffer.length <= KEPT_BYTES_MAX) idle = buffer
    }
  }

  decode(bytes: Buffer, offset = 0): unknown {
    return this.readerOf(this)(bytes, offset)
  }

  readerOf(writer: AvroType): BodyReader {
    return this.#readers.get(writer.fingerprint, () => this.#buildReader(writer))
  }

  #buildReader(writer: AvroType): BodyReader {
    // What is its own reader need not be compared: an alias may stand in the way of that, never in that of reading.
    if (writer.fingerprint === this.fingerprint) return bodyReader(this.#wireType(), undefined, this.fullName)
    const { incompatibilities, exception } = checkCompatibility(this.parsed, writer.parsed)
    const reasons = exception ?? incompatibilities.map(({ path, message }) => `${path} ${message}`).join('; ')
    if (reasons !== '') throw cannotRead(this, writer, reasons)
    return bodyReader(this.#wireType(), this.#resolver(writer), writer.fullName)
  }

  #resolver(writer: AvroType): WireResolver {
    // A writer that is not one of ours has no type of avsc's to share.
    const written = writer instanceof CompiledType ? writer.#wireType() : compiled(writer)
    try {
      return this.#wireType().createResolver(written)
    } catch (error) {
      if (!(error instanceof UnusableDefault)) throw error
      throw cannotRead(this, writer, 'a default that is needed is not a value of its field')
    }
  }

  #wireType(): WireType {
    return (this.#wire ??= compiled(this))
  }
}

/** Where values are written, while none is. */
let idle: Buffer | undefined

const FIRST_BYTES = 1024

/** One that grew larger for a single value is given back. */
const KEPT_BYTES_MAX = 1024 * 1024

function compiled({ parsed: { root }, fullName }: AvroType): WireType {
  const empty = emptyType(root)
  if (empty === undefined) return wireType(root)
  throw new AvroError('AVRO_SCHEMA_UNSUPPORTED', `${fullName} cannot be encoded: ${empty} without members`, {
    fix: 'Give every union and every enum in the schema at least one member.',
  })
}

/** Unions and enums that nothing can be a value of. */
function emptyType(root: SchemaNode, seen = new Set<SchemaNode>()): string | undefined {
  if (seen.has(root)) return undefined
  seen.add(root)
  const inside = childrenOf(root)
  if (root.kind === 'union' && inside.length === 0) return 'a union'
  if (root.kind === 'enum' && root.symbols.length === 0) return `the enum ${root.name.full}`
  return inside.map((node) => emptyType(node, seen)).find((found) => found !== undefined)
}

function childrenOf(node: SchemaNode): readonly SchemaNode[] {
  if (node.kind === 'union') return node.branches
  if (node.kind === 'array') return [node.items]
  if (node.kind === 'map') return [node.values]
  return node.kind === 'record' ? node.fields.map(({ type }) => type) : []
}

function bodyReader(type: WireType, resolver: WireResolver | undefined, name: string): BodyReader {
  return (bytes, offset = 0) => {
    let end: number
    try {
      const decoded = type.decode(bytes, offset, resolver)
      end = decoded.offset
      if (end === bytes.length) return decoded.value as unknown
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
