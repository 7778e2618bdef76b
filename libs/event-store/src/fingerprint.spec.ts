import { describe, expect, it } from 'vitest'
import { commandFingerprint } from './fingerprint.ts'

const of = (payload: unknown) => commandFingerprint('bank.Deposit', payload)

describe('a command’s fingerprint', () => {
  it('does not depend on the order of members, or on those that are undefined', () => {
    expect(of({ a: 1, b: { c: 2n, d: [1, 2] } })).toBe(of({ b: { d: [1, 2], c: 2n }, a: 1, e: undefined }))
  })

  it.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: '1' }],
    [{ a: 1 }, { a: 1n }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: new Date(0) }, { a: new Date(1) }],
    [{ a: Buffer.from('x') }, { a: Buffer.from('y') }],
    [{ a: new Set([1]) }, { a: new Set([2]) }],
    [{ a: null }, {}],
  ])('tells %o from %o', (left, right) => {
    expect(of(left)).not.toBe(of(right))
  })

  it('is stored with every event, and so must stay what it is', () => {
    expect(of({ accountId: 'a', amount: 200n, at: new Date(0) })).toBe('722938427a7f65aa')
  })

  it('depends on the command’s name', () => {
    expect(of({})).not.toBe(commandFingerprint('bank.Withdraw', {}))
  })
})
