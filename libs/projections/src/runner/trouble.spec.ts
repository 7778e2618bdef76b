import { describe, expect, it } from 'vitest'
import { afterFailure, afterSuccess, NO_TROUBLE, type Remedy, type Trouble } from './trouble.ts'

const policy = { batchAttempts: 3, eventAttempts: 2, firstDelayMs: 50, delayMsMax: 150 }

/** What follows failure after failure, until the partition halts. */
function course(hopeless: boolean): readonly string[] {
  const steps: string[] = []
  let trouble: Trouble = NO_TROUBLE
  for (;;) {
    const remedy: Remedy = afterFailure(trouble, hopeless, policy)
    if (remedy.kind === 'halt') return [...steps, 'halt']
    steps.push(`${remedy.trouble.eventByEvent ? 'event' : 'batch'} after ${remedy.delayMs} ms`)
    trouble = remedy.trouble
  }
}

describe('trouble', () => {
  it('tries the batch, then event by event, then halts', () => {
    expect(course(false)).toEqual([
      'batch after 50 ms',
      'batch after 150 ms',
      'event after 0 ms',
      'event after 50 ms',
      'halt',
    ])
  })

  it('only locates what can never succeed', () => {
    expect(course(true)).toEqual(['event after 0 ms', 'halt'])
  })

  it('is forgotten after a success, but the search for the culprit goes on', () => {
    expect(afterSuccess({ failures: 2, eventByEvent: true })).toEqual({ failures: 0, eventByEvent: true })
    expect(afterSuccess(NO_TROUBLE)).toBe(NO_TROUBLE)
  })
})
