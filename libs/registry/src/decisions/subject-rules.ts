import { registryError } from '../registry-error.ts'
import { contextOf, contextPrefix, GLOBAL_SUBJECT, parseSubject } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'

/** A version as clients name it; `latest` is the newest that is not deleted. */
export type VersionId = number | 'latest'

const VERSION_MAX = 2 ** 31 - 1
/** A subject is part of a Kafka key and of a path; nobody means a longer one. */
const SUBJECT_LENGTH_MAX = 4096

/** Throws 42202. */
export function parseVersionId(text: string): VersionId {
  const trimmed = text.trim().toLowerCase()
  if (trimmed === 'latest' || trimmed === '-1') return 'latest'
  const version = /^\+?\d{1,10}$/.test(trimmed) ? Number(trimmed) : 0
  if (version < 1 || version > VERSION_MAX) throw registryError('invalidVersion', text)
  return version
}

/** Throws 42208 for names that clash with the registry's own or could not be shown. */
export function checkSubjectName(subject: string, isSetting = false): void {
  const { name } = parseSubject(subject)
  // oxlint-disable-next-line no-control-regex -- exactly ISO control characters are refused
  const isUnusable = /[\u0000-\u001f\u007f-\u009f]/.test(subject) || subject.length > SUBJECT_LENGTH_MAX
  const isGlobal = contextOf(subject) === contextOf(GLOBAL_SUBJECT)
  if (isUnusable || name === '__GLOBAL' || name === '__EMPTY' || (isGlobal && !isSetting)) {
    throw registryError('invalidSubject', subject.slice(0, SUBJECT_LENGTH_MAX))
  }
}

/** Throws 42205 when the mode does not allow changes. */
export function checkWritable(state: RegistryState, subject: string | undefined): void {
  const mode = state.mode(subject)
  if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') throw notPermitted(subject, 'is in read-only mode')
}

/** True when whoever registers says the id, and nothing is judged. */
export function isImporting(state: RegistryState, subject: string): boolean {
  const mode = state.mode(subject)
  return mode === 'IMPORT' || mode === 'FORWARD'
}

/** Confluent's registry names the default context by nothing at all. */
export function notPermitted(subject: string | undefined, reason: string) {
  const context = subject === undefined ? '' : contextPrefix(contextOf(subject))
  return registryError('notPermitted', `Subject ${subject ?? 'null'} in context ${context} ${reason}`)
}

/** One version of a subject. Throws 40401, 40402. */
export function findVersion(state: RegistryState, subject: string, id: VersionId, deletedToo: boolean): StoredSchema {
  const versions = deletedToo ? state.versionsOf(subject) : state.liveVersionsOf(subject)
  if (versions.length === 0) throw registryError('subjectNotFound', subject)
  const found =
    id === 'latest' ? versions.findLast(({ deleted }) => !deleted) : versions.find(({ version }) => version === id)
  if (!found) throw registryError('versionNotFound', id === 'latest' ? -1 : id)
  return found
}

/** Throws 42206 when others refer to the version: those that are not deleted, or with `deletedToo` any. */
export function checkUnreferenced(
  state: RegistryState,
  { subject, version }: StoredSchema,
  isCounted: (referring: StoredSchema) => boolean,
): void {
  if (state.referencing(subject, version).some(isCounted)) throw registryError('referenceExists', subject, version)
}
