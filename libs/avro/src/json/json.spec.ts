import { describe, expect, it } from 'vitest'
import { parseJson } from './parse-json.ts'
import { printDouble, printFloat, printJson } from './json-value.ts'

const roundTrip = (text: string) => printJson(parseJson(text, 64))

describe('JSON as Avro Java sees it', () => {
  it('keeps whether a number has a point, all digits, and the order of members', () => {
    expect(roundTrip('{"b":1,"2":1.0,"1":12345678901234567890123}')).toBe('{"b":1,"2":1.0,"1":12345678901234567890123}')
  })

  it('keeps the place of a repeated member and takes its last value', () => {
    expect(roundTrip('{"a":1,"b":2,"a":3}')).toBe('{"a":3,"b":2}')
  })

  it.each([
    [1e10, '1.0E10'],
    [1e7, '1.0E7'],
    [9_999_999.5, '9999999.5'],
    [0.001, '0.001'],
    [0.0001, '1.0E-4'],
    [-0, '-0.0'],
    [-123.25, '-123.25'],
    [100, '100.0'],
    [1.7976931348623157e308, '1.7976931348623157E308'],
    [5e-324, '4.9E-324'],
    [-1e-7, '-1.0E-7'],
  ])('prints the double %d as %s', (value, text) => {
    expect(printDouble(value)).toBe(text)
  })

  it.each([
    [0.1, '0.1'],
    [3, '3.0'],
    [16_777_216, '1.6777216E7'],
    [3.4028234663852886e38, '3.4028235E38'],
  ])('prints the float %d as %s', (value, text) => {
    expect(printFloat(value)).toBe(text)
  })

  it.each(['{', '[1,]', '{"a"}', '01', '"\\x"', '"a\nb"', 'tru', '', '1 2'])('refuses %j', (text) => {
    expect(() => parseJson(text, 64)).toThrow()
  })

  it('refuses what nests too deep', () => {
    expect(() => parseJson('['.repeat(100_000), 64)).toThrow('64 levels')
  })
})
