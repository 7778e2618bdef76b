import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '@keyfold/avro'
import { registryError } from '../registry-error.ts'
import { type Mode, MODES, type RegistryState } from '../state/registry-state.ts'
import { keyBytes, type LogWrite } from '../state/schema-record.ts'
import type { Decision } from './decision.ts'
import { checkSubjectName, checkWritable } from './subject-rules.ts'

/** Sets the level of a subject, which need not exist yet, or of all subjects. Throws 42203, 42205, 42208. */
export function setLevel(
  state: RegistryState,
  subject: string | undefined,
  text: unknown,
): Decision<CompatibilityLevel> {
  const level = COMPATIBILITY_LEVELS.find((known) => typeof text === 'string' && known === text.toUpperCase())
  if (!level) throw registryError('invalidLevel')
  checkSetting(state, subject)
  const value = Buffer.from(JSON.stringify({ subject, compatibilityLevel: level }))
  return { writes: [{ key: keyBytes({ keytype: 'CONFIG', subject }), value }], answer: level }
}

/** Takes the level away and answers with it. Throws 40401 when the subject has none, 42205. */
export function deleteLevel(state: RegistryState, subject: string | undefined): Decision<CompatibilityLevel> {
  checkSetting(state, subject)
  const answer = subject === undefined ? state.level() : state.ownLevel(subject)
  if (answer === undefined) throw registryError('subjectNotFound', subject ?? '')
  return { writes: settingTombstones(state, 'CONFIG', subject), answer }
}

/** Throws 42204, 42205 for the modes that are not there yet, 42208. */
export function setMode(state: RegistryState, subject: string | undefined, text: unknown): Decision<Mode> {
  const mode = MODES.find((known) => typeof text === 'string' && known === text.toUpperCase())
  if (!mode) throw registryError('invalidMode')
  if (mode === 'IMPORT' || mode === 'FORWARD') throw registryError('notPermitted', `Mode ${mode} is not supported yet`)
  if (subject !== undefined) checkSubjectName(subject)
  const value = Buffer.from(JSON.stringify({ subject, mode }))
  return { writes: [{ key: keyBytes({ keytype: 'MODE', subject }), value }], answer: mode }
}

/** Takes the mode away and answers with it. Throws 40401 when the subject has none. */
export function deleteMode(state: RegistryState, subject: string | undefined): Decision<Mode> {
  const answer = subject === undefined ? state.mode() : state.ownMode(subject)
  if (answer === undefined) throw registryError('subjectNotFound', subject ?? '')
  return { writes: settingTombstones(state, 'MODE', subject), answer }
}

/** Deletes a setting under every key it was written with; nothing to write when there is none. */
export function settingTombstones(
  state: RegistryState,
  keytype: 'CONFIG' | 'MODE',
  subject: string | undefined,
): readonly LogWrite[] {
  return state.rawKeysOf(keytype, subject).map((key) => ({ key, value: null }))
}

function checkSetting(state: RegistryState, subject: string | undefined): void {
  if (subject === undefined) return
  checkSubjectName(subject)
  checkWritable(state, subject)
}
