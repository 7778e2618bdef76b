import { describe, expect, it } from 'vitest'
import type { GenerationRecord } from '../read-model-store.ts'
import { obsolete, planStart } from './start-plan.ts'

/** `a1`: active, version 1. Letters: active, building, retired, rejected (x). Numbers of generations count up. */
function generations(...marks: readonly string[]): readonly GenerationRecord[] {
  const statuses = { a: 'active', b: 'building', r: 'retired', x: 'rejected' } as const
  return marks.map((mark, index) => ({
    generation: index + 1,
    version: Number(mark.slice(1)),
    status: statuses[mark[0] as keyof typeof statuses],
  }))
}

describe('what a projector of version 2 does at its start', () => {
  it.each([
    ['nothing is there', [], { serve: undefined, feed: true, build: undefined, discard: [] }],
    ['its first generation was never finished', ['b2'], { serve: 1, feed: true, build: undefined, discard: [] }],
    ['it ran before', ['r1', 'a2'], { serve: 2, feed: true, build: undefined, discard: [] }],
    ['a rebuild was not finished', ['a2', 'b2'], { serve: 1, feed: true, build: 2, discard: [] }],
    ['its version was raised', ['a1'], { serve: 1, feed: false, build: 'new', discard: [] }],
    ['its version was raised and half built', ['a1', 'b2'], { serve: 1, feed: false, build: 2, discard: [] }],
    ['another version was half built', ['a1', 'b3'], { serve: 1, feed: false, build: 'new', discard: [2] }],
    ['two of its rebuilds were not finished', ['a2', 'b2', 'b2'], { serve: 1, feed: true, build: 3, discard: [2] }],
    ['its version was lowered', ['r2', 'a3'], { serve: 2, feed: false, build: 1, discard: [] }],
    ['its version was lowered further', ['r1', 'a3'], { serve: 2, feed: false, build: 'new', discard: [] }],
  ])('when %s', (_, marks, expected) => {
    const { serve, build, discard } = planStart(generations(...marks), 2)
    expect({
      serve: serve.record?.generation,
      feed: serve.feed,
      build: typeof build === 'object' ? build.generation : build,
      discard: discard.map(({ generation }) => generation),
    }).toEqual(expected)
  })

  it('keeps the serving generation and the one before', () => {
    const numbers = obsolete(generations('r1', 'r1', 'x2', 'a2', 'b2')).map(({ generation }) => generation)
    expect(numbers).toEqual([1, 3, 5])
  })
})
