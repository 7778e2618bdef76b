import { canonicalSchema } from '../schema/canonical.ts'
import type { Incompatibility, IncompatibilityType } from './compatibility.ts'
import type { CompatibilityLevel, DirectionFailure, LevelVerdict } from './levels.ts'

/**
 * The verdict in the words of Confluent's registry, which consoles and build plug-ins show as they are:
 * one line per difference, then which version failed, its schema and the level.
 */
export function verboseMessages(level: CompatibilityLevel, verdict: LevelVerdict): readonly string[] {
  if (verdict.compatible) return []
  const { failing } = verdict
  const messages = verdict.failures.flatMap(directionMessages)
  const isFull = level === 'FULL' || level === 'FULL_TRANSITIVE'
  const namesVersion = !isFull || verdict.failures.some(({ direction }) => direction === 'BACKWARD')
  // Under FULL the registry names the version only when the new schema cannot read old data.
  if (failing && namesVersion) {
    messages.push(`{oldSchemaVersion: ${failing.version}}`)
    messages.push(`{oldSchema: '${canonicalSchema(failing.schema).slice(0, SHOWN_LENGTH_MAX)}'}`)
  }
  return [...messages, `{validateFields: 'false', compatibility: '${level}'}`]
}

const SHOWN_LENGTH_MAX = 10 * 1024

function directionMessages({ direction, incompatibilities, exception }: DirectionFailure): readonly string[] {
  // The registry shows the message of an exception without its class.
  if (exception !== undefined) {
    return [`Unexpected exception during compatibility check: ${exception.replace(/^\w+Exception: /, '')}`]
  }
  const labels = direction === 'BACKWARD' ? { reader: 'new', writer: 'old' } : { reader: 'old', writer: 'new' }
  return incompatibilities.map((incompatibility) => {
    const description = DESCRIPTIONS[incompatibility.type](incompatibility, labels.reader, labels.writer)
    const { type, message } = incompatibility
    return `{errorType:'${type}', description:'${description}', additionalInfo:'${message}'}`
  })
}

type Describe = (incompatibility: Incompatibility, reader: string, writer: string) => string

const DESCRIPTIONS: Readonly<Record<IncompatibilityType, Describe>> = {
  NAME_MISMATCH: ({ path }) => `The name of the schema has changed (path '${path}')`,
  FIXED_SIZE_MISMATCH: ({ path }, reader, writer) =>
    `The size of FIXED type field at path '${path}' in the ${reader} schema does not match with the ${writer} schema`,
  MISSING_ENUM_SYMBOLS: ({ path, message }, reader, writer) =>
    `The ${reader} schema is missing enum symbols '${message}' at path '${path}' in the ${writer} schema`,
  READER_FIELD_MISSING_DEFAULT_VALUE: ({ path, message }, reader, writer) =>
    `The field '${message}' at path '${path}' in the ${reader} schema has no default value and is missing in the ${writer} schema`,
  TYPE_MISMATCH: ({ path }, reader, writer) =>
    `The type (path '${path}') of a field in the ${reader} schema does not match with the ${writer} schema`,
  MISSING_UNION_BRANCH: ({ path }, reader, writer) =>
    `The ${reader} schema is missing a type inside a union field at path '${path}' in the ${writer} schema`,
}
