import { canonicalText } from '../schema/canonical.ts'
import { inWords } from '../schema/parse-record.ts'
import {
  aliasText,
  type EnumNode,
  type FieldNode,
  type NamedNode,
  type ParsedSchema,
  type RecordNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'

export type IncompatibilityType =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH'

export interface Incompatibility {
  readonly type: IncompatibilityType
  /** Into the reader schema with indexes, such as `/fields/1/type`: what registries print. */
  readonly path: string
  readonly message: string
  /** The same place for people, with names: `Order.lines[].sku`. */
  readonly readablePath: string
}

export interface Compatibility {
  readonly compatible: boolean
  readonly incompatibilities: readonly Incompatibility[]
  /** Set when the pair cannot even be compared: two writer fields claim to be one reader field. */
  readonly exception?: string
}

/**
 * Can a reader with one schema read what was written with the other? Verdict, errors, their order and their paths equal
 * `SchemaCompatibility.checkReaderWriterCompatibility` of Avro Java 1.12. Logical types, documentation, order, custom
 * properties and the values of defaults do not count.
 */
export function checkCompatibility(reader: ParsedSchema, writer: ParsedSchema): Compatibility {
  try {
    const incompatibilities = new Checker().check(reader.root, writer.root, ROOT)
    return { compatible: incompatibilities.length === 0, incompatibilities }
  } catch (error) {
    if (!(error instanceof AmbiguousField)) throw error
    return { compatible: false, incompatibilities: [], exception: error.message }
  }
}

/** The same verdict for two types out of larger schemas. */
export function canRead(reader: SchemaNode, writer: SchemaNode): boolean {
  return checkCompatibility({ root: reader }, { root: writer }).compatible
}

/** Does a reader accept the writer's name? By unqualified name, or by the writer's full name among its aliases. */
export function namesMatch(reader: NamedNode, writer: NamedNode): boolean {
  return (
    reader.name.name === writer.name.name ||
    reader.aliases.some((alias) => aliasText(alias, reader) === writer.name.full)
  )
}

/** The writer's field for a reader's field, by name or alias. Throws `AmbiguousField` when there are several. */
export function writerFieldFor(writer: RecordNode, field: FieldNode): FieldNode | undefined {
  const names = [field.name, ...field.aliases]
  const found = names.flatMap((name) => writer.fields.filter((candidate) => candidate.name === name))
  if (found.length > 1) throw new AmbiguousField(field, writer)
  return found[0]
}

/** Which kinds a reader may read as its own, besides the same one. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
  string: ['bytes'],
}

class AmbiguousField extends Error {
  constructor(field: FieldNode, writer: RecordNode) {
    const schema = canonicalText(writer)
    super(
      `AvroRuntimeException: Reader record field ${inWords(field)} matches multiple fields in writer record schema ${schema}`,
    )
  }
}

/** Where the check stands: steps into the reader schema for machines, and the names on the way for people. */
interface Location {
  readonly steps: readonly string[]
  readonly names: string
}

const ROOT: Location = { steps: [], names: '' }

function at(location: Location, step: string, name = ''): Location {
  const separator = location.names === '' || name.startsWith('[') || name === '' ? '' : '.'
  return { steps: [...location.steps, step], names: `${location.names}${separator}${name}` }
}

class Checker {
  /** Results by pair, so that recursive types end. `undefined` marks a pair in progress: compatible until proven not. */
  readonly #results = new Map<SchemaNode, Map<SchemaNode, readonly Incompatibility[] | undefined>>()

  check(reader: SchemaNode, writer: SchemaNode, location: Location): readonly Incompatibility[] {
    let results = this.#results.get(reader)
    if (!results) this.#results.set(reader, (results = new Map()))
    if (results.has(writer)) return results.get(writer) ?? []
    results.set(writer, undefined)
    const result = this.#compare(reader, writer, location)
    results.set(writer, result)
    return result
  }

  #compare(reader: SchemaNode, writer: SchemaNode, location: Location): readonly Incompatibility[] {
    if (writer.kind === 'union') {
      return reader.kind === 'union'
        ? this.#checkUnions(reader, writer, location)
        : writer.branches.flatMap((branch, index) => this.check(reader, branch, at(location, String(index))))
    }
    if (reader.kind === 'union') {
      // Each branch is tried from a fresh root: what it reports inside is thrown away.
      const readable = reader.branches.some((branch) => this.check(branch, writer, ROOT).length === 0)
      return readable ? [] : [missingBranch(writer, location)]
    }
    if (reader.kind === 'array' && writer.kind === 'array') {
      return this.check(reader.items, writer.items, at(location, 'items', '[]'))
    }
    if (reader.kind === 'map' && writer.kind === 'map') {
      return this.check(reader.values, writer.values, at(location, 'values', '{}'))
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      const sizes = reader.size === writer.size ? [] : [sizeMismatch(reader.size, writer.size, location)]
      return [...checkNames(reader, writer, location), ...sizes]
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      return [...checkNames(reader, writer, location), ...checkSymbols(reader, writer, location)]
    }
    if (reader.kind === 'record' && writer.kind === 'record') {
      return [...checkNames(reader, writer, location), ...this.#checkFields(reader, writer, location)]
    }
    const readable = reader.kind === writer.kind || PROMOTIONS[reader.kind]?.includes(writer.kind)
    return readable ? [] : [typeMismatch(reader, writer, location)]
  }

  #checkUnions(reader: UnionNode, writer: UnionNode, location: Location): readonly Incompatibility[] {
    return writer.branches.flatMap((branch, index) =>
      this.check(reader, branch, ROOT).length === 0 ? [] : [missingBranch(branch, at(location, String(index)))],
    )
  }

  #checkFields(reader: RecordNode, writer: RecordNode, location: Location): readonly Incompatibility[] {
    const fields = at(location, 'fields', location.steps.length === 0 ? reader.name.name : '')
    return reader.fields.flatMap((field, index) => {
      const here = at(fields, String(index), field.name)
      const written = writerFieldFor(writer, field)
      if (written) return this.check(field.type, written.type, at(here, 'type'))
      if (field.defaultValue !== undefined) return []
      // Avro Java takes the enum's own default for a field default, but then compares the enum with the whole record.
      if (field.type.kind === 'enum' && field.type.defaultSymbol !== undefined) {
        return this.check(field.type, writer, at(here, 'type'))
      }
      return [incompatible('READER_FIELD_MISSING_DEFAULT_VALUE', here, field.name)]
    })
  }
}

function checkNames(reader: NamedNode, writer: NamedNode, location: Location): readonly Incompatibility[] {
  if (namesMatch(reader, writer)) return []
  return [incompatible('NAME_MISMATCH', at(location, 'name'), `expected: ${writer.name.full}`)]
}

function checkSymbols(reader: EnumNode, writer: EnumNode, location: Location): readonly Incompatibility[] {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol)).sort()
  if (missing.length === 0 || reader.defaultSymbol !== undefined) return []
  return [incompatible('MISSING_ENUM_SYMBOLS', at(location, 'symbols'), `[${missing.join(', ')}]`)]
}

function sizeMismatch(reader: number, writer: number, location: Location): Incompatibility {
  return incompatible('FIXED_SIZE_MISMATCH', at(location, 'size'), `expected: ${writer}, found: ${reader}`)
}

function typeMismatch(reader: SchemaNode, writer: SchemaNode, location: Location): Incompatibility {
  const kinds = [reader.kind.toUpperCase(), writer.kind.toUpperCase()]
  return incompatible(
    'TYPE_MISMATCH',
    location,
    `reader type: ${kinds[0]} not compatible with writer type: ${kinds[1]}`,
  )
}

function missingBranch(writer: SchemaNode, location: Location): Incompatibility {
  return incompatible(
    'MISSING_UNION_BRANCH',
    location,
    `reader union lacking writer type: ${writer.kind.toUpperCase()}`,
  )
}

function incompatible(type: IncompatibilityType, location: Location, message: string): Incompatibility {
  const steps = location.steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1'))
  return { type, path: `/${steps.join('/')}`, message, readablePath: location.names }
}
