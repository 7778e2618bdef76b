import './patches.ts'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { afterEach, describe, expect, it, vi } from 'vitest'

afterEach(() => vi.useRealTimers())

/** As kafkajs's own constructor leaves it, without the socket. */
function queue(state: Partial<RequestQueue>): RequestQueue {
  const made = Object.create(RequestQueue.prototype) as RequestQueue
  return Object.assign(made, { pending: [], throttledUntil: -1, ...state })
}

describe("kafkajs's queue of requests", () => {
  it('arms no timer while nothing waits', () => {
    vi.useFakeTimers()
    queue({}).scheduleCheckPendingRequests()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('looks again when requests wait or the broker throttles', () => {
    vi.useFakeTimers()
    queue({ pending: [{}] }).scheduleCheckPendingRequests()
    queue({ throttledUntil: Date.now() + 1_000 }).scheduleCheckPendingRequests()
    expect(vi.getTimerCount()).toBe(2)
  })
})
