/** What each rule of the linter is about, why it matters, and what to do. `keyfold schemas lint --explain` shows it. */
export interface LintRuleText {
  readonly severity: LintSeverity
  readonly about: string
  readonly why: string
  readonly fix: string
}

export type LintSeverity = 'error' | 'warning'
export type LintRule = keyof typeof RULES

const RULES = {
  AVRO_FIELD_RENAMED_WITHOUT_ALIAS: {
    severity: 'error',
    about: 'A field is gone, and a new one of the same type has a default.',
    why: 'If it was renamed, everything that was ever written is read as the default instead.',
    fix: 'Give the new field "aliases": ["the old name"].',
  },
  AVRO_FIELD_ADDED_WITHOUT_DEFAULT: {
    severity: 'error',
    about: 'A new field has no default.',
    why: 'Nothing that was written before can be read any more.',
    fix: 'Give it a "default".',
  },
  AVRO_LOGICAL_TYPE_CHANGED: {
    severity: 'error',
    about: 'The logical type of a field changed.',
    why: 'Registries accept it, and old values are read in the wrong unit: a thousand times too large, or as another day.',
    fix: 'Keep the logical type, and add a new field for the new one.',
  },
  AVRO_DECIMAL_SCALE_CHANGED: {
    severity: 'error',
    about: 'The scale of a decimal changed.',
    why: 'Registries accept it, and old values are read wrong by powers of ten.',
    fix: 'Keep the scale, and add a new field for the new one.',
  },
  AVRO_NAMESPACE_CHANGED: {
    severity: 'error',
    about: 'A type moved to another namespace.',
    why: 'Registries accept it, but it is another event to subjects, handlers and many readers.',
    fix: 'Keep the namespace, or list the old full name in "aliases".',
  },
  AVRO_RECORD_RENAMED_WITHOUT_ALIAS: {
    severity: 'error',
    about: 'A type has another name.',
    why: 'Readers match types by name, so that what was written before cannot be read.',
    fix: 'Keep the name, or list the old full name in "aliases".',
  },
  AVRO_ENUM_NO_DEFAULT: {
    severity: 'error',
    about: 'An enum has no default symbol.',
    why: 'Readers with an older version cannot read the next symbol that is added.',
    fix: 'Give the enum a "default", such as "UNKNOWN".',
  },
  AVRO_ENUM_SYMBOL_REMOVED: {
    severity: 'error',
    about: 'A symbol of an enum is gone.',
    why: 'Old values are read as the default symbol, or not at all.',
    fix: 'Keep the symbol: what was written stays written.',
  },
  AVRO_UNION_BRANCH_SHADOWED: {
    severity: 'error',
    about: 'A new branch stands before the one that reads the same data.',
    why: 'Some readers take the first branch that can read a value, so that old values change their type.',
    fix: 'Put new branches at the end.',
  },
  AVRO_DEFAULT_CHANGED: {
    severity: 'error',
    about: 'The default of a field changed.',
    why: 'Every old event without the field gets the new meaning.',
    fix: 'Keep the default, and add a new field for the new meaning.',
  },
  AVRO_NULLABLE_TO_REQUIRED: {
    severity: 'error',
    about: 'A field that could be null cannot be any more.',
    why: 'A default does not help: old events that hold null cannot be read.',
    fix: 'Keep null among the types.',
  },
  AVRO_TEXT_BYTES_CHANGED: {
    severity: 'error',
    about: 'Text became bytes, or bytes text.',
    why: 'Registries accept it, but bytes that are no UTF-8 are damaged on the way.',
    fix: 'Keep the type, and add a new field for the new one.',
  },
  AVRO_CODEC_UNREADABLE: {
    severity: 'error',
    about: 'The codec of this framework cannot write or read it.',
    why: 'The schema is valid, but events of it cannot be stored or replayed.',
    fix: 'Do what the message says.',
  },
  AVRO_FLOAT_FOR_MONEY: {
    severity: 'error',
    about: 'A field that seems to hold money is a float or double.',
    why: 'Cents are rounded, and sums do not add up.',
    fix: 'Use long for the smallest unit, or bytes with logicalType decimal.',
  },
  AVRO_LOGICAL_TYPE_IGNORED: {
    severity: 'error',
    about: 'A logical type is unknown, or does not suit the type under it, or stands beside the type instead of in it.',
    why: 'Avro ignores it without a word: values are those of the type under it.',
    fix: 'Correct its name, its attributes or the type under it: { "type": "long", "logicalType": "timestamp-millis" }.',
  },
  AVRO_LINT_IGNORE_INVALID: {
    severity: 'error',
    about: 'An entry of "keyfold.lint" has no reason, names no rule that exists, or is of another form.',
    why: 'An exception nobody can judge is none.',
    fix: 'Write { "rule": "AVRO_…", "path": "Order.sku", "reason": "why it is right here" }.',
  },
  AVRO_LINT_IGNORE_UNUSED: {
    severity: 'warning',
    about: 'An entry of "keyfold.lint" matches nothing.',
    why: 'It would hide the next real finding.',
    fix: 'Remove the entry.',
  },
} as const satisfies Readonly<Record<string, LintRuleText>>

export const LINT_RULES: Readonly<Record<LintRule, LintRuleText>> = RULES

export function isLintRule(text: string): text is LintRule {
  return Object.hasOwn(RULES, text)
}
