import { describe, expect, it } from 'vitest'
import { parseSchema } from '../schema/parse-schema.ts'
import { diagnose, satisfiedLevels } from './diagnose.ts'

const source = (...fields: readonly object[]) => ({
  text: JSON.stringify({ type: 'record', name: 'Order', fields }, null, 2),
})
const sku = { name: 'sku', type: 'string' }
const lines = (...fields: readonly object[]) => ({
  name: 'lines',
  type: { type: 'array', items: { type: 'record', name: 'Line', fields } },
})

describe('why a version does not fit its history', () => {
  it('is told with names, places in both texts, and what to do', () => {
    const result = diagnose('BACKWARD', source(lines(sku, { name: 'count', type: 'int' })), [
      { version: 7, source: source(lines({ name: 'sku', type: 'int' })) },
    ])
    expect(result.compatible).toBe(false)
    expect(result.failingVersion).toBe(7)
    expect(result.diagnoses).toEqual([
      {
        direction: 'BACKWARD',
        type: 'TYPE_MISMATCH',
        path: 'Order.lines[].sku',
        message: 'Order.lines[].sku: reader type: STRING not compatible with writer type: INT',
        fix: 'Keep the type of the field; add a new field with a default for the new type.',
        nextAt: { pointer: '/fields/0/type/items/fields/0/type', line: 15, column: 23 },
        previousAt: { pointer: '/fields/0/type/items/fields/0/type', line: 15, column: 23 },
      },
      {
        direction: 'BACKWARD',
        type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
        path: 'Order.lines[].count',
        message: 'field Order.lines[].count is new and has no default',
        fix: 'Add "default": … to count, or "aliases": ["old name"] when it was renamed.',
        nextAt: { pointer: '/fields/0/type/items/fields/1', line: 17, column: 13 },
        previousAt: { pointer: '/fields/0/type/items', line: 9, column: 18 },
      },
    ])
    expect(result.messages[0]).toContain("errorType:'TYPE_MISMATCH'")
  })

  it('is told for the other direction with the sides exchanged', () => {
    const [diagnosis] = diagnose('FORWARD', source(), [{ version: 1, source: source(sku) }]).diagnoses
    expect(diagnosis).toMatchObject({
      direction: 'FORWARD',
      message: 'field Order.sku is gone, and the older version needs it: it has no default there',
      fix: 'Keep the field sku.',
      nextAt: { pointer: '' },
      previousAt: { pointer: '/fields/0' },
    })
  })

  it('names an alias that matches two fields', () => {
    const both = source(sku, { name: 'code', type: 'string' })
    const next = source({ name: 'sku', type: 'string', aliases: ['code'] })
    expect(diagnose('BACKWARD', next, [{ version: 1, source: both }]).diagnoses).toMatchObject([
      { type: 'AMBIGUOUS_FIELD', fix: 'Remove the alias that matches a second field.' },
    ])
  })

  it('is nothing when it fits', () => {
    const result = diagnose('FULL', source(sku), [{ version: 1, source: source(sku) }])
    expect(result).toEqual({ compatible: true, failingVersion: undefined, diagnoses: [], messages: [] })
  })
})

it('the levels that a version satisfies', () => {
  const [one, two] = [source(sku), source(sku, { name: 'memo', type: 'string' })].map(({ text }) => parseSchema(text))
  if (!one || !two) throw new Error('both were parsed')
  expect(satisfiedLevels(two, [{ version: 1, schema: one }])).toEqual(['NONE', 'FORWARD', 'FORWARD_TRANSITIVE'])
})
