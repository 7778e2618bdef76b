import { LINT_RULES } from '@keyfold/avro'
import { CliError } from '../cli-error.ts'
import type { SchemaRule } from './problem.ts'

interface RuleText {
  readonly severity: 'error' | 'warning'
  readonly about: string
  readonly why: string
  readonly fix: string
}

/** What `--explain` says of every rule: the linter's own, Avro's, and those about histories. */
export const ruleTexts: Readonly<Record<SchemaRule, RuleText>> = {
  ...LINT_RULES,
  READER_FIELD_MISSING_DEFAULT_VALUE: {
    severity: 'error',
    about: 'A version has a field that another one lacks, and the field has no default.',
    why: 'What was written without the field cannot be read.',
    fix: 'Give the field a "default", or "aliases": ["old name"] when it was renamed.',
  },
  TYPE_MISMATCH: {
    severity: 'error',
    about: 'The type of a field changed to one that cannot hold the old values.',
    why: 'Avro widens int to long, float and double, and text to bytes and back; nothing else.',
    fix: 'Keep the type; add a new field with a default for the new type.',
  },
  MISSING_ENUM_SYMBOLS: {
    severity: 'error',
    about: 'A symbol of an enum is missing in the version that reads, which has no default symbol.',
    why: 'A value with that symbol cannot be read.',
    fix: 'Keep every symbol, and give the enum a "default".',
  },
  MISSING_UNION_BRANCH: {
    severity: 'error',
    about: 'A branch of a union is missing in the version that reads.',
    why: 'A value of that branch cannot be read.',
    fix: 'Keep every branch that the union ever had.',
  },
  NAME_MISMATCH: {
    severity: 'error',
    about: 'A record, enum or fixed type has another name.',
    why: 'Avro matches types by name.',
    fix: 'Keep the name, or list the old full name in "aliases".',
  },
  FIXED_SIZE_MISMATCH: {
    severity: 'error',
    about: 'The size of a fixed type changed.',
    why: 'Every value is written with exactly the old size.',
    fix: 'Keep the size; add a new field with a default for the other size.',
  },
  AMBIGUOUS_FIELD: {
    severity: 'error',
    about: 'An alias matches a field that is there already.',
    why: 'Nobody can say which of the two is meant.',
    fix: 'Remove the alias that matches a second field.',
  },
  SCHEMA_INVALID: {
    severity: 'error',
    about: 'A file is no Avro schema, or no JSON.',
    why: 'Nothing can be compared with it.',
    fix: 'Correct it at the line and column that are named.',
  },
  SCHEMA_MISPLACED: {
    severity: 'error',
    about: 'The path of a schema does not say context, event and version, or says another event.',
    why: 'Histories and subjects are found by path.',
    fix: 'Call it <context>/<event-in-kebab-case>/v<number>.avsc.',
  },
  SCHEMA_EVENT_UNKNOWN: {
    severity: 'error',
    about: 'topics.json names an event that no folder has.',
    why: 'Nothing is checked or registered for it.',
    fix: 'Write the schema of the event, or correct the name.',
  },
  SCHEMA_VERSION_MISSING: {
    severity: 'error',
    about: 'The versions of an event have a gap.',
    why: 'What was written with the missing version cannot be checked any more, and upcasters count versions.',
    fix: 'Restore the file, from git or with keyfold schemas pull.',
  },
  SCHEMA_VERSION_TWICE: {
    severity: 'error',
    about: 'Two files are the same version of an event.',
    why: 'Nobody can say which of them was used to write.',
    fix: 'Keep the one that was published.',
  },
  SCHEMA_VERSION_CHANGED: {
    severity: 'error',
    about: 'A version that was published has another content now.',
    why: 'Events were written with the old content; code that believes in the new one misreads them.',
    fix: 'Restore the version, and write the change as the next one.',
  },
  SCHEMA_VERSION_REMOVED: {
    severity: 'error',
    about: 'A version that was published is gone.',
    why: 'Its events may still be stored, and nothing would check that they can be read.',
    fix: 'Restore it, from git or with keyfold schemas pull.',
  },
  SCHEMA_LEVEL_LOWER: {
    severity: 'warning',
    about: 'The registry accepts more for a subject than this check does.',
    why: 'Somebody else can register a version that cannot read everything that is stored.',
    fix: 'keyfold schemas push sets the level.',
  },
}

/** The page of one rule. Errors: `USAGE` for a name that is none. */
export function ruleLines(rule: string): readonly string[] {
  const wanted = rule.toUpperCase().replaceAll('-', '_')
  const row = Object.entries(ruleTexts).find(([name]) => name === wanted)?.[1]
  if (row === undefined) {
    throw new CliError(
      'USAGE',
      `there is no rule ${rule}`,
      `The rules are ${Object.keys(ruleTexts).toSorted().join(', ')}`,
    )
  }
  const { severity, about, why, fix } = row
  return [`${wanted} (${severity})`, about, `Why: ${why}`, `Fix: ${fix}`]
}
