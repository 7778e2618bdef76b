import { avroType } from '../codec/avro-type.ts'
import { explainIncompatibility } from '../compatibility/explain.ts'
import { checkLevel, type SchemaVersion } from '../compatibility/levels.ts'
import { AvroError } from '../errors.ts'
import { LINT_MEMBER, withoutLint } from '../lint/ignores.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import type { RecordNode } from '../schema/schema-node.ts'

/** One file of `schemas/<context>/<event-kebab>/v<version>.avsc`. */
export interface SchemaFile {
  readonly context: string
  /** Name of the folder: the event's name in kebab-case. */
  readonly event: string
  readonly version: number
  /** Text of the file. */
  readonly schema: string
}

export interface EventHistory {
  readonly context: string
  readonly fullName: string
  /** The newest version, which types are made from. */
  readonly record: RecordNode
  /** Oldest first, 1, 2, 3 … */
  readonly versions: readonly HistoryVersion[]
}

export interface HistoryVersion extends SchemaVersion {
  readonly schema: { readonly root: RecordNode }
  /** The exceptions from lint rules that the file lists; they are no part of the schema. */
  readonly lint: unknown
}

/**
 * Reads all versions of one event and checks what must hold before code is made from them: versions count from 1
 * without gaps, the name never changes, and every version reads all data that was ever written.
 * Throws `AVRO_HISTORY_INVALID`, naming the file, the reason and the fix.
 */
export function readHistory(files: readonly SchemaFile[]): EventHistory {
  const sorted = files.toSorted((left, right) => left.version - right.version)
  const versions: HistoryVersion[] = []
  let record: RecordNode | undefined
  for (const [index, file] of sorted.entries()) {
    checkVersionNumber(file, index + 1)
    const next = parseFile(file)
    if (record) checkSameName(file, record, next)
    checkReadsHistory(file, next, versions)
    versions.push({ version: file.version, schema: { root: next }, lint: lintOf(file) })
    record = next
  }
  const [first] = sorted
  if (!first || !record) throw new TypeError('a history has at least one file')
  return { context: first.context, fullName: record.name.full, record, versions }
}

function checkVersionNumber(file: SchemaFile, expected: number): void {
  if (file.version === expected) return
  const fix = `Call the file v${expected}.avsc, or restore the missing one: versions count from 1 without gaps.`
  throw invalid(file, file.version < expected ? 'the version exists twice' : `v${expected}.avsc is missing`, fix)
}

function parseFile(file: SchemaFile): RecordNode {
  let root
  try {
    root = parseSchema(schemaText(file), { strict: true }).root
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    throw invalid(file, error.message, error.fix)
  }
  if (root.kind !== 'record' || root.isError) {
    throw invalid(file, `the schema is of type ${root.kind}`, 'Make it a record: an event has fields, or none at all.')
  }
  const { name } = root.name
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name) || RESERVED.has(name)) {
    throw invalid(
      file,
      `${name} cannot name a TypeScript type`,
      'Name the event like AccountOpened: letters and digits, a capital first.',
    )
  }
  if (kebabCase(name) !== file.event) {
    throw invalid(
      file,
      `the folder is called ${file.event} but its event ${name}`,
      `Call the folder ${kebabCase(name)}.`,
    )
  }
  return root
}

function schemaText({ schema }: SchemaFile): string {
  try {
    return withoutLint(schema)
  } catch {
    // What is no JSON is refused where it is parsed as a schema.
    return schema
  }
}

function lintOf({ schema }: SchemaFile): unknown {
  return (JSON.parse(schema) as Readonly<Record<string, unknown>>)[LINT_MEMBER]
}

function checkSameName(file: SchemaFile, earlier: RecordNode, next: RecordNode): void {
  if (earlier.name.full === next.name.full) return
  const fix = `Keep the name ${earlier.name.full}; an event with another name is another event, in a folder of its own.`
  throw invalid(file, `the name changed from ${earlier.name.full} to ${next.name.full}`, fix)
}

function checkReadsHistory(file: SchemaFile, next: RecordNode, history: readonly SchemaVersion[]): void {
  const verdict = checkLevel('BACKWARD_TRANSITIVE', { root: next }, history)
  const [failure] = verdict.failures
  const against = `v${verdict.failing?.version}`
  if (failure?.exception !== undefined) {
    throw invalid(
      file,
      `it cannot be compared with ${against}: ${failure.exception}`,
      'Remove the alias that is ambiguous.',
    )
  }
  const [difference] = failure?.incompatibilities ?? []
  if (difference) {
    const { reason, fix } = explainIncompatibility(difference)
    throw invalid(file, `it cannot read events of ${against}: ${reason}`, fix)
  }
  const type = avroType({ root: next })
  try {
    type.readerOf(type)
    for (const { schema } of history) type.readerOf(avroType(schema))
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    throw invalid(file, error.message, error.fix)
  }
}

function invalid(file: SchemaFile, reason: string, fix: string): AvroError {
  const path = `${file.context}/${file.event}/v${file.version}.avsc`
  return new AvroError('AVRO_HISTORY_INVALID', `${path}: ${reason}`, { fix })
}

/** The folder of an event by its name: `MoneyDeposited` lives in `money-deposited`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3-$2').toLowerCase()
}

/** Names that generated code uses itself. */
const RESERVED: ReadonlySet<string> = new Set(['Date', 'Readonly', 'Record', 'Uint8Array'])
