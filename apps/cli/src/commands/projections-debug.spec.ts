import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DebuggedEventView, DebugView } from '../projections/debug-view.ts'
import { envelopeOf } from '../testing/envelope-check.ts'
import { type CliRun, runInTest } from '../testing/test-world.ts'

/** What the application answers next, and what it was asked last. */
let answer: DebugView
let asked: { readonly path: string | undefined; readonly body: unknown }
let server: Server

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      asked = { path: request.url, body: JSON.parse(body) }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(() => new Promise((resolve) => server.close(resolve)))

function debug(...words: readonly string[]): Promise<CliRun> {
  const { port } = server.address() as AddressInfo
  return runInTest(['projections', 'debug', 'balances', ...words, '--app-url', `http://127.0.0.1:${port}`])
}

function viewOf(events: readonly DebuggedEventView[], more: Partial<DebugView> = {}): DebugView {
  const range = { topic: 'bank.account', partition: 2, key: null, from: 0, to: 9, next: null, warmUp: null }
  return { projector: 'balances', version: 1, ...range, events, ...more }
}

function eventOf(offset: number, more: Partial<DebuggedEventView> = {}): DebuggedEventView {
  const place = { topic: 'bank.account', partition: 2, offset, time: '2026-01-01T00:00:00.000Z', key: 'ann' }
  const nothing = { handled: [], rows: [], rowsOmitted: 0, error: null, consequence: null, behind: null }
  return { ...place, type: 'bank.Paid', outcome: 'passed-over', ...nothing, ...more }
}

const paid = { type: 'bank.Paid', data: { cents: 5 } }
const row = (cents: number) => ({ id: 'ann', cents })

describe('keyfold projections debug', () => {
  it('shows every event with what became of its rows', async () => {
    const rows = [
      { table: 'balance', key: { id: 'ann' }, before: row(1), after: row(6) },
      { table: 'audit', key: {}, before: null, after: { place: '2/0' } },
      { table: 'debts', key: { id: 'ann' }, before: row(0), after: null },
      { table: 'memory', key: { key: 'a' }, before: 1, after: 2 },
    ]
    const split = [paid, { type: 'bank.Noted', data: {} }]
    answer = viewOf([
      eventOf(0, { outcome: 'applied', handled: [paid], rows, rowsOmitted: 3 }),
      eventOf(2, { outcome: 'applied', handled: split }),
      eventOf(4, { type: null }),
    ])
    const run = await debug()
    expect(run.out).toEqual([
      'balances, version 1: bank.account/2 from 0 to 9, from empty tables',
      '',
      'bank.account/2@0  bank.Paid  ann  applied',
      '    {"cents":5}',
      '    ~ balance {"id":"ann"} cents 1 -> 6',
      '    + audit {"place":"2/0"}',
      '    - debts {"id":"ann","cents":0}',
      '    ~ memory {"key":"a"} 1 -> 2',
      '    and 3 changes more',
      '',
      'bank.account/2@2  bank.Paid  ann  applied',
      '    bank.Paid {"cents":5}',
      '    bank.Noted {}',
      '',
      'bank.account/2@4  a record without a type  ann  passed over',
      '',
      '3 events: 2 applied, 1 passed over, 0 failed, 0 would wait',
    ])
    expect(run.code).toBe(0)
  })

  it('ends with 1 when an event fails, and says what would follow', async () => {
    const error = { code: 'HANDLER_FAILED', message: 'broken', stack: 'Error: broken\n    at paid (balances.ts:7:3)' }
    const failed = eventOf(0, { outcome: 'failed', handled: [paid], error, consequence: 'park' })
    answer = viewOf([failed, eventOf(2, { outcome: 'waits', behind: 0 })], { warmUp: { applied: 7, failed: 1 } })
    const run = await debug('--warm-up')
    expect(run.code).toBe(1)
    expect(run.out).toEqual([
      'balances, version 1: bank.account/2 from 0 to 9, after 7 events before (1 failed)',
      '',
      'bank.account/2@0  bank.Paid  ann  failed',
      '    {"cents":5}',
      '    HANDLER_FAILED: broken',
      '        at paid (balances.ts:7:3)',
      '    it would be parked, and later events of key ann wait behind it',
      '',
      'bank.account/2@2  bank.Paid  ann  would wait behind 0',
      '',
      '2 events: 0 applied, 0 passed over, 1 failed, 1 would wait',
    ])
    answer = viewOf([{ ...failed, consequence: 'halt' }])
    expect((await debug()).out).toContain('    its partition would stop here')
    const { status, data } = envelopeOf('projections debug', await debug('--json'))
    expect({ status, data }).toEqual({ status: 'found', data: answer })
    expect((await debug('-o', 'ndjson')).out).toEqual([JSON.stringify(answer.events[0])])
    expect((await debug('-q')).out).toEqual(['bank.account/2@0'])
  })

  it('asks for a range, for a key, or for one event where it lies', async () => {
    answer = viewOf([])
    await debug('--topic', 'bank.account', '-p', '2', '--from', '-20', '--to', '9', '-n', '3', '--warm-up')
    const range = { topic: 'bank.account', partition: 2, from: -20, to: 9, eventsMax: 3, warmUp: true }
    expect(asked).toEqual({ path: '/keyfold/projections/balances/debug', body: range })
    await debug('--key', 'ann')
    expect(asked.body).toEqual({ key: 'ann' })
    const place = { topic: 'bank.account', partition: 2, from: 117 }
    await debug('bank.account/2@117')
    expect(asked.body).toEqual({ ...place, to: 118 })
    await debug('bank.account/2@117', '-n', '5')
    expect(asked.body).toEqual({ ...place, eventsMax: 5 })
  })

  it('says how to go on where the range goes on', async () => {
    answer = viewOf([eventOf(0)], { next: 4, key: 'ann', warmUp: { applied: 0, failed: 0 } })
    const run = await debug('--key', 'ann', '--warm-up')
    const command = 'keyfold projections debug balances --topic bank.account -p 2 --from 4 --key ann --warm-up'
    expect(run.err.join('\n')).toContain(`Go on with: ${command}`)
  })

  it.each([
    [['bank.account'], 'give it as topic/partition@offset'],
    [['bank.account/2@1', '--key', 'ann'], 'leave --key out'],
    [['bank.account/2@1', '--from', '3'], 'leave --from out'],
    [['--from', 'now'], 'Give an offset'],
  ])('%j is refused', async (words, why) => {
    const run = await debug(...words)
    expect([run.code, run.err.join('\n')]).toEqual([2, expect.stringContaining(why)])
  })
})
