import { describe, expect, it } from 'vitest'
import { avroType } from './avro-type.ts'

const record = (...fields: readonly object[]) => ({ type: 'record', name: 'Sample', fields })
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
const corrupt = expect.objectContaining({ code: 'AVRO_BODY_CORRUPT' }) as Error

/** Where avsc, which reads and writes the bytes, would do something else on its own. */
describe('unlike avsc alone', () => {
  it('records and wrapped branches are plain objects', () => {
    const inner = { type: 'record', name: 'a.Inner', fields: [field('n', 'int')] }
    const type = avroType(record(field('one', inner), field('either', ['int', 'a.Inner'])))
    const value = { one: { n: 1 }, either: { 'a.Inner': { n: 2 } } }
    const decoded = type.decode(type.encode(value)) as typeof value
    expect(decoded).toStrictEqual(value)
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(decoded.either['a.Inner'])).toBe(Object.prototype)
    expect(structuredClone(decoded)).toStrictEqual(value)
    const newer = avroType(record(field('one', inner), field('more', 'int', { default: 5 })))
    expect(newer.readerOf(type)(type.encode(value))).toStrictEqual({ one: { n: 1 }, more: 5 })
  })

  it('an int of more than 32 bits is corrupt', () => {
    const body = avroType('long').encode(2n ** 31n)
    expect(() => avroType('int').decode(body)).toThrow(corrupt)
    expect(() => avroType('double').readerOf(avroType('int'))(body)).toThrow(corrupt)
  })

  it('numbers become the nearest float or double', () => {
    expect(avroType('float').readerOf(avroType('int'))(avroType('int').encode(16_777_217))).toBe(16_777_216)
    const long = avroType('long').encode(2n ** 63n - 1n)
    expect(avroType('double').readerOf(avroType('long'))(long)).toBe(2 ** 63)
  })

  it('fields are skipped without believing counts and sizes of blocks', () => {
    const nothing = avroType(record())
    for (const type of [
      { type: 'array', items: 'null' },
      { type: 'map', values: 'int' },
    ]) {
      const read = nothing.readerOf(avroType(record(field('gone', type))))
      expect(() => read(Buffer.from('feffffffffffffff7f', 'hex'))).toThrow(corrupt)
      // A block of one item whose size says that the next one begins before it.
      expect(() => read(Buffer.from('0107'.repeat(20), 'hex'))).toThrow(corrupt)
      const written = avroType(record(field('gone', type)))
      expect(read(written.encode({ gone: type.type === 'map' ? { k: 3 } : [null, null] }))).toEqual({})
    }
  })

  it('names that every object has are names like others', () => {
    const type = avroType(record(field('kind', { type: 'enum', name: 'Kind', symbols: ['constructor', 'toString'] })))
    expect(type.decode(type.encode({ kind: 'toString' }))).toEqual({ kind: 'toString' })
    expect(() => type.encode({ kind: 'valueOf' })).toThrow('Sample.kind: expected one of constructor, toString')
    const union = avroType(['int', 'long'])
    expect(() => union.encode({ constructor: 1 })).toThrow('expected { "int": … } or { "long": … }')
    const older = avroType(record(field('a', 'int')))
    const newer = avroType(
      record(field('valueOf', 'int', { default: 1 }), field('__proto__', 'int', { aliases: ['a'] })),
    )
    expect(JSON.stringify(newer.readerOf(older)(older.encode({ a: 7 })))).toBe('{"valueOf":1,"__proto__":7}')
  })

  it('several fields may read the same one', () => {
    const older = avroType(record(field('a', 'int'), field('b', 'string')))
    const newer = avroType(
      record(field('x', 'long', { aliases: ['a'] }), field('b', 'string'), field('y', 'double', { aliases: ['a'] })),
    )
    expect(newer.readerOf(older)(older.encode({ a: 5, b: 'b' }))).toEqual({ x: 5n, b: 'b', y: 5 })
  })

  it('half a character is written as the sign for one that is missing', () => {
    expect(avroType('string').encode('a\ud800')).toEqual(avroType('string').encode('a\ufffd'))
    const map = avroType({ type: 'map', values: 'int' })
    expect(map.decode(map.encode({ '\udc00': 1 }))).toEqual({ '\ufffd': 1 })
  })

  it('a reader of another logical type gets its own value, and stored longs are not rounded', () => {
    const millis = avroType({ type: 'long', logicalType: 'timestamp-millis' })
    const micros = avroType({ type: 'long', logicalType: 'timestamp-micros' })
    const day = avroType({ type: 'int', logicalType: 'date' })
    const time = new Date('2024-02-29T12:00:00.123Z')
    expect(millis.readerOf(avroType('long'))(avroType('long').encode(BigInt(time.getTime())))).toEqual(time)
    expect(micros.readerOf(millis)(millis.encode(time))).toBe(BigInt(time.getTime()))
    expect(avroType(['null', 'double', 'long']).readerOf(day)(day.encode('1970-01-08'))).toEqual({ double: 7 })
  })

  it('one value may be longer than the room that is kept, and encode another one meanwhile', () => {
    const type = avroType(record(field('a', 'string'), field('b', 'bytes')))
    const long = { a: 'ü'.repeat(100_000), b: new Uint8Array(300_000).fill(7) }
    expect(type.decode(type.encode(long))).toEqual({ a: long.a, b: Buffer.from(long.b) })
    const nested = {
      a: 'outer',
      get b() {
        return type.encode({ a: 'inner', b: Buffer.of(1) })
      },
    }
    const outer = type.decode(type.encode(nested)) as { a: string; b: Buffer }
    expect(outer.a).toBe('outer')
    expect(type.decode(outer.b)).toEqual({ a: 'inner', b: Buffer.of(1) })
  })
})
