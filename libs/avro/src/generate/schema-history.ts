import { avroType } from '../codec/avro-type.ts'
import { explainIncompatibility } from '../compatibility/explain.ts'
import { checkLevel, type SchemaVersion } from '../compatibility/levels.ts'
import { AvroError } from '../errors.ts'
import type { NamedNode, ParsedSchema } from '../schema/schema-node.ts'
import { invalidFile, lintOf, type SchemaFile } from './schema-file.ts'
import { keyOf, type ReferencedFile, type SchemaFolder } from './schema-folder.ts'

/** All versions of an event, or of a type that events share. */
export interface TypeHistory {
  /** `bank/money-deposited`. */
  readonly key: string
  readonly context: string
  readonly fullName: string
  /** No event: other schemas use it by its name. */
  readonly isShared: boolean
  /** The newest version, which types are made from: a record; of a shared type also an enum or a fixed. */
  readonly root: NamedNode
  /** Oldest first, 1, 2, 3 … */
  readonly versions: readonly HistoryVersion[]
  /** Keys of the histories that its versions refer to. */
  readonly uses: readonly string[]
}

export interface HistoryVersion extends SchemaVersion {
  readonly schema: ParsedSchema & { readonly root: NamedNode }
  /** The exceptions from lint rules that the file lists; they are no part of the schema. */
  readonly lint: unknown
  readonly references: readonly ReferencedFile[]
}

/**
 * Reads all versions of one event or type and checks what must hold before code is made from them: versions count from 1
 * without gaps, the name never changes, and every version reads all data that was ever written.
 * Throws `AVRO_HISTORY_INVALID`, naming the file, the reason and the fix.
 */
export function readHistory(files: readonly SchemaFile[], folder: SchemaFolder): TypeHistory {
  const sorted = files.toSorted((left, right) => left.version - right.version)
  const versions: HistoryVersion[] = []
  let newest: NamedNode | undefined
  for (const [index, file] of sorted.entries()) {
    checkVersionNumber(file, index + 1)
    const { schema, references } = folder.parse(file)
    const next = checkedRoot(file, schema, folder.isShared(file))
    if (newest) checkSameName(file, newest, next)
    checkReadsHistory(file, next, versions)
    versions.push({ version: file.version, schema: { ...schema, root: next }, lint: lintOf(file), references })
    newest = next
  }
  const [first] = sorted
  if (!first || !newest) throw new TypeError('a history has at least one file')
  return {
    key: keyOf(first),
    context: first.context,
    fullName: newest.name.full,
    isShared: folder.isShared(first),
    root: newest,
    versions,
    uses: [...new Set(versions.flatMap(({ references }) => references.map(({ file }) => keyOf(file))))],
  }
}

function checkVersionNumber(file: SchemaFile, expected: number): void {
  if (file.version === expected) return
  const fix = `Call the file v${expected}.avsc, or restore the missing one: versions count from 1 without gaps.`
  throw invalidFile(file, file.version < expected ? 'the version exists twice' : `v${expected}.avsc is missing`, fix)
}

function checkedRoot(file: SchemaFile, { root }: ParsedSchema, isShared: boolean): NamedNode {
  const isOther = isShared && (root.kind === 'enum' || root.kind === 'fixed')
  if (!isOther && (root.kind !== 'record' || root.isError)) {
    const fix = isShared
      ? 'Make it a record, an enum or a fixed: a shared type is used by its name.'
      : 'Make it a record: an event has fields, or none at all.'
    throw invalidFile(file, `the schema is of type ${root.kind}`, fix)
  }
  const { name } = root.name
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name) || RESERVED.has(name)) {
    throw invalidFile(
      file,
      `${name} cannot name a TypeScript type`,
      'Name the event like AccountOpened: letters and digits, a capital first.',
    )
  }
  if (kebabCase(name) !== file.event) {
    throw invalidFile(
      file,
      `the folder is called ${file.event} but its event ${name}`,
      `Call the folder ${kebabCase(name)}.`,
    )
  }
  return root
}

function checkSameName(file: SchemaFile, earlier: NamedNode, next: NamedNode): void {
  if (earlier.name.full === next.name.full) return
  const fix = `Keep the name ${earlier.name.full}; an event with another name is another event, in a folder of its own.`
  throw invalidFile(file, `the name changed from ${earlier.name.full} to ${next.name.full}`, fix)
}

function checkReadsHistory(file: SchemaFile, next: NamedNode, history: readonly SchemaVersion[]): void {
  const verdict = checkLevel('BACKWARD_TRANSITIVE', { root: next }, history)
  const [failure] = verdict.failures
  const against = `v${verdict.failing?.version}`
  if (failure?.exception !== undefined) {
    throw invalidFile(
      file,
      `it cannot be compared with ${against}: ${failure.exception}`,
      'Remove the alias that is ambiguous.',
    )
  }
  const [difference] = failure?.incompatibilities ?? []
  if (difference) {
    const { reason, fix } = explainIncompatibility(difference)
    throw invalidFile(file, `it cannot read events of ${against}: ${reason}`, fix)
  }
  const type = avroType({ root: next })
  try {
    type.readerOf(type)
    for (const { schema } of history) type.readerOf(avroType(schema))
  } catch (error) {
    if (!(error instanceof AvroError)) throw error
    throw invalidFile(file, error.message, error.fix)
  }
}

/** The folder of an event by its name: `MoneyDeposited` lives in `money-deposited`. */
export function kebabCase(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3-$2').toLowerCase()
}

/** Names that generated code uses itself. */
const RESERVED: ReadonlySet<string> = new Set(['Date', 'Readonly', 'Record', 'Uint8Array'])
