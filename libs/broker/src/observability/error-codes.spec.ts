import { Fetch, Metadata, OffsetCommit, Produce } from '@keyfold/protocol'
import { describe, expect, it } from 'vitest'
import { eachErrorCode } from './error-codes.ts'

function codesIn(...[api, response]: [Parameters<typeof eachErrorCode>[0], object]): number[] {
  const codes: number[] = []
  eachErrorCode(api, response, (code) => codes.push(code))
  return codes
}

describe('error codes in an answer', () => {
  it('are those at every level of its table, zeros left out', () => {
    const partitionResponses = [{ errorCode: 0 }, { errorCode: 3 }, { errorCode: 87, errorMessage: 'x' }]
    expect(codesIn(Produce, { responses: [{ name: 't', partitionResponses }, { partitionResponses: [] }] })).toEqual([
      3, 87,
    ])
    expect(codesIn(Fetch, { errorCode: 70, responses: [{ partitions: [{ errorCode: 1 }] }] })).toEqual([70, 1])
    expect(codesIn(Metadata, { topics: [{ errorCode: 17, partitions: [{ errorCode: 5 }] }] })).toEqual([17, 5])
  })

  it('are none where the answer has nothing', () => {
    expect(codesIn(OffsetCommit, { topics: null })).toEqual([])
    expect(codesIn(OffsetCommit, {})).toEqual([])
  })
})
