import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from './murmur2.ts'

describe('murmur2', () => {
  // Printed by Utils.murmur2 of kafka-clients 4.3.0; test/wire has forty more.
  it.each([
    ['', 275646681],
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('statement 96: of %j is %i, as in Java', (text, expected) => {
    expect(murmur2(Buffer.from(text))).toBe(expected)
  })
})

describe('partitionForKey', () => {
  it('statement 96: is the positive hash modulo the number of partitions', () => {
    expect(partitionForKey(Buffer.from('21'), 1000)).toBe((-973932308 & 0x7fffffff) % 1000)
  })

  it('needs a partition to pick from', () => {
    expect(() => partitionForKey(Buffer.from('x'), 0)).toThrow(RangeError)
  })
})
