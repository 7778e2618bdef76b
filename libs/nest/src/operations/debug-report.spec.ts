import type { DebuggedEvent } from '@keyfold/projections'
import { expect, it } from 'vitest'
import { debugReport } from './debug-report.ts'

const place = { topic: 't', partition: 0, key: 'a' }
const facts = { offset: 0, timeMs: 0, type: 't.E', outcome: 'failed', consequence: 'halt', behind: null } as const

it('what was tried can be told as JSON, and no digit is lost', () => {
  const list = [1n, null]
  const data = { small: 5n, large: 2n ** 60n, bytes: Buffer.from('abc'), at: new Date(0), list, by: { of: 2n } }
  const event: DebuggedEvent = {
    ...place,
    ...facts,
    handled: [{ type: 't.E', data }],
    rows: [{ table: 'x', key: {}, before: null, after: { blob: new Uint8Array([1]) } }],
    rowsOmitted: 0,
    error: new Error('no'),
  }
  const range = { ...place, projector: 'p', version: 1, from: 0, to: 1, next: null, warmUp: null }
  const told: unknown = JSON.parse(JSON.stringify(debugReport({ ...range, events: [event] })))
  const time = '1970-01-01T00:00:00.000Z'
  const handled = { small: 5, large: String(2n ** 60n), bytes: 'YWJj', at: time, list: [1, null], by: { of: 2 } }
  expect(told).toMatchObject({
    events: [
      {
        time,
        handled: [{ type: 't.E', data: handled }],
        rows: [{ table: 'x', key: {}, before: null, after: { blob: 'AQ==' } }],
        error: { code: null, message: 'no', stack: expect.stringContaining('Error: no') },
      },
    ],
  })
})
