/** One setting: everything about it that is data. Values are kept as text, the way Kafka's tools show them. */
export interface ConfigDefinition {
  readonly type: ConfigType
  readonly default: string
  readonly doc: string
  readonly min?: number
  readonly max?: number
  /** The values that are allowed, for text and each element of a list. */
  readonly oneOf?: readonly string[]
  /** May be altered while the broker runs. */
  readonly dynamic?: true
}

export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

/** Kafka's numbers for the types (DescribeConfigs v3+). */
export const configTypeCodes: Record<ConfigType, number> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
}

/** Long.MAX: "no limit" in Kafka's time and size settings. */
export const longMax = '9223372036854775807'

/** What is wrong with a value for the setting, undefined if nothing is. */
export function configProblem(key: string, definition: ConfigDefinition, value: string): string | undefined {
  const problem = problemByType[definition.type](definition, value)
  return problem === undefined ? undefined : `Invalid value ${value} for configuration ${key}: ${problem}`
}

/** Elements of a list value. */
export function listElements(value: string): string[] {
  const elements = value.split(',').map((element) => element.trim())
  return elements.filter((element) => element !== '')
}

const problemByType: Record<ConfigType, (definition: ConfigDefinition, value: string) => string | undefined> = {
  boolean: (_, value) => (value === 'true' || value === 'false' ? undefined : 'Expected value to be true or false'),
  int: (definition, value) => numberProblem(definition, value, wholeNumber),
  long: (definition, value) => numberProblem(definition, value, wholeNumber),
  double: (definition, value) => numberProblem(definition, value, /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/),
  string: choiceProblem,
  list: (definition, value) => {
    const problems = listElements(value).map((element) => choiceProblem(definition, element))
    return problems.find((problem) => problem !== undefined)
  },
}

const wholeNumber = /^[+-]?\d{1,19}$/

function numberProblem(definition: ConfigDefinition, value: string, pattern: RegExp): string | undefined {
  if (!pattern.test(value.trim())) return `Not a number of type ${definition.type.toUpperCase()}`
  const { min, max = definition.type === 'int' ? 0x7fff_ffff : Number(longMax) } = definition
  const number = Number(value)
  if (min !== undefined && number < min) return `Value must be at least ${min}`
  return number > max ? `Value must be no more than ${max}` : undefined
}

function choiceProblem({ oneOf }: ConfigDefinition, value: string): string | undefined {
  return oneOf === undefined || oneOf.includes(value) ? undefined : `String must be one of: ${oneOf.join(', ')}`
}
