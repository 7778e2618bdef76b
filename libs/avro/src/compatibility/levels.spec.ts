import { describe, expect, it } from 'vitest'
import { parseSchema } from '../schema/parse-schema.ts'
import { checkCompatibility } from './compatibility.ts'
import { checkLevel, type CompatibilityLevel } from './levels.ts'
import { verboseMessages } from './verbose-messages.ts'

const record = (...fields: readonly object[]) => parseSchema(JSON.stringify({ type: 'record', name: 'R', fields }))
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'int' }
const withDefault = { ...b, default: 0 }

const messages = (
  level: CompatibilityLevel,
  next: ReturnType<typeof record>,
  ...history: ReturnType<typeof record>[]
) =>
  verboseMessages(
    level,
    checkLevel(
      level,
      next,
      history.map((schema, index) => ({ version: index + 1, schema })),
    ),
  )

describe('levels', () => {
  it('BACKWARD is not transitive: a default may be dropped one version later', () => {
    const history = [record(a), record(a, withDefault)].map((schema, index) => ({ version: index + 1, schema }))
    expect(checkLevel('BACKWARD', record(a, b), history).compatible).toBe(true)
    expect(checkLevel('BACKWARD_TRANSITIVE', record(a, b), history)).toMatchObject({
      compatible: false,
      failing: { version: 1 },
    })
  })
})

describe("the words of Confluent's registry", () => {
  it('name the difference, the version, its schema and the level', () => {
    expect(messages('BACKWARD', record(a, b), record(a))).toEqual([
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'b'}",
      '{oldSchemaVersion: 1}',
      `{oldSchema: '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'}`,
      "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ])
  })

  it('under FULL begin with the old schema reading new data', () => {
    const found = messages('FULL', record(a), record({ ...a, type: 'string' }))
    expect(found[0]).toContain('in the old schema does not match with the new schema')
    expect(found[1]).toContain('in the new schema does not match with the old schema')
    expect(found[2]).toBe('{oldSchemaVersion: 1}')
  })

  it('under FULL leave out the version when only the old schema fails', () => {
    expect(messages('FULL', record(a), record(a, b))).toHaveLength(2)
  })

  it('are none when nothing is wrong', () => {
    expect(messages('FULL', record(a), record(a))).toEqual([])
  })
})

it('a difference has a place that people can read', () => {
  const list = (...fields: readonly object[]) =>
    record({ name: 'lines', type: { type: 'array', items: { type: 'record', name: 'L', fields } } })
  const { incompatibilities } = checkCompatibility(list(a, b), list(a))
  expect(incompatibilities[0]).toMatchObject({ path: '/fields/0/type/items/fields/1', readablePath: 'R.lines[].b' })
})
