import { describe, expect, it } from 'vitest'
import { jsonText, parseJson } from './json-text.ts'
import { parseDuration } from './parse-duration.ts'
import { parseInstant } from './parse-instant.ts'
import { plainLines, tableLines } from './table-layout.ts'

describe('values on the command line', () => {
  it.each([
    ['500ms', 500],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['PT30M', 1_800_000],
    ['P1DT1H', 90_000_000],
    ['PT0.5S', 500],
  ])('%s is a duration of %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '5', 's', '-5s', 'P', 'PT', '5 s', '1e3s'])('"%s" is no duration', (text) => {
    expect(() => parseDuration(text)).toThrow('Give a number and a unit')
  })

  it.each([
    ['2026-01-01', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T10:00', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01T10:00:01.5Z', '2026-01-01T10:00:01.500Z'],
    ['2026-01-01T10:00+02:00', '2026-01-01T08:00:00.000Z'],
    ['1767225600000', '2026-01-01T00:00:00.000Z'],
  ])('%s is the instant %s', (text, iso) => expect(new Date(parseInstant(text)).toISOString()).toBe(iso))

  it.each(['now', '2026', '2026-13-01', '2026-01-01 10:00', '-soon'])('"%s" is no instant', (text) => {
    expect(() => parseInstant(text)).toThrow(/Give a/)
  })
})

describe('results', () => {
  it('as JSON lose no digit and no byte', () => {
    const value = { long: 9_223_372_036_854_775_807n, bytes: Buffer.from([255]), at: new Date(0), small: 1n }
    const text = '{"long":9223372036854775807,"bytes":"/w==","at":"1970-01-01T00:00:00.000Z","small":1}'
    expect(jsonText(value)).toBe(text)
    expect(parseJson(text)).toMatchObject({ long: 9_223_372_036_854_775_807n, small: 1 })
    expect(parseJson('[1.5,1e400,-9007199254740993]')).toEqual([1.5, Number.POSITIVE_INFINITY, -9_007_199_254_740_993n])
  })

  it('as a table line up, numbers at the right; in plain text tabs part them and nothing else', () => {
    const table = {
      columns: ['NAME', { heading: 'N', right: true }] as const,
      rows: [
        ['é👍', 1],
        ['long\tname', 100],
        [null, 7n],
      ],
    }
    expect(tableLines(table, (text) => text)).toEqual([
      'NAME         N',
      'é👍           1',
      'long\tname  100',
      '-            7',
    ])
    expect(plainLines(table)).toEqual(['é👍\t1', 'long name\t100', '-\t7'])
  })
})
