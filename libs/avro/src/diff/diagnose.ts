import { type Incompatibility, type IncompatibilityType, writerFieldFor } from '../compatibility/compatibility.ts'
import { explainIncompatibility } from '../compatibility/explain.ts'
import {
  checkLevel,
  COMPATIBILITY_LEVELS,
  type CompatibilityLevel,
  type Direction,
  type SchemaVersion,
} from '../compatibility/levels.ts'
import { verboseMessages } from '../compatibility/verbose-messages.ts'
import type { FieldNode, ParsedSchema, SchemaNode } from '../schema/schema-node.ts'
import { LocatedSchema, type SchemaSource, type SourcePosition } from '../source/schema-source.ts'

/** One reason why two versions do not go together, with its places in both texts. */
export interface Diagnosis {
  readonly direction: Direction
  readonly type: IncompatibilityType | 'AMBIGUOUS_FIELD'
  /** By names: `Order.lines[].sku`. */
  readonly path: string
  readonly message: string
  readonly fix: string
  readonly nextAt: SourcePosition | undefined
  readonly previousAt: SourcePosition | undefined
}

export interface LevelDiagnosis {
  readonly compatible: boolean
  /** The newest version that the new one does not fit. */
  readonly failingVersion: number | undefined
  readonly diagnoses: readonly Diagnosis[]
  /** The same in the words of Confluent's registry. */
  readonly messages: readonly string[]
}

export interface VersionSource {
  readonly version: number
  readonly source: SchemaSource
}

/** Checks a new version against its history, oldest first, and says where and why it does not fit. */
export function diagnose(
  level: CompatibilityLevel,
  next: SchemaSource,
  history: readonly VersionSource[],
): LevelDiagnosis {
  const located = new LocatedSchema(next, false)
  const versions = history.map(({ version, source }) => ({ version, located: new LocatedSchema(source, false) }))
  const verdict = checkLevel(
    level,
    located.parsed,
    versions.map((one) => ({ version: one.version, schema: one.located.parsed })),
  )
  const failing = versions.find(({ version }) => version === verdict.failing?.version)
  const diagnoses = verdict.failures.flatMap(({ direction, incompatibilities, exception }) => {
    if (!failing) return []
    const found = incompatibilities.map((one) =>
      diagnosisOf(one, direction, { next: located, previous: failing.located }),
    )
    return exception === undefined ? found : [...found, ambiguous(exception, direction)]
  })
  const messages = verboseMessages(level, verdict)
  return { compatible: verdict.compatible, failingVersion: verdict.failing?.version, diagnoses, messages }
}

/** The levels under which a new version would be accepted. */
export function satisfiedLevels(next: ParsedSchema, history: readonly SchemaVersion[]): readonly CompatibilityLevel[] {
  return COMPATIBILITY_LEVELS.filter((level) => checkLevel(level, next, history).compatible)
}

function diagnosisOf(
  incompatibility: Incompatibility,
  direction: Direction,
  { next, previous }: { readonly next: LocatedSchema; readonly previous: LocatedSchema },
): Diagnosis {
  const isBackward = direction === 'BACKWARD'
  const [reader, writer] = isBackward ? [next, previous] : [previous, next]
  const parts = partsAt(incompatibility.path, reader.parsed.root, writer.parsed.root)
  const member = /\/(name|size|symbols)$/.exec(incompatibility.path)?.[1]
  const readerAt = parts.reader && reader.at(parts.reader, member)
  const writerAt = parts.writer && writer.at(parts.writer, member)
  const { field: path, reason: message, fix } = explainIncompatibility(incompatibility, direction)
  const [nextAt, previousAt] = isBackward ? [readerAt, writerAt] : [writerAt, readerAt]
  return { direction, type: incompatibility.type, path, message, fix, nextAt, previousAt }
}

function ambiguous(exception: string, direction: Direction): Diagnosis {
  const message = exception.replace(/^\w+: /, '')
  const fix = 'Remove the alias that matches a second field.'
  return { direction, type: 'AMBIGUOUS_FIELD', path: '', message, fix, nextAt: undefined, previousAt: undefined }
}

interface Parts {
  reader: SchemaNode | FieldNode | undefined
  writer: SchemaNode | FieldNode | undefined
}

/** Follows the path of an incompatibility through both schemas, as far as it has places of its own in each. */
function partsAt(path: string, reader: SchemaNode, writer: SchemaNode): Parts {
  const parts: Parts = { reader, writer }
  const types: { reader: SchemaNode; writer: SchemaNode | undefined } = { reader, writer }
  const steps = path.split('/').filter((step) => step !== '')
  for (const [index, step] of steps.entries()) {
    if (step === 'type') Object.assign(parts, types)
    if (step === 'fields' || step === 'type') continue
    if (steps[index - 1] === 'fields' && types.reader.kind === 'record') {
      const field = types.reader.fields[Number(step)]
      if (!field) return parts
      const written = types.writer?.kind === 'record' ? writerFieldFor(types.writer, field) : undefined
      Object.assign(parts, { reader: field, writer: written ?? types.writer })
      Object.assign(types, { reader: field.type, writer: written?.type })
    } else if (step === 'items' || step === 'values') {
      const [inside, written] = [types.reader, types.writer].map((node) => node && insideOf(node))
      Object.assign(types, { reader: inside ?? types.reader, writer: written })
      Object.assign(parts, types)
    } else if (/^\d+$/.test(step) && types.writer?.kind === 'union') {
      types.writer = types.writer.branches[Number(step)]
      parts.writer = types.writer
    }
  }
  return parts
}

function insideOf(node: SchemaNode): SchemaNode | undefined {
  if (node.kind === 'array') return node.items
  return node.kind === 'map' ? node.values : undefined
}
