import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from '@keyfold/avro'
import { type Metadata, parseMetadata } from './metadata.ts'
import { parseRuleSet, type RuleSet } from './rule-set.ts'

export const COMPATIBILITY_POLICIES = ['LOGICAL', 'STRICT', 'LENIENT'] as const

/** What can be set for a subject, a context or everything. A member that is not there is not set. */
export interface SubjectConfig {
  /** The subject that is meant when this one is named in a path. */
  readonly alias?: string
  readonly aliasForDeks?: string
  readonly normalize?: boolean
  readonly validateFields?: boolean
  readonly validateNewSchemas?: boolean
  readonly validateRules?: boolean
  readonly compatibilityLevel?: CompatibilityLevel
  readonly compatibilityPolicy?: (typeof COMPATIBILITY_POLICIES)[number]
  /** Only versions whose metadata has the same value under this name are compared. */
  readonly compatibilityGroup?: string
  readonly defaultMetadata?: Metadata
  readonly overrideMetadata?: Metadata
  readonly defaultRuleSet?: RuleSet
  readonly overrideRuleSet?: RuleSet
}

type Member = keyof SubjectConfig

/** Reads one member. Undefined, or a `RuleSetProblem`, when the value is not one for it. In the order of answers. */
export const CONFIG_MEMBERS: { readonly [Name in Member]-?: (json: unknown) => SubjectConfig[Name] | undefined } = {
  alias: text,
  aliasForDeks: text,
  normalize: flag,
  validateFields: flag,
  validateNewSchemas: flag,
  validateRules: flag,
  compatibilityLevel: (json) => COMPATIBILITY_LEVELS.find((level) => level === upperCase(json)),
  compatibilityPolicy: (json) => COMPATIBILITY_POLICIES.find((policy) => policy === upperCase(json)),
  compatibilityGroup: text,
  defaultMetadata: parseMetadata,
  overrideMetadata: parseMetadata,
  defaultRuleSet: parseRuleSet,
  overrideRuleSet: parseRuleSet,
}

export const CONFIG_MEMBER_NAMES = Object.keys(CONFIG_MEMBERS) as readonly Member[]

/** Members of a subject's own configuration that also hold when only the global one has them. */
const INHERITED = [
  'normalize',
  'validateFields',
  'validateNewSchemas',
  'validateRules',
  'compatibilityLevel',
  'compatibilityPolicy',
  'compatibilityGroup',
] as const

/** Reads what a record or a request says, as far as it can be read. */
export function parseConfig(json: Readonly<Record<string, unknown>>): SubjectConfig {
  const members = CONFIG_MEMBER_NAMES.map((name) => [name, readable(name, json[name])] as const)
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

/** A subject's own configuration, completed from the one that holds for more. */
export function inheritedConfig(own: SubjectConfig, outer: SubjectConfig | undefined): SubjectConfig {
  const inherited = INHERITED.map((name) => [name, outer?.[name]] as const)
  return { ...Object.fromEntries(inherited.filter(([, value]) => value !== undefined)), ...own }
}

function readable(name: Member, json: unknown): unknown {
  if (json === undefined || json === null) return undefined
  try {
    return CONFIG_MEMBERS[name](json)
  } catch {
    return undefined
  }
}

function text(json: unknown): string | undefined {
  return typeof json === 'string' ? json : undefined
}

function flag(json: unknown): boolean | undefined {
  if (typeof json === 'boolean') return json
  return json === 'true' ? true : json === 'false' ? false : undefined
}

function upperCase(json: unknown): string | undefined {
  return typeof json === 'string' ? json.toUpperCase() : undefined
}
