import { normalizedSubject } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { type LogRecord, parseKey, parseObject, parseSchemaValue, type SchemaKey } from '../state/schema-record.ts'

/**
 * Why a record of the log was passed over. A registry that stopped at such a record would take every schema with it
 * that came before, so it goes on, says so in its log and counts it.
 */
export const SKIP_REASONS = {
  'no-key': 'it has no key, and can belong to no subject',
  'key-unreadable': 'its key is not a JSON object with a keytype',
  'key-unknown': 'its key has a keytype that this registry does not know, such as those of newer ones',
  'key-incomplete': 'its key lacks the subject or the version',
  'value-unreadable': 'its value is not a JSON object',
  'value-incomplete': 'its value lacks the subject, the version, the id or the schema',
  'id-taken': 'its id already means another schema; events written with the id would change their meaning',
  failed: 'it could not be applied',
} as const

export type SkipReason = keyof typeof SKIP_REASONS

/** Keytypes of Confluent's registry that mean nothing to this one, and are no reason for concern. */
const WITHOUT_EFFECT = new Set(['ASSOC'])

/** Applies one record, whatever it holds. Answers why it was passed over, if it was. */
export function applyRecord(state: RegistryState, record: LogRecord): SkipReason | undefined {
  const key = parseKey(record.key)
  try {
    state.apply(record)
  } catch {
    return 'failed'
  }
  if (!key) return reasonOfKey(record.key)
  if (record.value === null || key.keytype === 'NOOP') return undefined
  return key.keytype === 'SCHEMA' ? reasonOfSchema(state, key, record.value) : reasonOfObject(record.value)
}

function reasonOfKey(bytes: Buffer): SkipReason | undefined {
  if (bytes.length === 0) return 'no-key'
  const keytype = parseObject(bytes)?.keytype
  if (typeof keytype !== 'string') return 'key-unreadable'
  if (WITHOUT_EFFECT.has(keytype)) return undefined
  return SUBJECT_KEYTYPES.has(keytype) ? 'key-incomplete' : 'key-unknown'
}

const SUBJECT_KEYTYPES = new Set(['SCHEMA', 'DELETE_SUBJECT', 'CLEAR_SUBJECT'])

function reasonOfSchema(
  state: RegistryState,
  { subject, version }: SchemaKey & { readonly keytype: 'SCHEMA' },
  bytes: Buffer,
): SkipReason | undefined {
  const stored = state.version(normalizedSubject(subject), version)
  const value = parseSchemaValue(bytes)
  if (value) return stored?.id === value.id ? undefined : 'id-taken'
  return reasonOfObject(bytes) ?? 'value-incomplete'
}

function reasonOfObject(bytes: Buffer): SkipReason | undefined {
  return parseObject(bytes) ? undefined : 'value-unreadable'
}
