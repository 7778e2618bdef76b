import { describe, expect, it } from 'vitest'
import { FakeClock } from './fake-clock.ts'
import { sequentialIds } from './sequential-ids.ts'

describe('the fake clock', () => {
  it('stands still until it is moved, and rings on the way', () => {
    const clock = new FakeClock('2026-01-01T00:00:00Z')
    const rung: [string, string][] = []
    const ring = (name: string) => () => rung.push([name, clock.now().toISOString().slice(14, 19)])
    clock.after(2_000, ring('second'))
    clock.after(1_000, ring('first'))
    clock.after(1_500, ring('never'))()
    clock.advance(999)
    expect(rung).toEqual([])
    clock.advance(60_000)
    expect(rung).toEqual([
      ['first', '00:01'],
      ['second', '00:02'],
    ])
    expect(clock.now().toISOString()).toBe('2026-01-01T00:01:00.999Z')
  })

  it('rings what an alarm has set in turn', () => {
    const clock = new FakeClock(0)
    let rung = 0
    clock.after(10, () => clock.after(10, () => (rung += 1)))
    clock.advance(20)
    expect(rung).toBe(1)
  })
})

describe('sequential ids', () => {
  it('count up in the form of a UUID', () => {
    const newId = sequentialIds()
    expect([newId(), newId()]).toEqual(['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'])
  })
})
