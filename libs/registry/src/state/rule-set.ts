import { distinct, isObject, isStrings, scalarTexts, sortedMembers, withoutNulls } from './metadata.ts'

/** A rule of a schema. It is stored, shown and hashed; executing it is the business of serializers. */
export interface Rule {
  readonly name: string
  readonly doc?: string
  readonly kind: string
  readonly mode: string
  readonly type: string
  readonly tags?: readonly string[]
  readonly params?: Readonly<Record<string, string>>
  readonly expr?: string
  readonly onSuccess?: string
  readonly onFailure?: string
  readonly disabled: boolean
}

export interface RuleSet {
  readonly migrationRules?: readonly Rule[]
  readonly domainRules?: readonly Rule[]
  readonly encodingRules?: readonly Rule[]
  readonly enableAt?: string
}

/** Why a rule set is refused, in Confluent's words where it has any. */
export class RuleSetProblem extends Error {
  override readonly name = 'RuleSetProblem'
}

const MIGRATION_MODES = ['UPGRADE', 'DOWNGRADE', 'UPDOWN']
const DOMAIN_MODES = ['WRITE', 'READ', 'WRITEREAD']
const LISTS = [
  {
    member: 'migrationRules',
    modes: MIGRATION_MODES,
    refusal: 'Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN',
  },
  { member: 'domainRules', modes: DOMAIN_MODES, refusal: 'Domain rules can only be WRITE, READ, WRITEREAD' },
  { member: 'encodingRules', modes: DOMAIN_MODES, refusal: 'Encoding rules can only be WRITE, READ, WRITEREAD' },
] as const
const TEXT_MEMBERS = ['doc', 'expr', 'onSuccess', 'onFailure'] as const
const NAME_LENGTH_MAX = 256

/** Reads and checks a rule set. Throws `RuleSetProblem`. */
export function parseRuleSet(json: unknown): RuleSet {
  if (!isObject(json)) throw new RuleSetProblem('The rule set must be an object')
  const { enableAt } = json
  const names = new Set<string>()
  const lists = LISTS.flatMap(({ member, modes, refusal }) => {
    const rules = rulesOf(json[member], member)
    for (const rule of rules) {
      if (names.has(rule.name)) throw new RuleSetProblem(`Found rule with duplicate name '${rule.name}'`)
      names.add(rule.name)
      checkActions(rule)
      if (!(modes as readonly string[]).includes(rule.mode)) throw new RuleSetProblem(refusal)
    }
    return rules.length > 0 ? [[member, rules] as const] : []
  })
  return { ...Object.fromEntries(lists), ...(typeof enableAt === 'string' ? { enableAt } : {}) }
}

/** The newer one wins rule by rule, by name. */
export function mergedRuleSet(older: RuleSet | undefined, newer: RuleSet | undefined): RuleSet | undefined {
  if (!older || !newer) return newer ?? older
  const lists = LISTS.flatMap(({ member }) => {
    const added = newer[member] ?? []
    const kept = (older[member] ?? []).filter(({ name }) => !added.some((rule) => rule.name === name))
    return kept.length + added.length > 0 ? [[member, [...kept, ...added]] as const] : []
  })
  const enableAt = newer.enableAt ?? older.enableAt
  return { ...Object.fromEntries(lists), ...(enableAt === undefined ? {} : { enableAt }) }
}

export function hasRuleOfType(ruleSet: RuleSet | undefined, type: string): boolean {
  return LISTS.some(({ member }) => ruleSet?.[member]?.some((rule) => rule.type === type))
}

function rulesOf(json: unknown, member: string): readonly Rule[] {
  if (json === undefined || json === null) return []
  if (!Array.isArray(json)) throw new RuleSetProblem(`${member} must be a list`)
  return json.map(ruleOf)
}

function ruleOf(json: unknown): Rule {
  if (!isObject(json)) throw new RuleSetProblem('A rule must be an object')
  const given = withoutNulls(json)
  const { name, kind = 'TRANSFORM', mode = 'WRITEREAD', type, tags = [], params = {}, disabled = false } = given
  checkName(name)
  if (typeof type !== 'string') throw new RuleSetProblem('Missing rule type')
  if (kind !== 'TRANSFORM' && kind !== 'CONDITION') throw new RuleSetProblem(`Unknown rule kind: ${String(kind)}`)
  if (typeof mode !== 'string') throw new RuleSetProblem(`Unknown rule mode: ${String(mode)}`)
  const parameters = isObject(params) ? scalarTexts(params) : undefined
  if (!isStrings(tags) || !parameters)
    throw new RuleSetProblem('Rule tags must be texts, and parameters a map of texts')
  const texts = TEXT_MEMBERS.filter((member) => given[member] !== undefined).map((member) => [
    member,
    String(given[member]),
  ])
  return {
    name,
    ...(Object.fromEntries(texts) as Pick<Rule, (typeof TEXT_MEMBERS)[number]>),
    kind,
    mode,
    type,
    ...(tags.length > 0 ? { tags: distinct(tags) } : {}),
    ...(Object.keys(parameters).length > 0 ? { params: sortedMembers(parameters) } : {}),
    disabled: disabled === true,
  }
}

function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new RuleSetProblem('Missing rule name')
  if (name === '') throw new RuleSetProblem('Empty rule name')
  if (name.length > NAME_LENGTH_MAX) throw new RuleSetProblem('Rule name too long')
  if (!/^[\p{L}_]/u.test(name)) throw new RuleSetProblem(`Illegal initial character in rule name: ${name}`)
  if (!/^[\p{L}\p{Nd}_-]+$/u.test(name)) throw new RuleSetProblem(`Illegal character in rule name: ${name}`)
}

function checkActions({ mode, onSuccess, onFailure }: Rule): void {
  if (mode === 'WRITEREAD' || mode === 'UPDOWN') return
  if ([onSuccess, onFailure].some((action) => action?.includes(','))) {
    throw new RuleSetProblem('Multiple actions only valid with WRITEREAD and UPDOWN')
  }
}
