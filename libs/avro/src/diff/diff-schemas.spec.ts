import { describe, expect, it } from 'vitest'
import { diffSchemas } from './diff-schemas.ts'

function changes(before: object, after: object): string[] {
  return diffSchemas({ text: JSON.stringify(before) }, { text: JSON.stringify(after) }).map((change) =>
    [change.kind, change.what, change.path, change.before, '→', change.after]
      .filter((part) => part !== undefined)
      .join(' '),
  )
}

const record = (fields: readonly object[], rest: object = {}) => ({ type: 'record', name: 'a.Order', fields, ...rest })
const field = (name: string, type: unknown, rest: object = {}) => ({ name, type, ...rest })

describe('the difference between two schemas', () => {
  it('is nothing for another layout and another way to write names', () => {
    const one = record([field('a', { type: 'string' })])
    const other = { fields: [{ type: 'string', name: 'a' }], name: 'Order', namespace: 'a', type: 'record' }
    expect(changes(one, other)).toEqual([])
  })

  it('has fields that came, went, moved and were renamed', () => {
    const before = record([field('a', 'int'), field('b', 'int'), field('c', 'int'), field('d', 'string')])
    const after = record([
      field('b', 'int'),
      field('c', 'int'),
      field('a', 'int'),
      field('e', 'string', { aliases: ['d'] }),
      field('f', ['null', 'long'], { default: null }),
    ])
    expect(changes(before, after)).toEqual([
      'moved field Order.a →',
      'changed name Order.e "d" → "e"',
      'added aliases Order.e → "d"',
      'added field Order.f → ["null","long"]',
    ])
    expect(changes(after, record([field('a', 'int')]))).toContain('removed field Order.f ["null","long"] →')
  })

  it('has types, defaults, orders, sizes, symbols, branches and properties', () => {
    const before = record([
      field('a', 'int', { default: 0 }),
      field('b', { type: 'fixed', name: 'F', size: 4 }),
      field('c', { type: 'enum', name: 'E', symbols: ['A', 'B'] }),
      field('d', ['null', 'int']),
      field('e', { type: 'long', logicalType: 'timestamp-millis' }),
      field('f', { type: 'array', items: { type: 'map', values: 'int' } }),
    ])
    const after = record([
      field('a', 'long', { default: 1, order: 'ignore' }),
      field('b', { type: 'fixed', name: 'F', size: 8 }),
      field('c', { type: 'enum', name: 'E', symbols: ['B', 'C'], default: 'B' }),
      field('d', ['null', 'string']),
      field('e', { type: 'long', logicalType: 'timestamp-micros' }),
      field('f', { type: 'array', items: { type: 'map', values: 'long' } }),
    ])
    expect(changes(before, after)).toEqual([
      'changed type Order.a "int" → "long"',
      'changed default Order.a 0 → 1',
      'changed order Order.a "ascending" → "ignore"',
      'changed size Order.b 4 → 8',
      'removed symbol Order.c A →',
      'added symbol Order.c → C',
      'added default Order.c → "B"',
      'removed branch Order.d "int" →',
      'added branch Order.d → "string"',
      'changed property Order.e "logicalType": "timestamp-millis" → "logicalType": "timestamp-micros"',
      'changed type Order.f[]{} "int" → "long"',
    ])
  })

  it('has documentation, which nothing else notices', () => {
    expect(
      changes(record([field('a', 'int', { doc: 'x' })]), record([field('a', 'int', { doc: 'y' })], { doc: 'z' })),
    ).toEqual(['added doc Order → "z"', 'changed doc Order.a "x" → "y"'])
  })

  it('ends in recursive schemas, and tells branches apart by name', () => {
    const node = (type: unknown) =>
      record([field('next', ['null', 'Order', { type: 'record', name: 'End', fields: [field('v', type)] }])])
    expect(changes(node('int'), node('long'))).toEqual(['changed type Order.next<End>.v "int" → "long"'])
  })

  it('says where in both texts', () => {
    const text =
      '{\n  "type": "record",\n  "name": "Order",\n  // one line more\n  "fields": [\n    { "name": "a", "type": "int" }\n  ]\n}'
    const [change] = diffSchemas(
      { text },
      { text: text.replace('"int"', '"long"').replace('  // one line more\n', '') },
    )
    expect(change).toMatchObject({
      beforeAt: { pointer: '/fields/0/type', line: 6, column: 28 },
      afterAt: { pointer: '/fields/0/type', line: 5, column: 28 },
    })
  })
})
