import { registryError } from '../registry-error.ts'
import { GLOBAL_SUBJECT, isWholeContext, isWithin } from '../state/qualified-subject.ts'
import { type Mode, MODES, type RegistryState } from '../state/registry-state.ts'
import { keyBytes, type LogWrite } from '../state/schema-record.ts'
import type { Decision } from './decision.ts'
import { checkSubjectName, checkUnreferenced } from './subject-rules.ts'
import { permanentDeletion, settingTombstones } from './tombstones.ts'

/**
 * Sets the mode of a subject, a context or the default context; null takes it away. To enter IMPORT there must be no
 * live version, unless forced, and what was softly deleted goes for good. Throws 42204, 42205, 42206, 42208.
 */
export function setMode(
  state: RegistryState,
  subject: string | undefined,
  text: unknown,
  force: boolean,
): Decision<undefined> {
  if (subject !== undefined) checkSubjectName(subject, true)
  const mode =
    text === null ? undefined : MODES.find((known) => typeof text === 'string' && known === text.toUpperCase())
  if (mode === undefined && text !== null) throw registryError('invalidMode')
  if (mode === 'FORWARD' && subject !== GLOBAL_SUBJECT) throw registryError('forwardIsGlobal')
  if (mode === undefined) return { writes: settingTombstones(state, 'MODE', subject), answer: undefined }
  const makesRoom = mode === 'IMPORT' && state.mode(subject) !== 'IMPORT' && !force
  const [key = keyBytes({ keytype: 'MODE', subject })] = state.modes.rawKeys(subject)
  const write = { key, value: Buffer.from(JSON.stringify({ subject, mode })) }
  return { writes: [...(makesRoom ? roomForImport(state, subject) : []), write], answer: undefined }
}

/**
 * Takes the mode away and answers with it. Recursively, the subjects of the context lose theirs, too; then there need
 * not be one. Throws 40401.
 */
export function deleteMode(
  state: RegistryState,
  subject: string | undefined,
  recursive: boolean,
): Decision<Mode | undefined> {
  const answer = ownMode(state, subject)
  if (answer === undefined && !recursive) throw registryError('subjectNotFound', subject ?? '')
  const isContext = subject === undefined || isWholeContext(subject)
  const below = recursive && isContext ? state.modes.subjects().filter((other) => isBelow(other, subject)) : []
  return { writes: [...new Set([subject, ...below])].flatMap((name) => settingTombstones(state, 'MODE', name)), answer }
}

/** What is set for exactly this one; what holds for everybody is never unset. */
export function ownMode(state: RegistryState, subject: string | undefined): Mode | undefined {
  const own = state.modes.get(subject)
  return own ?? (subject === undefined || subject === GLOBAL_SUBJECT ? 'READWRITE' : undefined)
}

function isBelow(other: string | undefined, context: string | undefined): other is string {
  return other !== undefined && isWithin(other, context)
}

function roomForImport(state: RegistryState, subject: string | undefined): readonly LogWrite[] {
  const subjects = state.subjectNames().filter((name) => subject === undefined || isWithin(name, subject))
  const versions = subjects.flatMap((name) => state.versionsOf(name))
  if (versions.some(({ deleted }) => !deleted)) {
    throw registryError('notPermitted', 'Cannot import since found existing subjects')
  }
  for (const stored of versions) checkUnreferenced(state, stored, () => true)
  // The record tells other registries to forget what they still hold of these subjects.
  const key = keyBytes({ keytype: 'CLEAR_SUBJECT', subject })
  return [...permanentDeletion(state, versions), { key, value: Buffer.from(JSON.stringify({ subject })) }]
}
