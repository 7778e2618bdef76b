import { registryError } from '../registry-error.ts'
import { GLOBAL_SUBJECT } from '../state/qualified-subject.ts'
import type { EffectiveConfig, RegistryState } from '../state/registry-state.ts'
import { RuleSetProblem } from '../state/rule-set.ts'
import { keyBytes } from '../state/schema-record.ts'
import { CONFIG_MEMBER_NAMES, CONFIG_MEMBERS, type SubjectConfig } from '../state/subject-config.ts'
import type { Decision } from './decision.ts'
import { checkSubjectName, checkWritable } from './subject-rules.ts'
import { settingTombstones } from './tombstones.ts'

/** Members of a request, under the names of `SubjectConfig`: null clears one, one that is not there stays as it is. */
export type ConfigChange = Readonly<Record<string, unknown>>

/**
 * Sets members for a subject, which need not exist yet, for a context, or for the default context when none is named.
 * Throws 400, 42203, 42205, 42208, 42210.
 */
export function setConfig(
  state: RegistryState,
  subject: string | undefined,
  change: ConfigChange,
): Decision<SubjectConfig> {
  const given = CONFIG_MEMBER_NAMES.filter((name) => change[name] !== undefined)
  // A request that names nothing that can be set was meant to set something.
  if (given.length === 0) throw registryError('invalidLevel')
  const kept = CONFIG_MEMBER_NAMES.map((name) => {
    const value = change[name] === undefined ? state.configs.get(subject)?.[name] : readMember(name, change[name])
    return [name, value] as const
  })
  if (subject !== undefined) checkSubjectName(subject, true)
  checkWritable(state, subject)
  const config: SubjectConfig = Object.fromEntries(kept.filter(([, value]) => value !== undefined))
  const [key = keyBytes({ keytype: 'CONFIG', subject })] = state.configs.rawKeys(subject)
  return { writes: [{ key, value: Buffer.from(JSON.stringify({ subject, ...config })) }], answer: config }
}

/** Takes everything away that was set, and answers with it. Throws 40401 when there is nothing, 42205. */
export function deleteConfig(state: RegistryState, subject: string | undefined): Decision<EffectiveConfig> {
  const answer = ownConfig(state, subject)
  if (answer === undefined) throw registryError('subjectNotFound', subject ?? '')
  checkWritable(state, subject)
  return { writes: settingTombstones(state, 'CONFIG', subject), answer }
}

/** What is set for exactly this one, with a level; what holds for everybody is never unset. */
export function ownConfig(state: RegistryState, subject: string | undefined): EffectiveConfig | undefined {
  const own = state.configs.get(subject)
  if (own === undefined && subject !== undefined && subject !== GLOBAL_SUBJECT) return undefined
  return { ...own, compatibilityLevel: own?.compatibilityLevel ?? state.config(subject).compatibilityLevel }
}

function readMember(name: keyof SubjectConfig, json: unknown): unknown {
  if (json === null) return undefined
  try {
    const value = CONFIG_MEMBERS[name](json)
    if (value !== undefined) return value
  } catch (error) {
    if (error instanceof RuleSetProblem) throw registryError('invalidRuleSet', error.message)
    throw error
  }
  if (name === 'compatibilityLevel') throw registryError('invalidLevel')
  if (name === 'compatibilityPolicy') throw registryError('invalidPolicy')
  throw registryError('badRequest', `"${name}" has a value of the wrong type`)
}
