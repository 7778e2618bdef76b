import { expect, it } from 'vitest'
import { decodeWire, encodeWire, guidHeader, writerSchemaOf } from './wire-format.ts'

it('puts a zero and the id before the body', () => {
  const bytes = encodeWire(258, Buffer.from('ab'))
  expect(bytes.toString('hex')).toBe('00000001026162')
  expect(decodeWire(bytes)).toEqual({ schemaId: 258, bodyOffset: 5 })
})

it.each(['', '00000001', '01000000010000', '7b22'])('refuses %j', (hex) => {
  expect(() => decodeWire(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'AVRO_WIRE_FORMAT' }))
})

it('takes the schema of a record from its header before its prefix', () => {
  const guid = '095d71cf-1255-6b9d-5e33-0ad575b3df5d'
  const header = guidHeader(guid)
  expect(header.toString('hex')).toBe('01095d71cf12556b9d5e330ad575b3df5d')
  const value = encodeWire(7, Buffer.from('ab'))
  expect(writerSchemaOf(value, header)).toEqual({ guid, bodyOffset: 0 })
  expect(writerSchemaOf(value, Buffer.from('0000000102', 'hex'))).toEqual({ schemaId: 258, bodyOffset: 0 })
  expect(writerSchemaOf(value)).toEqual({ schemaId: 7, bodyOffset: 5 })
  expect(writerSchemaOf(Buffer.concat([header, Buffer.from('ab')]))).toEqual({ guid, bodyOffset: 17 })
})

it.each(['', '00', '0100', '0200000000'])('refuses a header of %j', (hex) => {
  expect(() => writerSchemaOf(Buffer.from('0000000001', 'hex'), Buffer.from(hex, 'hex'))).toThrow(
    expect.objectContaining({ code: 'AVRO_WIRE_FORMAT' }),
  )
})

it('refuses a guid that is none', () => {
  expect(() => guidHeader('x')).toThrow(expect.objectContaining({ code: 'AVRO_WIRE_FORMAT' }))
})
