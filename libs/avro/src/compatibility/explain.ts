import type { Incompatibility, IncompatibilityType } from './compatibility.ts'
import type { Direction } from './levels.ts'

/** One difference between two versions for people: what is wrong where, and what to change in the new version. */
export interface Explanation {
  /** By names, such as `MoneyDeposited.lines.sku`. */
  readonly field: string
  readonly reason: string
  readonly fix: string
}

/**
 * Says why a reader cannot read what another version wrote, with the fix that keeps both readable. BACKWARD: the new
 * version cannot read old data; FORWARD: the old version cannot read new data.
 */
export function explainIncompatibility(
  incompatibility: Incompatibility,
  direction: Direction = 'BACKWARD',
): Explanation {
  const explained = EXPLANATIONS[incompatibility.type](incompatibility, direction === 'BACKWARD')
  return { field: incompatibility.readablePath, ...explained }
}

type Explain = (incompatibility: Incompatibility, isBackward: boolean) => Omit<Explanation, 'field'>

const EXPLANATIONS: Readonly<Record<IncompatibilityType, Explain>> = {
  READER_FIELD_MISSING_DEFAULT_VALUE: ({ readablePath, message }, isBackward) =>
    isBackward
      ? {
          reason: `field ${readablePath} is new and has no default`,
          fix: `Add "default": … to ${message}, or "aliases": ["old name"] when it was renamed.`,
        }
      : {
          reason: `field ${readablePath} is gone, and the older version needs it: it has no default there`,
          fix: `Keep the field ${message}.`,
        },
  TYPE_MISMATCH: ({ readablePath, message }) => ({
    reason: `${readablePath}: ${message}`,
    fix: 'Keep the type of the field; add a new field with a default for the new type.',
  }),
  MISSING_ENUM_SYMBOLS: ({ readablePath, message }, isBackward) =>
    isBackward
      ? {
          reason: `${readablePath}: the symbols ${message} are gone`,
          fix: `Keep the symbols ${message}, or give the enum a "default" symbol.`,
        }
      : {
          reason: `${readablePath}: the older version does not know the symbols ${message}`,
          fix: 'Give the enum a "default" symbol first, and add symbols when every reader has that version.',
        },
  MISSING_UNION_BRANCH: ({ readablePath, message }, isBackward) =>
    isBackward
      ? { reason: `${readablePath}: ${message}`, fix: 'Keep every branch that the union ever had.' }
      : {
          reason: `${readablePath}: the older version has no such branch, ${message}`,
          fix: 'Add the branch in a version that nobody writes yet, and write it when every reader has that version.',
        },
  NAME_MISMATCH: ({ readablePath, message }) => ({
    reason: `${readablePath}: the name changed, ${message}`,
    fix: `Keep the name, or add "aliases": ["${message.replace('expected: ', '')}"].`,
  }),
  FIXED_SIZE_MISMATCH: ({ readablePath, message }) => ({
    reason: `${readablePath}: the size changed, ${message}`,
    fix: 'Keep the size; add a new field with a default for the other size.',
  }),
}
