import { describe, expect, it } from 'vitest'
import { TimerHeap } from './scheduler.ts'

describe('the heap of timers', () => {
  it('runs what is due in order of time, then of setting', () => {
    let nowMs = 0
    const heap = new TimerHeap(() => nowMs)
    const ran: string[] = []
    heap.after(20, () => ran.push('late'))
    heap.after(10, () => ran.push('first'))
    heap.after(10, () => ran.push('second'))
    heap.after(30, () => ran.push('never'))
    nowMs = 20
    heap.runDue()
    expect(ran).toEqual(['first', 'second', 'late'])
    expect(heap.nextDueMs).toBe(30)
  })

  it('does not run what was cancelled, nor twice, nor in the same call what a task has set', () => {
    const heap = new TimerHeap(() => 0)
    const ran: string[] = []
    heap.after(0, () => ran.push('cancelled')).cancel()
    heap.after(0, () => heap.after(0, () => ran.push('next')))
    heap.runDue()
    expect(ran).toEqual([])
    heap.runDue()
    heap.runDue()
    expect(ran).toEqual(['next'])
  })

  it('says when the next timer has come nearer', () => {
    let earlier = 0
    const heap = new TimerHeap(
      () => 0,
      () => earlier++,
    )
    heap.after(10, () => {})
    heap.after(20, () => {})
    heap.after(5, () => {})
    expect(earlier).toBe(2)
  })

  it('keeps no cancelled timers when they are many', () => {
    const heap = new TimerHeap(() => 0)
    heap.after(1000, () => {})
    for (let index = 0; index < 10_000; index++) heap.after(100_000, () => {}).cancel()
    expect(heap.size).toBeLessThan(200)
  })

  it('agrees with sorting', () => {
    let nowMs = 0
    const heap = new TimerHeap(() => nowMs)
    const delays = Array.from({ length: 500 }, (_, index) => (index * 7919) % 503)
    const ran: number[] = []
    for (const delay of delays) heap.after(delay, () => ran.push(delay))
    nowMs = 1000
    heap.runDue()
    expect(ran).toEqual(delays.toSorted((a, b) => a - b))
  })
})
