import { describe, expect, it } from 'vitest'
import { AvroError } from '../errors.ts'
import { avroType } from './avro-type.ts'

const record = (...fields: readonly object[]) => ({ type: 'record', name: 'Sample', namespace: 'test', fields })
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
/** A record of one field, for what is the same at the top and inside. */
const one = (type: unknown, more: object = {}) => avroType(record(field('value', type, more)))

function errorOf(run: () => unknown): AvroError {
  try {
    run()
  } catch (error) {
    if (error instanceof AvroError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('bytes', () => {
  it("are those of the specification's example", () => {
    const type = avroType(record(field('a', 'long'), field('b', 'string')))
    expect(type.encode({ a: 27n, b: 'foo' }).toString('hex')).toBe('3606666f6f')
    expect(type.decode(Buffer.from('3606666f6f', 'hex'))).toEqual({ a: 27n, b: 'foo' })
  })

  it('hold every long exactly', () => {
    const type = avroType('long')
    const edges = [
      0n,
      -1n,
      1n,
      63n,
      64n,
      -64n,
      -65n,
      2n ** 27n - 1n,
      2n ** 27n,
      -(2n ** 27n),
      2n ** 31n,
      2n ** 53n + 1n,
    ]
    for (const value of [...edges, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(type.decode(type.encode(value)), String(value)).toBe(value)
    }
    expect(type.encode(-(2n ** 63n)).toString('hex')).toBe('ffffffffffffffffff01')
  })

  it('are read from an offset to the end, and nothing may be left over or missing', () => {
    const type = avroType('string')
    const body = Buffer.concat([Buffer.from('00000000ff', 'hex'), type.encode('hi')])
    expect(type.decode(body, 5)).toBe('hi')
    expect(errorOf(() => type.decode(Buffer.from('0668', 'hex'))).code).toBe('AVRO_BODY_CORRUPT')
    expect(errorOf(() => type.decode(Buffer.from('026800', 'hex'))).message).toContain('1 bytes are left over')
  })

  it('with an absurd item count are refused at once', () => {
    const huge = Buffer.from('feffffffffffffff7f', 'hex')
    for (const items of ['null', 'long', 'string', { type: 'record', name: 'Empty', fields: [] }]) {
      expect(errorOf(() => avroType({ type: 'array', items }).decode(huge)).code).toBe('AVRO_BODY_CORRUPT')
      expect(errorOf(() => avroType({ type: 'map', values: items }).decode(huge)).code).toBe('AVRO_BODY_CORRUPT')
    }
  })

  it('with arrays of many nulls inside each other are refused before they take long', () => {
    const nulls = { type: 'array', items: 'null' }
    const inner = Buffer.from('fe ff 07 00'.replaceAll(' ', ''), 'hex') // 65,535 nulls in four bytes.
    const bytes = Buffer.concat([Buffer.from('80f104', 'hex'), ...Array.from({ length: 5000 }, () => inner)])
    expect(errorOf(() => avroType({ type: 'array', items: nulls }).decode(bytes)).code).toBe('AVRO_BODY_CORRUPT')
  })

  it('that nest deeper than the stack are refused', () => {
    const type = avroType({ type: 'record', name: 'Link', fields: [field('next', ['null', 'Link'])] })
    expect(errorOf(() => type.decode(Buffer.alloc(5_000_000, 2))).code).toBe('AVRO_BODY_CORRUPT')
  })

  it('may be written by others in blocks with sizes', () => {
    const type = avroType({ type: 'array', items: 'int' })
    expect(type.decode(Buffer.from('0304020400', 'hex'))).toEqual([1, 2])
  })
})

describe('values', () => {
  it.each([
    ['null', null],
    ['boolean', true],
    ['int', -2147483648],
    ['double', 0.1],
    ['float', 0.5],
    ['string', 'żółć 🎉'],
    ['bytes', Buffer.from([0, 255])],
    [{ type: 'fixed', name: 'F', size: 2 }, Buffer.from([1, 2])],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B'],
    [{ type: 'array', items: ['null', 'long'] }, [1n, null]],
    [
      { type: 'map', values: 'int' },
      { a: 1, 'b c': 2 },
    ],
    [['null', 'string'], null],
    [['null', 'string'], 'x'],
    [['string', 'boolean', 'long', 'bytes', 'null'], 5n],
    [['string', 'boolean', 'long', 'bytes', 'null'], Buffer.from('x')],
    [['int', 'string'], 7],
    [['int', 'long'], { long: 7n }],
    [['null', { type: 'array', items: 'int' }, { type: 'map', values: 'int' }], { array: [1] }],
  ])('of %o come back: %o', (type, value) => {
    const sample = one(type)
    expect(sample.decode(sample.encode({ value }))).toEqual({ value })
  })

  it('of record unions are wrapped in the full name of their branch', () => {
    const card = { type: 'record', name: 'Card', fields: [field('number', 'string')] }
    const cash = { type: 'record', name: 'Cash', namespace: 'other', fields: [] }
    const type = one([card, cash])
    const value = { 'test.Card': { number: '1' } }
    expect(type.decode(type.encode({ value }))).toEqual({ value })
    expect(type.decode(type.encode({ value: { 'other.Cash': {} } }))).toEqual({ value: { 'other.Cash': {} } })
  })

  it.each([
    [{ type: 'long', logicalType: 'timestamp-millis' }, new Date('2024-02-29T12:00:00.123Z')],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 1_700_000_000_000_001n],
    [{ type: 'int', logicalType: 'date' }, '2024-02-29'],
    [{ type: 'int', logicalType: 'date' }, '1969-12-31'],
    [{ type: 'int', logicalType: 'time-millis' }, 86_399_999],
    [{ type: 'long', logicalType: 'time-micros' }, 5n],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, '1969-12-31T23:59:59.999'],
    [{ type: 'long', logicalType: 'local-timestamp-micros' }, '2024-02-29T00:00:00.000001'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, '-1234.50'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 30, scale: 0 }, '123456789012345678901234567890'],
    [{ type: 'fixed', name: 'D', size: 4, logicalType: 'decimal', precision: 6, scale: 3 }, '0.001'],
    [{ type: 'string', logicalType: 'uuid' }, '095d71cf-1255-6b9d-5e33-0ad575b3df5d'],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, '095d71cf-1255-6b9d-5e33-0ad575b3df5d'],
    [
      { type: 'fixed', name: 'P', size: 12, logicalType: 'duration' },
      { months: 1, days: 2, millis: 4_294_967_295 },
    ],
  ])('of %o are %o', (type, value) => {
    const sample = one(type)
    expect(sample.decode(sample.encode({ value }))).toEqual({ value })
  })

  it.each([
    [{ type: 'int', logicalType: 'date' }, '2023-02-29'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, new Date(Number.NaN)],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '1.005'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '100.00'],
    [{ type: 'string', logicalType: 'uuid' }, 'no'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, '2024-02-30T00:00:00'],
  ])('of %o never round or shift: %o is refused', (type, value) => {
    expect(errorOf(() => one(type).encode({ value })).code).toBe('AVRO_VALUE_DOES_NOT_FIT')
  })

  it('recursive types work', () => {
    const tree = { type: 'record', name: 'Tree', fields: [field('children', { type: 'array', items: 'Tree' })] }
    const type = avroType(tree)
    const value = { children: [{ children: [] }, { children: [{ children: [] }] }] }
    expect(type.decode(type.encode(value))).toEqual(value)
  })

  it('may be called like members of Object', () => {
    const type = avroType(record(field('constructor', 'string'), field('toString', 'int', { default: 3 })))
    expect(type.decode(type.encode({ constructor: 'c' }))).toEqual({ constructor: 'c', toString: 3 })
    const proto = avroType(record(field('__proto__', 'int'), field('a', 'int')))
    const given = JSON.parse('{"__proto__":1,"a":2}') as object
    expect(JSON.stringify(proto.decode(proto.encode(given)))).toBe('{"__proto__":1,"a":2}')
    const map = one({ type: 'map', values: 'int' })
    const withProto = { value: JSON.parse('{"__proto__":1,"a":2}') as object }
    expect(JSON.stringify(map.decode(map.encode(withProto)))).toBe('{"value":{"__proto__":1,"a":2}}')
  })

  it('names from a schema never become code', () => {
    const name = 'x){};globalThis.hacked=1;('
    const type = avroType(record(field(name, 'int')))
    expect(type.decode(type.encode({ [name]: 1 }))).toEqual({ [name]: 1 })
    expect('hacked' in globalThis).toBe(false)
  })
})

describe('a value that does not fit', () => {
  const type = avroType(
    record(
      field('amount', 'long'),
      field(
        'lines',
        { type: 'array', items: { type: 'record', name: 'Line', fields: [field('sku', 'string')] } },
        { default: [] },
      ),
      field('rates', { type: 'map', values: 'double' }, { default: {} }),
      field('memo', ['null', 'string'], { default: null }),
    ),
  )

  it.each([
    [{ amount: 200 }, 'amount', 'bigint of 64 bits', 'number 200'],
    [{ amount: 2n ** 63n }, 'amount', 'bigint of 64 bits', 'bigint 9223372036854775808n'],
    [{}, 'amount', 'bigint of 64 bits', 'nothing'],
    [{ amount: 1n, lines: [{ sku: 'a' }, { sku: 5 }] }, 'lines[1].sku', 'string', 'number 5'],
    [{ amount: 1n, rates: { 'a b': '1' } }, 'rates["a b"]', 'number', 'string "1"'],
    [{ amount: 1n, memo: 5 }, 'memo', 'string', 'number 5'],
    [{ amount: 1n, extra: true }, 'extra', 'no such field', 'boolean true'],
    [null, '', 'record test.Sample', 'null'],
    [[], '', 'record test.Sample', 'array of 0'],
  ])('%o names the path, what was expected and what was given', (value, path, expected, got) => {
    const error = errorOf(() => type.encode(value))
    expect(error).toMatchObject({ code: 'AVRO_VALUE_DOES_NOT_FIT', path, expected, got, retriable: false })
  })

  it('prints as one line with a fix', () => {
    expect(String(errorOf(() => type.encode({ amount: 200 })))).toBe(
      'AVRO_VALUE_DOES_NOT_FIT: test.Sample.amount: expected bigint of 64 bits, got number 200. Fix: Write 200n instead of 200.',
    )
  })

  it('may contain itself', () => {
    const link = avroType({ type: 'record', name: 'Link', fields: [field('next', ['null', 'Link'])] })
    const value: { next: unknown } = { next: null }
    value.next = value
    expect(errorOf(() => link.encode(value)).code).toBe('AVRO_VALUE_DOES_NOT_FIT')
  })
})

describe('a newer schema', () => {
  const read = (writer: object | string, reader: object | string, value: unknown) =>
    avroType(reader).readerOf(avroType(writer))(avroType(writer).encode(value))

  it('fills fields that the writer did not know and drops those it does not know', () => {
    const v1 = record(field('a', 'int'), field('gone', 'string'))
    const v2 = record(field('a', 'int'), field('tags', { type: 'array', items: 'string' }, { default: ['x'] }))
    expect(read(v1, v2, { a: 1, gone: 'g' })).toEqual({ a: 1, tags: ['x'] })
  })

  it('gives every reader defaults of its own', () => {
    const v2 = avroType(record(field('tags', { type: 'array', items: 'string' }, { default: [] })))
    const v1 = avroType(record())
    const reader = v2.readerOf(v1)
    const [first, second] = [reader(v1.encode({})), reader(v1.encode({}))] as { tags: string[] }[]
    first?.tags.push('mine')
    expect(second).toEqual({ tags: [] })
  })

  it('finds a renamed field by its alias', () => {
    expect(read(record(field('old', 'int')), record(field('name', 'int', { aliases: ['old'] })), { old: 1 })).toEqual({
      name: 1,
    })
  })

  it('is its own, though an alias says the name of another field', () => {
    const sample = avroType(record(field('a', 'int'), field('b', 'int', { aliases: ['a'] })))
    expect(sample.decode(sample.encode({ a: 1, b: 2 }))).toEqual({ a: 1, b: 2 })
    const twins = { type: 'record', name: 'Twins', fields: [field('a', 'int'), field('b', 'int', { aliases: ['a'] })] }
    const inUnion = one(['null', twins])
    expect(inUnion.decode(inUnion.encode({ value: { a: 1, b: 2 } }))).toEqual({ value: { a: 1, b: 2 } })
  })

  it('widens numbers and swaps text and bytes', () => {
    expect(read('int', 'long', 5)).toBe(5n)
    expect(read('long', 'double', 5n)).toBe(5)
    expect(read('float', 'double', 0.5)).toBe(0.5)
    expect(read('string', 'bytes', 'é')).toEqual(Buffer.from('é'))
    expect(read('bytes', 'string', Buffer.from('é'))).toBe('é')
  })

  it('takes the branch of a union that suits best, not the first that would do', () => {
    expect(read('string', ['null', 'bytes', 'string'], 'x')).toBe('x')
    expect(read('int', ['double', 'int'], 5)).toEqual({ int: 5 })
    expect(read('int', ['null', 'double', 'long'], 5)).toEqual({ double: 5 })
  })

  it('reads data of another namespace when the short name is the same', () => {
    const old = { type: 'record', name: 'a.R', fields: [field('x', 'int')] }
    expect(read(old, { ...old, name: 'b.R' }, { x: 1 })).toEqual({ x: 1 })
    expect(read(['null', old], ['null', { ...old, name: 'b.R' }], { x: 1 })).toEqual({ x: 1 })
  })

  it('replaces an enum symbol that is gone by the default symbol', () => {
    const old = { type: 'enum', name: 'E', symbols: ['A', 'B'] }
    expect(read(old, { type: 'enum', name: 'E', symbols: ['A', 'U'], default: 'U' }, 'B')).toBe('U')
  })

  it('takes T | null from what used to be T', () => {
    expect(read(record(field('v', 'string')), record(field('v', ['null', 'string'])), { v: 'x' })).toEqual({ v: 'x' })
  })

  it('is refused when it cannot read the old one, with the reason', () => {
    const error = errorOf(() => read(record(field('a', 'int')), record(field('b', 'int')), { a: 1 }))
    expect(error).toMatchObject({ code: 'AVRO_CANNOT_READ' })
    expect(error.message).toContain('/fields/0 b')
  })

  it('builds the reader of a writer once', () => {
    const [reader, writer] = [avroType(record(field('a', 'long'))), avroType(record(field('a', 'int')))]
    expect(reader.readerOf(writer)).toBe(reader.readerOf(avroType(writer.schema)))
  })
})

describe('identity', () => {
  it('is the same for text, value and formatted text, and another one when a default changes', () => {
    const schema = record(field('a', 'int', { default: 1 }))
    const type = avroType(schema)
    expect(avroType(JSON.stringify(schema, null, 2)).fingerprint).toBe(type.fingerprint)
    expect(avroType(record(field('a', 'int', { default: 2 }))).fingerprint).not.toBe(type.fingerprint)
    expect(type.fullName).toBe('test.Sample')
  })

  it('of unions and enums without members is there, but they hold no values', () => {
    expect(errorOf(() => avroType([]).encode(1)).code).toBe('AVRO_SCHEMA_UNSUPPORTED')
  })
})
