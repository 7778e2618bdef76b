/** A JSON Schema (draft 2020-12), as far as the results of commands need it. */
export type JsonSchema = Readonly<Record<string, unknown>>

export const text: JsonSchema = { type: 'string' }
export const whole: JsonSchema = { type: 'integer' }
export const truth: JsonSchema = { type: 'boolean' }
export const anything: JsonSchema = {}

/** An object with exactly these members. A name that ends in `?` may be missing. */
export function objectOf(members: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const entries = Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema] as const)
  const required = Object.keys(members).filter((name) => !name.endsWith('?'))
  return { type: 'object', properties: Object.fromEntries(entries), required, additionalProperties: false }
}

/** An object with any names, all of whose values are of one kind. */
export function mapOf(values: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: values }
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items }
}

export function oneOf(...values: readonly (string | number | null)[]): JsonSchema {
  return { enum: values }
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] }
}
