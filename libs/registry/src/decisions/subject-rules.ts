import { registryError } from '../registry-error.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'

/** A version as clients name it. */
export type VersionId = number | 'latest'

const VERSION_MAX = 2 ** 31 - 1

/** Throws 42202. */
export function parseVersionId(text: string): VersionId {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > VERSION_MAX) throw registryError('invalidVersion', text)
  return version
}

/** Throws 42208 for names that clash with the registry's own or could not be shown. */
export function checkSubjectName(subject: string): void {
  // oxlint-disable-next-line no-control-regex -- exactly ISO control characters are refused
  if (subject === '__GLOBAL' || subject === '__EMPTY' || /[\u0000-\u001f\u007f-\u009f]/.test(subject)) {
    throw registryError('invalidSubject', subject)
  }
}

/** Throws 42205 when the mode does not allow changes. */
export function checkWritable(state: RegistryState, subject: string): void {
  const mode = state.mode(subject)
  if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') {
    throw registryError('notPermitted', `Subject ${subject} in context . is in read-only mode`)
  }
}

/** One version of a subject. Throws 40401, 40402. */
export function findVersion(state: RegistryState, subject: string, id: VersionId, deletedToo: boolean): StoredSchema {
  const versions = deletedToo ? state.versionsOf(subject) : state.liveVersionsOf(subject)
  if (versions.length === 0) throw registryError('subjectNotFound', subject)
  const live = versions.filter(({ deleted }) => !deleted)
  const found = id === 'latest' ? (live.at(-1) ?? versions.at(-1)) : versions.find(({ version }) => version === id)
  if (!found) throw registryError('versionNotFound', id)
  return found
}
