import { describe, expect, it } from 'vitest'
import { judgeAddPartitions, judgeEndTxn, judgeInit, judgeProduce } from './commit-verdicts.ts'
import { nextSequence } from './transactional-producer.ts'

describe('what a broker error means for a transaction', () => {
  it.each(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'])(
    'fences at every step: %s',
    (name) => {
      expect([judgeAddPartitions, judgeProduce, judgeEndTxn].map((judge) => judge(name))).toEqual(
        Array(3).fill('fenced'),
      )
    },
  )

  it.each(['INVALID_TXN_STATE', 'UNKNOWN_PRODUCER_ID', 'UNKNOWN', 'ERROR_999'])(
    'is unknown when it is not understood: %s',
    (name) => {
      expect([judgeAddPartitions, judgeProduce, judgeEndTxn, judgeInit].map((judge) => judge(name))).toEqual(
        Array(4).fill('unknown'),
      )
    },
  )

  it('repeats a request only after an answer that says it had no effect', () => {
    expect(judgeInit('CONCURRENT_TRANSACTIONS')).toBe('retry')
    expect(judgeAddPartitions('CONCURRENT_TRANSACTIONS')).toBe('retry')
    expect(judgeProduce('NOT_LEADER_OR_FOLLOWER')).toBe('retry')
    expect(judgeEndTxn('NOT_COORDINATOR')).toBe('retry')
    // The broker gave up waiting: the records may be there.
    expect(judgeProduce('REQUEST_TIMED_OUT')).toBe('unknown')
    expect(judgeEndTxn('REQUEST_TIMED_OUT')).toBe('unknown')
  })

  it('refuses what can never be written, and nothing at the end, where all is written', () => {
    for (const name of ['MESSAGE_TOO_LARGE', 'TOPIC_AUTHORIZATION_FAILED', 'TRANSACTION_ABORTABLE']) {
      expect(judgeProduce(name)).toBe('refused')
      expect(judgeEndTxn(name)).toBe('unknown')
    }
  })
})

describe('sequence numbers', () => {
  it('count records and go on at 0 after the largest int32', () => {
    const max = 0x7fffffff
    expect(nextSequence(0, 5)).toBe(5)
    expect(nextSequence(max - 5, 5)).toBe(max)
    expect(nextSequence(max - 4, 5)).toBe(0)
    expect(nextSequence(max, 1)).toBe(0)
    expect(nextSequence(max, 3)).toBe(2)
  })
})
