import { type IdLedger, ledgerWrite, RETIRED_MAX } from '../state/id-ledger.ts'
import { contextOf } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { LogWrite } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'

/** Deletes versions for good, under every key they were written with, and writes down which ids that uses up. */
export function permanentDeletion(state: RegistryState, versions: readonly StoredSchema[]): readonly LogWrite[] {
  return [...versions.flatMap(tombstones), ...retirement(state, versions)]
}

/** Writes down the ids that nothing has any more when these versions are gone. */
export function retirement(state: RegistryState, versions: readonly StoredSchema[]): readonly LogWrite[] {
  const gone = new Set(versions)
  const retired = versions.filter(({ subject, id }) =>
    state
      .ids(subject)
      .versions(id)
      .every((other) => gone.has(other)),
  )
  return retired.length === 0 ? [] : [ledgerWrite(ledgerAfter(state, retired))]
}

export function tombstones({ rawKeys }: StoredSchema): readonly LogWrite[] {
  return rawKeys.map((key) => ({ key, value: null }))
}

/** Deletes a setting under every key it was written with; nothing to write when there is none. */
export function settingTombstones(
  state: RegistryState,
  keytype: 'CONFIG' | 'MODE',
  subject: string | undefined,
): readonly LogWrite[] {
  return state[keytype === 'CONFIG' ? 'configs' : 'modes'].rawKeys(subject).map((key) => ({ key, value: null }))
}

/** All of it, because the record takes the place of the one before. */
function ledgerAfter(state: RegistryState, retiring: readonly StoredSchema[]): IdLedger {
  const contexts = [...state.allIds()].map(([context, ids]) => {
    const added = retiring
      .filter(({ subject }) => contextOf(subject) === context)
      .map(({ guid, id }) => [guid, id] as const)
    const retired = [...new Map([...ids.retired, ...added])].slice(-RETIRED_MAX)
    return { context, idMax: ids.idMax, retired: Object.fromEntries(retired) }
  })
  return {
    idMax: Object.fromEntries(contexts.map(({ context, idMax }) => [context, idMax])),
    retired: Object.fromEntries(contexts.map(({ context, retired }) => [context, retired])),
  }
}
