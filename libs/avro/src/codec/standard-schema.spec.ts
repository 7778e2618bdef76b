import { expect, it } from 'vitest'
import { avroType } from './avro-type.ts'
import { standardSchema } from './standard-schema.ts'

const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'map',
          values: { type: 'record', name: 'Line', fields: [{ name: 'count', type: 'int', default: 1 }] },
        },
      },
    },
  ],
}
const { validate, version, vendor } = standardSchema(schema)['~standard']

it('a schema checks values as the Standard Schema specification wants it', () => {
  expect({ version, vendor }).toEqual({ version: 1, vendor: 'keyfold' })
  expect(validate({ lines: [{ 'a.b': {} }] })).toEqual({ value: { lines: [{ 'a.b': { count: 1 } }] } })
})

it('a misfit has its path, step by step', () => {
  expect(validate({ lines: [{}, { 'a."b': { count: 1.5 } }] })).toEqual({
    issues: [{ message: 'expected whole number of 32 bits, got number 1.5', path: ['lines', 1, 'a."b', 'count'] }],
  })
  expect(standardSchema(avroType('long'))['~standard'].validate('1')).toEqual({
    issues: [{ message: 'expected bigint of 64 bits, got string "1"', path: [] }],
  })
})
