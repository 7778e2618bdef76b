import { registryError } from '../registry-error.ts'
import { contextOf } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { keyBytes, type LogWrite, schemaValueBytes } from '../state/schema-record.ts'
import type { Decision } from './decision.ts'
import { checkUnreferenced, checkWritable, findVersion, type VersionId } from './subject-rules.ts'
import { permanentDeletion, settingTombstones } from './tombstones.ts'

/**
 * Deletes all versions of a subject, softly or, after that, for good. References within the subject do not hold it.
 * Throws 40401, 40404, 40405, 42205, 42206.
 */
export function deleteSubject(state: RegistryState, subject: string, permanent: boolean): Decision<readonly number[]> {
  const versions = state.versionsOf(subject)
  const live = state.liveVersionsOf(subject)
  if (versions.length === 0) throw registryError('subjectNotFound', subject)
  if (!permanent && live.length === 0) throw registryError('subjectSoftDeleted', subject)
  checkWritable(state, subject)
  const affected = permanent ? versions : live
  for (const stored of affected) {
    checkUnreferenced(state, stored, (other) => other.subject !== subject && (permanent || !other.deleted))
  }
  if (permanent && live.length > 0) throw registryError('subjectNotSoftDeleted', subject)
  const answer = affected.map(({ version }) => version)
  if (!permanent) return { writes: [softDeletionUpTo(subject, answer.at(-1) ?? 0)], answer }
  return { writes: [...permanentDeletion(state, affected.toReversed()), ...settingsOf(state, subject)], answer }
}

/** Deletes one version, softly or, after that, for good. Throws 40401, 40402, 40406, 40407, 42205, 42206. */
export function deleteVersion(
  state: RegistryState,
  subject: string,
  id: VersionId,
  permanent: boolean,
): Decision<number> {
  const stored = findVersion(state, subject, id, true)
  const { version } = stored
  if (!permanent && stored.deleted) throw registryError('versionSoftDeleted', subject, version)
  checkWritable(state, subject)
  checkUnreferenced(state, stored, (other) => permanent || !other.deleted)
  if (permanent && !stored.deleted) throw registryError('versionNotSoftDeleted', subject, version)
  if (!permanent) {
    const [rawKey = keyBytes({ keytype: 'SCHEMA', subject, version })] = stored.rawKeys
    return { writes: [{ key: rawKey, value: schemaValueBytes({ ...stored, deleted: true }) }], answer: version }
  }
  const isLast = state.versionsOf(subject).length === 1
  return {
    writes: [...permanentDeletion(state, [stored]), ...(isLast ? settingsOf(state, subject) : [])],
    answer: version,
  }
}

/** Deletes a context that has no subjects. Throws 42211. */
export function deleteContext(state: RegistryState, context: string, shown: string): Decision<undefined> {
  const isUsed = state.subjectNames().some((subject) => contextOf(subject) === context)
  if (isUsed) throw registryError('contextNotEmpty', shown)
  return { writes: state.rawContextKeys(context).map((key) => ({ key, value: null })), answer: undefined }
}

function softDeletionUpTo(subject: string, version: number): LogWrite {
  const value = Buffer.from(JSON.stringify({ subject, version }))
  return { key: keyBytes({ keytype: 'DELETE_SUBJECT', subject }), value }
}

/** Level and mode go with the last version. */
function settingsOf(state: RegistryState, subject: string): readonly LogWrite[] {
  return [...settingTombstones(state, 'CONFIG', subject), ...settingTombstones(state, 'MODE', subject)]
}
