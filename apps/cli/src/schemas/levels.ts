import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '@keyfold/avro'
import { InvalidArgumentError } from 'commander'
import type { OptionRow } from '../command.ts'

/** What rebuilding from offset zero needs: today's code reads everything ever written. */
export const LEVEL_DEFAULT: CompatibilityLevel = 'BACKWARD_TRANSITIVE'

export const levelOption: OptionRow = {
  flags: '--level <level>',
  description: `compatibility, such as full-transitive (default: ${LEVEL_DEFAULT.toLowerCase().replace('_', '-')})`,
  parse: parseLevel,
}

/** Reads `BACKWARD_TRANSITIVE` in small letters and with hyphens, too. */
export function parseLevel(text: string): CompatibilityLevel {
  const wanted = text.toUpperCase().replaceAll('-', '_')
  const level = COMPATIBILITY_LEVELS.find((each) => each === wanted)
  if (level === undefined)
    throw new InvalidArgumentError(`Levels are ${COMPATIBILITY_LEVELS.join(', ').toLowerCase()}.`)
  return level
}

/** Whether one level accepts nothing that the other refuses. */
export function isAtLeast(level: CompatibilityLevel, other: CompatibilityLevel): boolean {
  return PROMISES[other].every((promise) => PROMISES[level].includes(promise))
}

/** What a level promises: reading the version before (b), all before (B), being read by it (f), by all before (F). */
const PROMISES: Readonly<Record<CompatibilityLevel, readonly string[]>> = {
  NONE: [],
  BACKWARD: ['b'],
  BACKWARD_TRANSITIVE: ['b', 'B'],
  FORWARD: ['f'],
  FORWARD_TRANSITIVE: ['f', 'F'],
  FULL: ['b', 'f'],
  FULL_TRANSITIVE: ['b', 'B', 'f', 'F'],
}
