import { FakeClock } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { type Progress, ProgressMeter } from './progress.ts'
import { RateMeter } from './rate-meter.ts'
import { differencesOf } from './verification.ts'

function partition(position: number, records: number) {
  return { topic: 't', partition: 0, position, endOffset: 500, records, parked: 0, skipped: 0, error: undefined }
}

describe('progress', () => {
  it('measures rate and remaining time against the frozen end, and reports now and then', () => {
    const clock = new FakeClock(0)
    const reports: Progress[] = []
    const subject = { projector: 'p', generation: 2, ends: new Map([['t/0', 400]]) }
    const meter = new ProgressMeter(subject, clock, (progress) => reports.push(progress))
    meter.report('replaying', [partition(0, 0)])
    expect(reports.at(-1)).toMatchObject({ done: 0, total: 400, etaSeconds: undefined })
    clock.advance(50)
    meter.report('replaying', [partition(50, 25)])
    expect(reports).toHaveLength(1)
    clock.advance(950)
    meter.report('replaying', [partition(100, 50)])
    expect(reports.at(-1)).toMatchObject({ done: 100, events: 50, eventsPerSecond: 50, etaSeconds: 3 })
    meter.report('catching-up', [partition(450, 225)])
    expect(reports.at(-1)).toMatchObject({
      phase: 'catching-up',
      done: 400,
      etaSeconds: 0,
      partitions: [{ topic: 't', partition: 0, done: 400, total: 400 }],
    })
  })

  it('forgets rates that are older than 15 seconds', () => {
    const meter = new RateMeter()
    for (let second = 0; second <= 20; second++) meter.rate(second * 1_000, second * 1_000)
    for (let second = 21; second <= 60; second++) meter.rate(second * 1_000, 20_000 + (second - 20) * 10)
    expect(meter.rate(60_000, 20_400)).toBeCloseTo(10)
    expect(new RateMeter().rate(5, 5)).toBe(0)
  })
})

describe('a comparison of tables', () => {
  const table = (name: string, rows: number, checksum: string) => ({ name, rows, checksum })

  it('names what differs', () => {
    const before = [table('a', 1, 'x'), table('b', 2, 'x'), table('c', 3, 'x'), table('gone', 0, 'x')]
    const after = [table('a', 1, 'x'), table('b', 1, 'y'), table('c', 3, 'y'), table('made', 0, 'x')]
    expect(differencesOf(before, after)).toEqual([
      'b has 1 rows instead of 2',
      'c has other values in its 3 rows',
      'gone is missing',
      'made is new',
    ])
  })
})
