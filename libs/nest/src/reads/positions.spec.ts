import { describe, expect, it } from 'vitest'
import { formatPositions, furthest, parsePositions, preferredWaitSeconds } from './positions.ts'

describe('positions in headers', () => {
  it('come back as they were written', () => {
    const positions = [
      { topic: 'bank.account', partition: 3, offset: 42 },
      { topic: 'a_b-c', partition: 0, offset: 0 },
    ]
    expect(parsePositions(formatPositions(positions))).toEqual(positions)
    expect(parsePositions(undefined)).toEqual([])
    expect(parsePositions(' , ')).toEqual([])
  })

  it.each(['x', 'a/b@1', 'a/1@', 'a/-1@2', 'a b/1@2', `a/1@${'9'.repeat(16)}`, '../1@2 3'])('refuses %s', (header) => {
    expect(() => parsePositions(header)).toThrow(expect.objectContaining({ code: 'POSITION_INVALID' }))
  })

  it('refuses more than a request could wait for', () => {
    const many = Array.from({ length: 65 }, (_, partition) => `t/${partition}@1`).join(',')
    expect(() => parsePositions(many)).toThrow('65 positions, at most 64')
  })

  it('are at most as many as are taken back: those that moved last', () => {
    const older = Array.from({ length: 64 }, (_, partition) => ({ topic: 't', partition, offset: 1 }))
    const moved = [
      { topic: 't', partition: 0, offset: 2 },
      { topic: 'u', partition: 0, offset: 1 },
    ]
    const kept = parsePositions(formatPositions(furthest(older, moved)))
    expect(kept).toEqual([...older.slice(2), ...moved])
    const long = older.map((position) => ({ ...position, topic: 'x'.repeat(249) }))
    const header = formatPositions(long)
    expect(header.length).toBeLessThanOrEqual(4096)
    expect(parsePositions(header)).toEqual(long.slice(-16))
  })

  it('keep the furthest of every partition', () => {
    expect(furthest(parsePositions('a/0@5, a/1@1'), parsePositions('a/0@3, b/0@9'))).toEqual([
      { topic: 'a', partition: 0, offset: 5 },
      { topic: 'a', partition: 1, offset: 1 },
      { topic: 'b', partition: 0, offset: 9 },
    ])
  })

  it.each([
    ['wait=2', 2],
    ['respond-async, wait=10', 10],
    ['Wait = "3"; foo', 3],
    ['wait=9999', 30],
    ['return=minimal', undefined],
    ['wait=-1', undefined],
    [undefined, undefined],
  ])('Prefer: %s', (header, seconds) => {
    expect(preferredWaitSeconds(header, 30)).toBe(seconds)
  })
})
