import { registryError } from '../registry-error.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { keyBytes, type LogWrite, schemaValueBytes } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import type { Decision } from './decision.ts'
import { tombstones } from './register.ts'
import { settingTombstones } from './settings.ts'
import { checkWritable, findVersion, type VersionId } from './subject-rules.ts'

/** Deletes all versions of a subject, softly or, after that, for good. Throws 40401, 40404, 40405, 42205, 42206. */
export function deleteSubject(state: RegistryState, subject: string, permanent: boolean): Decision<readonly number[]> {
  checkWritable(state, subject)
  const versions = state.versionsOf(subject)
  const live = versions.filter(({ deleted }) => !deleted)
  if (versions.length === 0) throw registryError('subjectNotFound', subject)
  if (!permanent && live.length === 0) throw registryError('subjectSoftDeleted', subject)
  if (permanent && live.length > 0) throw registryError('subjectNotSoftDeleted', subject)
  const affected = permanent ? versions : live
  for (const stored of affected) checkUnreferenced(state, stored)
  const answer = affected.map(({ version }) => version)
  if (!permanent) return { writes: [softDeleteOf(subject, answer.at(-1) ?? 0)], answer }
  const fromNewest = affected.toReversed().flatMap(tombstones)
  return { writes: [...fromNewest, ...settingsOf(state, subject)], answer }
}

/** Deletes one version, softly or, after that, for good. Throws 40401, 40402, 40406, 40407, 42205, 42206. */
export function deleteVersion(
  state: RegistryState,
  subject: string,
  id: VersionId,
  permanent: boolean,
): Decision<number> {
  checkWritable(state, subject)
  const stored = findVersion(state, subject, id, true)
  if (!permanent && stored.deleted) throw registryError('versionSoftDeleted', subject, id)
  if (permanent && !stored.deleted) throw registryError('versionNotSoftDeleted', subject, id)
  checkUnreferenced(state, stored)
  if (!permanent) {
    const [rawKey = keyBytes({ keytype: 'SCHEMA', subject, version: stored.version })] = stored.rawKeys
    return { writes: [{ key: rawKey, value: schemaValueBytes({ ...stored, deleted: true }) }], answer: stored.version }
  }
  const isLast = state.versionsOf(subject).length === 1
  const writes = [...tombstones(stored), ...(isLast ? settingsOf(state, subject) : [])]
  return { writes, answer: stored.version }
}

function softDeleteOf(subject: string, version: number): LogWrite {
  const value = Buffer.from(JSON.stringify({ subject, version }))
  return { key: keyBytes({ keytype: 'DELETE_SUBJECT', subject }), value }
}

/** References from the subject itself do not count. */
function checkUnreferenced(state: RegistryState, { subject, version }: StoredSchema): void {
  const others = state.referencing(subject, version).filter((stored) => stored.subject !== subject)
  if (others.length > 0) throw registryError('referenceExists', subject, version)
}

/** Level and mode go with the last version. */
function settingsOf(state: RegistryState, subject: string): readonly LogWrite[] {
  return [...settingTombstones(state, 'CONFIG', subject), ...settingTombstones(state, 'MODE', subject)]
}
