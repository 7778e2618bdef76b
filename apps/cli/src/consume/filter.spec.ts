import { describe, expect, it } from 'vitest'
import { compileFilter } from './filter.ts'

const scope = {
  topic: 'bank.account',
  partition: 3,
  offset: 17,
  timestamp: '2026-01-02T03:04:05.006Z',
  key: 'alice',
  value: {
    cents: 9_007_199_254_740_993n,
    ratio: 0.5,
    memo: null,
    at: new Date(0),
    lines: [{ sku: 'a-1' }],
    'odd name': 1,
  },
  headers: { 'ce-type': 'Deposited' },
}

describe('a filter', () => {
  it.each([
    ["key == 'alice'", true],
    ['key == "bob"', false],
    ["key != 'bob' && partition == 3", true],
    ['partition < 3 || offset >= 17', true],
    ['!(partition == 3)', false],
    ['!!(partition == 3)', true],
    ['value.cents > 9007199254740992', true],
    ['value.cents == 9007199254740993', true],
    ['value.cents <= 9007199254740992', false],
    ['value.ratio == 0.5', true],
    ['value.ratio < 1e3 && value.ratio > -1', true],
    ['value.memo == null', true],
    ['value.nothing.at.all == null', true],
    ['value.nothing > 1', false],
    ["value.at < '2026-01-01'", true],
    ["value.lines[0].sku startsWith 'a-'", true],
    ["value.lines[7].sku == 'a-1'", false],
    ["value['odd name'] == 1", true],
    ["headers['ce-type'] contains 'posit'", true],
    ["headers.ce-type == 'Deposited'", true],
    ["timestamp >= '2026-01-02'", true],
    ["key == 'it\\'s'", false],
    ['key == 1', false],
    ["key < 1 || 'a' > 1", false],
    ["topic == 'bank.account' && key == 'alice' || partition == 9", true],
    ['partition', false],
    ['true', true],
    ['value.constructor == null && value.lines.length == 1', true],
    ['value.__proto__ == null', true],
  ])('%s is %s', (text, expected) => {
    expect(compileFilter(text)(scope)).toBe(expected)
  })

  it.each([
    ['', 'it ends too early'],
    ['key ==', 'it ends too early'],
    ['key == = 1', 'character 8'],
    ['(key == 1', 'closing parenthesis'],
    ['key == 1)', 'character 9'],
    ['keys == 1', 'keys is not known'],
    ['process.exit()', 'process is not known'],
    ['key == `x`', 'character 8 (`)'],
    ["key == 'x", "character 8 (')"],
    [`${'('.repeat(100)}1`, 'nested too deeply'],
    ['!'.repeat(100), 'nested too deeply'],
    [`key == '${'x'.repeat(5_000)}'`, 'longer than'],
  ])('%s is refused with the place', (text, reason) => {
    expect(() => compileFilter(text)).toThrow(expect.objectContaining({ code: 'FILTER_INVALID' }))
    expect(() => compileFilter(text)).toThrow(reason)
  })
})
