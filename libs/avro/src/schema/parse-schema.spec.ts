import { describe, expect, it } from 'vitest'
import { AvroError } from '../errors.ts'
import { canonicalSchema } from './canonical.ts'
import { parseSchema } from './parse-schema.ts'

function codeOf(text: string, strict = false): string {
  try {
    parseSchema(text, { strict })
    return 'accepted'
  } catch (error) {
    if (error instanceof AvroError) return error.code
    throw error
  }
}

const canonical = (schema: unknown) => canonicalSchema(parseSchema(JSON.stringify(schema)))

describe('names', () => {
  it('may be used before they are defined', () => {
    const first = { name: 'a', type: 'B' }
    const second = { name: 'b', type: { type: 'record', name: 'B', fields: [{ name: 'r', type: ['null', 'R'] }] } }
    expect(canonical({ type: 'record', name: 'R', fields: [first, second] })).toBe(
      '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"B","fields":[{"name":"r","type":["null","R"]}]}},{"name":"b","type":"B"}]}',
    )
  })

  it('that nobody defines are refused', () => {
    expect(codeOf('{"type":"record","name":"R","fields":[{"name":"a","type":"B"}]}')).toBe('AVRO_SCHEMA_INVALID')
  })

  it('may be defined twice only when both definitions are the same', () => {
    const twice = (second: string) =>
      codeOf(
        `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":{"type":"fixed","name":"F","size":${second}}}]}`,
      )
    expect(twice('1')).toBe('accepted')
    expect(twice('2')).toBe('AVRO_SCHEMA_INVALID')
  })

  it('in no namespace are found from inside one', () => {
    const outer = { type: 'fixed', name: 'F', size: 1 }
    const inner = { type: 'record', name: 'n.I', fields: [{ name: 'f', type: 'F' }] }
    const fields = [
      { name: 'a', type: outer },
      { name: 'b', type: inner },
    ]
    expect(canonical({ type: 'record', name: 'R', fields })).toContain('"fields":[{"name":"f","type":"F"}]')
  })
})

describe('schemas of strangers', () => {
  it('are refused when they are too large, too deep or have too many fields', () => {
    expect(codeOf(`"${'x'.repeat(300_000)}"`)).toBe('AVRO_SCHEMA_TOO_LARGE')
    expect(codeOf(`"${'é'.repeat(140_000)}"`)).toBe('AVRO_SCHEMA_TOO_LARGE')
    expect(codeOf('{"type":"array","items":'.repeat(600) + '"int"' + '}'.repeat(600))).toBe('AVRO_SCHEMA_TOO_LARGE')
    const fields = Array.from({ length: 2001 }, (_, index) => `{"name":"f${index}","type":"int"}`)
    expect(codeOf(`{"type":"record","name":"R","fields":[${fields.join(',')}]}`)).toBe('AVRO_SCHEMA_TOO_LARGE')
  })

  it('do not keep the default check busy: a default that leans on itself is not valid', () => {
    expect(codeOf('{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}', true)).toBe(
      'AVRO_SCHEMA_INVALID',
    )
  })

  it('do not keep the default check busy: defaults that lean on each other are judged once', () => {
    const types = [{ type: 'record', name: 'R0', fields: [] as object[] }]
    for (let level = 1; level < 60; level++) {
      const leaning = { type: `R${level - 1}`, default: {} }
      const fields = [
        { name: 'a', ...leaning },
        { name: 'b', ...leaning },
      ]
      types.push({ type: 'record', name: `R${level}`, fields })
    }
    const fields = types.map((type, index) => ({ name: `f${index}`, type }))
    const type = JSON.stringify({ type: 'record', name: 'Top', fields })
    expect(codeOf(type, true)).toBe('accepted')
  })

  it.each(['', 'x', '{', '"a" "b"', 'null', '5', '{"type":null}', '[["int"]]'])(
    'are refused when they are %j',
    (text) => {
      expect(codeOf(text)).toBe('AVRO_SCHEMA_INVALID')
    },
  )
})
