import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BankProcess, startBank } from '../bank-process.ts'
import { read } from '../tidy/tree.ts'

describe("the bank's HTTP API", () => {
  let directory: string
  let bank: BankProcess
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keyfold-api-'))
    bank = await startBank(directory)
  })
  afterAll(async () => {
    await bank.stop()
    await rm(directory, { recursive: true })
  })

  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${bank.bankUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: text,
    })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: (await response.json()) as Body,
    }
  }
  const get = async (path: string) => {
    const response = await fetch(`${bank.bankUrl}${path}`)
    return { status: response.status, body: (await response.json()) as Body }
  }

  it('takes commands and shows what they led to at once', async () => {
    expect((await post('/accounts', { accountId: 'ann', owner: 'Ann' })).status).toBe(201)
    const deposit = await post('/accounts/ann/deposits', { amount: '12.34' })
    expect(deposit.body).toMatchObject({ accountId: 'ann', version: 2, duplicate: false, visible: true })
    expect(deposit.body['position']).toMatchObject({ topic: 'bank.account' })
    expect((await get('/accounts/ann')).body).toMatchObject({ balance: '12.34', status: 'open', version: 2 })
  })

  it('gives a repeated command id the original receipt, and refuses it for another command', async () => {
    const key = { 'idempotency-key': 'deposit-1' }
    await post('/accounts', { accountId: 'ben', owner: 'Ben' })
    const first = await post('/accounts/ben/deposits', { amount: 5 }, key)
    const again = await post('/accounts/ben/deposits', { amount: 5 }, key)
    expect(again.body).toEqual({ ...first.body, duplicate: true })
    expect((await get('/accounts/ben')).body).toMatchObject({ balance: '5.00' })
    expect(await post('/accounts/ben/deposits', { amount: 6 }, key)).toMatchObject({
      status: 409,
      body: { code: 'COMMAND_ID_REUSED' },
    })
  })

  it('gives a repeated command id the original rejection', async () => {
    await post('/accounts', { accountId: 'cat', owner: 'Cat' })
    const key = { 'idempotency-key': 'too-much' }
    const first = await post('/accounts/cat/withdrawals', { amount: 5 }, key)
    await post('/accounts/cat/deposits', { amount: 5 })
    const again = await post('/accounts/cat/withdrawals', { amount: 5 }, key)
    expect(first).toMatchObject({ status: 422, body: { code: 'INSUFFICIENT_FUNDS' } })
    expect(again).toEqual(first)
  })

  it('refuses what only an unregistered schema version could carry, and writes it once it is registered', async () => {
    await post('/accounts', { accountId: 'fay', owner: 'Fay' })
    const deposit = () => post('/accounts/fay/deposits', { amount: 5, memo: 'tip' }, { 'idempotency-key': 'with-memo' })
    expect(await deposit()).toMatchObject({ status: 409, body: { code: 'SCHEMA_NOT_REGISTERED' } })
    expect((await get('/accounts/fay')).body).toMatchObject({ version: 1 })

    const subject = `${bank.registryUrl}/subjects/bank.account-bank.MoneyDeposited/versions`
    const schema = read('schemas/bank/money-deposited/v2.avsc')
    const registered = await fetch(subject, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    })
    expect(registered.status).toBe(200)
    expect(await deposit()).toMatchObject({ status: 201, body: { version: 2 } })
    const events = (await get('/accounts/fay/events')).body as unknown as Record<string, unknown>[]
    expect(events.at(-1)).toMatchObject({ schemaVersion: 2, data: { memo: 'tip' } })
  })

  it('carries payments out, or gives the money back', async () => {
    await post('/accounts', { accountId: 'dan', owner: 'Dan' })
    await post('/accounts', { accountId: 'eve', owner: 'Eve' })
    await post('/accounts/dan/deposits', { amount: 100 })
    expect((await post('/payments', { from: 'dan', to: 'eve', amount: 60 })).body).toMatchObject({
      status: 'completed',
    })
    const poor = await post('/payments', { from: 'dan', to: 'eve', amount: 60 })
    expect(poor.body).toMatchObject({ status: 'failed', reason: 'INSUFFICIENT_FUNDS' })
    const nobody = await post('/payments', { from: 'dan', to: 'nobody', amount: 10 })
    expect(nobody.body).toMatchObject({ status: 'failed', reason: 'ACCOUNT_NOT_FOUND' })
    await post('/accounts/dan/deposits', { amount: 1 })
    expect((await get('/accounts/dan')).body).toMatchObject({ balance: '41.00' })
  })

  it.each(BAD_REQUESTS)('answers %s with a problem document', async (_what, { path, body, headers, status, code }) => {
    await post('/accounts', { accountId: 'zoe', owner: 'Zoe' })
    const answer = await post(path, body, headers)
    expect(answer.type).toContain('application/problem+json')
    expect(answer).toMatchObject({ status, body: { status, code } })
    expect(String(answer.body['detail']).length).toBeGreaterThan(5)
    expect(JSON.stringify(answer.body)).not.toContain('node_modules')
    expect((await get('/accounts/zoe')).body).toMatchObject({ balance: '0.00' })
  })

  it('says that a read model does not exist until it is started', async () => {
    const before = await get('/accounts/ann/statement')
    expect(before).toMatchObject({ status: 409, body: { code: 'PROJECTOR_NOT_STARTED' } })
    const stream = await fetch(`${bank.bankUrl}/keyfold/projections/statements/start`, { method: 'POST' })
    expect(await stream.text()).toContain('"state":"live"')
    expect((await get('/accounts/ann/statement')).body).toMatchObject([{ amount: '12.34' }])
  })

  it('rebuilds a read model while it serves, and says how the two compare', async () => {
    const stream = await fetch(`${bank.bankUrl}/keyfold/projections/balances/rebuild`, { method: 'POST' })
    const lines = (await stream.text()).trim().split('\n')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ done: { verified: { equal: true } } })
  })

  it('is healthy', async () => {
    expect(await get('/health')).toMatchObject({ status: 200, body: { status: 'up' } })
  })
})

type Body = Readonly<Record<string, unknown>>

interface BadRequest {
  readonly path: string
  readonly body: unknown
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string
}

const BAD_REQUESTS: readonly [string, BadRequest][] = [
  ['an unknown command', { path: '/accounts/zoe/gifts', body: {}, status: 404, code: 'NOT_FOUND' }],
  ['malformed JSON', { path: '/accounts/zoe/deposits', body: '{"amount":', status: 400, code: 'REQUEST_INVALID' }],
  ['a wrong type', { path: '/accounts/zoe/deposits', body: { amount: [5] }, status: 400, code: 'REQUEST_INVALID' }],
  ['a missing member', { path: '/accounts/zoe/deposits', body: {}, status: 400, code: 'REQUEST_INVALID' }],
  [
    'an unknown member',
    { path: '/accounts/zoe/deposits', body: { amount: 5, x: 1 }, status: 400, code: 'REQUEST_INVALID' },
  ],
  [
    'a third decimal',
    { path: '/accounts/zoe/deposits', body: { amount: '0.001' }, status: 400, code: 'REQUEST_INVALID' },
  ],
  [
    'nothing as amount',
    { path: '/accounts/zoe/deposits', body: { amount: 0 }, status: 422, code: 'AMOUNT_NOT_POSITIVE' },
  ],
  [
    'a negative amount',
    { path: '/accounts/zoe/deposits', body: { amount: -5 }, status: 422, code: 'AMOUNT_NOT_POSITIVE' },
  ],
  [
    'an impossible account id',
    { path: '/accounts/z%20e/deposits', body: { amount: 5 }, status: 400, code: 'REQUEST_INVALID' },
  ],
  [
    'an account that is not there',
    { path: '/accounts/nobody/deposits', body: { amount: 5 }, status: 404, code: 'ACCOUNT_NOT_FOUND' },
  ],
  [
    'another media type',
    {
      path: '/accounts/zoe/deposits',
      body: 'amount=5',
      headers: { 'content-type': 'text/csv' },
      status: 415,
      code: 'MEDIA_TYPE_UNSUPPORTED',
    },
  ],
  [
    'a huge body',
    {
      path: '/accounts/zoe/deposits',
      body: { amount: 5, memo: 'x'.repeat(100_000) },
      status: 413,
      code: 'REQUEST_TOO_LARGE',
    },
  ],
  [
    'an impossible command id',
    {
      path: '/accounts/zoe/deposits',
      body: { amount: 5 },
      headers: { 'idempotency-key': 'a b' },
      status: 400,
      code: 'REQUEST_INVALID',
    },
  ],
  [
    'a long that does not fit',
    { path: '/accounts/zoe/deposits', body: { amount: '999999999999999999' }, status: 400, code: 'REQUEST_INVALID' },
  ],
]
