import type { ParsedSchema } from '../schema/schema-node.ts'
import { type Compatibility, checkCompatibility, type Incompatibility } from './compatibility.ts'

/** How far back a new version is checked, and in which direction. */
export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'FORWARD',
  'FULL',
  'BACKWARD_TRANSITIVE',
  'FORWARD_TRANSITIVE',
  'FULL_TRANSITIVE',
] as const
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number]

/** BACKWARD: the new schema reads old data. FORWARD: the old schema reads new data. */
export type Direction = 'BACKWARD' | 'FORWARD'

export interface SchemaVersion {
  readonly version: number
  readonly schema: ParsedSchema
}

export interface LevelVerdict {
  readonly compatible: boolean
  /** The newest version that the new schema does not fit; the versions before it were not looked at. */
  readonly failing?: SchemaVersion
  readonly failures: readonly DirectionFailure[]
}

export interface DirectionFailure {
  readonly direction: Direction
  readonly incompatibilities: readonly Incompatibility[]
  readonly exception?: string
}

/** Checks a new schema against the live versions of its subject, which are given oldest first. */
export function checkLevel(
  level: CompatibilityLevel,
  schema: ParsedSchema,
  history: readonly SchemaVersion[],
): LevelVerdict {
  const { directions, transitive } = RULES[level]
  const versions = transitive ? history.toReversed() : history.slice(-1)
  for (const version of versions) {
    const failures = directions.flatMap((direction) => failuresOf(direction, schema, version.schema))
    if (failures.length > 0) return { compatible: false, failing: version, failures }
  }
  return { compatible: true, failures: [] }
}

/** In the order in which Confluent's registry reports them. */
const BOTH: readonly Direction[] = ['FORWARD', 'BACKWARD']

const RULES: Readonly<
  Record<CompatibilityLevel, { readonly directions: readonly Direction[]; readonly transitive: boolean }>
> = {
  NONE: { directions: [], transitive: false },
  BACKWARD: { directions: ['BACKWARD'], transitive: false },
  FORWARD: { directions: ['FORWARD'], transitive: false },
  FULL: { directions: BOTH, transitive: false },
  BACKWARD_TRANSITIVE: { directions: ['BACKWARD'], transitive: true },
  FORWARD_TRANSITIVE: { directions: ['FORWARD'], transitive: true },
  FULL_TRANSITIVE: { directions: BOTH, transitive: true },
}

function failuresOf(direction: Direction, next: ParsedSchema, previous: ParsedSchema): readonly DirectionFailure[] {
  const result = direction === 'BACKWARD' ? checkCompatibility(next, previous) : checkCompatibility(previous, next)
  return result.compatible ? [] : [failure(direction, result)]
}

function failure(direction: Direction, { incompatibilities, exception }: Compatibility): DirectionFailure {
  return exception === undefined ? { direction, incompatibilities } : { direction, incompatibilities, exception }
}
