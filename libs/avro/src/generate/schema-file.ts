import { AvroError } from '../errors.ts'
import { LINT_MEMBER, withoutLint } from '../lint/ignores.ts'
import type { SchemaReference } from '../schema/references.ts'

/** One file of `schemas/<context>/<event-kebab>/v<version>.avsc`. */
export interface SchemaFile {
  readonly context: string
  /** Name of the folder: the event's name in kebab-case. */
  readonly event: string
  readonly version: number
  /** Text of the file. */
  readonly schema: string
  /** What `v<version>.references.json` beside it lists: types of other subjects, by versions of the folder. */
  readonly references?: readonly SchemaReference[]
}

/** What is registered of it. */
export function schemaText({ schema }: SchemaFile): string {
  try {
    return withoutLint(schema)
  } catch {
    // What is no JSON is refused where it is parsed as a schema.
    return schema
  }
}

/** The exceptions from lint rules that the file lists. */
export function lintOf({ schema }: SchemaFile): unknown {
  return (JSON.parse(schema) as Readonly<Record<string, unknown>>)[LINT_MEMBER]
}

export function invalidFile(file: SchemaFile, reason: string, fix: string): AvroError {
  const path = `${file.context}/${file.event}/v${file.version}.avsc`
  return new AvroError('AVRO_HISTORY_INVALID', `${path}: ${reason}`, { fix })
}
