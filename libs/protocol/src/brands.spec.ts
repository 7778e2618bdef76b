import { describe, expectTypeOf, it } from 'vitest'
import type { GenerationId, LeaderEpoch, Offset, ProducerEpoch, ProducerId } from './brands.ts'

describe('branded numbers', () => {
  it('are numbers, and plain numbers are any of them', () => {
    expectTypeOf<number>().toExtend<Offset>()
    expectTypeOf<Offset>().toExtend<number>()
    const offset: Offset = 5
    const next: Offset = offset + 1
    expectTypeOf(next).toExtend<Offset>()
  })

  it('are not each other', () => {
    expectTypeOf<Offset>().not.toExtend<ProducerId>()
    expectTypeOf<ProducerEpoch>().not.toExtend<LeaderEpoch>()
    expectTypeOf<LeaderEpoch>().not.toExtend<GenerationId>()
  })
})
