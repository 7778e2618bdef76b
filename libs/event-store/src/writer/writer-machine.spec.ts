import { describe, expect, it } from 'vitest'
import { nextStep, type WriterEvent, type WriterState } from './writer-machine.ts'

const states: readonly WriterState[] = [
  'claiming',
  'open',
  'committing',
  'closing',
  'resolving',
  'fenced',
  'refused',
  'closed',
]
const outcomes: readonly WriterEvent[] = ['committed', 'committedSpoilt', 'aborted', 'fenced', 'unknown']

describe('the life of a partition writer', () => {
  it('can be closed in every state, and no other event leads out of closed', () => {
    for (const state of states) expect(['closed', 'closing']).toContain(nextStep(state, 'closed').to)
    for (const event of ['claimed', 'claimFailed', 'claimRefused', 'ownerChanged'] as const)
      expect(nextStep('closed', event)).toEqual({ to: 'closed', effects: [] })
  })

  it('tells callers a decision only after the commit', () => {
    for (const state of ['committing', 'closing'] as const) {
      for (const event of outcomes)
        expect(nextStep(state, event).effects.includes('reply')).toBe(event.startsWith('committed'))
    }
  })

  it('claims anew after everything but a clean commit, and never after it was fenced', () => {
    const after = outcomes.map((event) => [event, nextStep('committing', event)] as const)
    expect(after.filter(([, { effects }]) => effects.includes('claim')).map(([event]) => event)).toEqual([
      'committedSpoilt',
      'aborted',
      'unknown',
    ])
    expect(nextStep('committing', 'fenced').to).toBe('fenced')
    expect(nextStep('resolving', 'ownerChanged').to).toBe('fenced')
  })

  it('starts a batch only when it holds the whole partition', () => {
    for (const state of states.filter((each) => each !== 'open'))
      expect(() => nextStep(state, 'batchCut')).toThrow(`is ${state} cannot be told "batchCut"`)
  })
})
