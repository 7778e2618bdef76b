import { expect, it } from 'vitest'
import { decodeWire, encodeWire } from './wire-format.ts'

it('puts a zero and the id before the body', () => {
  const bytes = encodeWire(258, Buffer.from('ab'))
  expect(bytes.toString('hex')).toBe('00000001026162')
  expect(decodeWire(bytes)).toEqual({ schemaId: 258, bodyOffset: 5 })
})

it.each(['', '00000001', '01000000010000', '7b22'])('refuses %j', (hex) => {
  expect(() => decodeWire(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'AVRO_WIRE_FORMAT' }))
})
