import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelopeOf } from '../../apps/cli/src/testing/envelope-check.ts'
import { type CliRun, runInTest } from '../../apps/cli/src/testing/test-world.ts'
import { type BankProcess, startBank } from '../bank-process.ts'

let bank: BankProcess
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-projections-'))
  bank = await startBank(directory)
  for (const [accountId, owner, amount] of [
    ['a1', 'Ann', '100.00'],
    ['a2', 'Ann', '50.00'],
    ['b1', 'Bob', '120.00'],
  ] as const) {
    await post('/accounts', { accountId, owner })
    await post(`/accounts/${accountId}/deposits`, { amount })
  }
})

afterAll(async () => {
  await bank.stop()
  await rm(directory, { recursive: true })
})

async function post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', ...headers }
  const answer = await fetch(`${bank.bankUrl}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
  return answer
}

function keyfold(...args: readonly string[]): Promise<CliRun> {
  return runInTest([...args, '--app-url', bank.bankUrl])
}

describe('the bank’s read models', () => {
  it('show a write to whoever gives its position and would wait', async () => {
    const written = await post('/accounts/a1/deposits', { amount: '1.00' })
    const position = written.headers.get('keyfold-position') ?? ''
    const top = await fetch(`${bank.bankUrl}/customers/top`, {
      headers: { 'keyfold-position': position, prefer: 'wait=10' },
    })
    expect(top.headers.get('keyfold-visible')).toBe('yes')
    expect(await top.json()).toEqual([
      { owner: 'Ann', accounts: 2, balance: '151.00' },
      { owner: 'Bob', accounts: 1, balance: '120.00' },
    ])
  })

  it('are listed, and probed with an exit code', async () => {
    const list = envelopeOf('projections list', await keyfold('projections', 'list', '--json'))
    const names = (list.data as { projector: string }[]).map(({ projector }) => projector)
    expect(names.toSorted()).toEqual(['balances', 'payments', 'statements', 'top-customers'])
    const probe = await keyfold('projections', 'status', 'balances', '--fail-over', '60s')
    expect(probe.code).toBe(0)
    expect(probe.out.join('\n')).toContain('bank.account')
    const unknown = await keyfold('projections', 'status', 'nothing')
    expect(unknown.code).toBe(2)
    expect(unknown.err.join('\n')).toContain('PROJECTION_UNKNOWN')
  })

  it('are rebuilt with progress on stderr and the result on stdout', async () => {
    const run = await keyfold('projections', 'rebuild', 'balances', 'top-customers', '--progress', 'json', '--json')
    expect(run.code).toBe(0)
    const { data } = envelopeOf('projections rebuild', run)
    expect(data).toMatchObject([{ projector: 'balances', verified: { equal: true } }, { projector: 'top-customers' }])
    const reports = run.err.map((line) => JSON.parse(line) as { progress: { phase: string; projector: string } })
    expect(reports.map(({ progress }) => progress.phase)).toContain('switched')
    const plain = await keyfold('projections', 'rebuild', 'balances')
    expect(plain.out.join('\n')).toMatch(/^balances: generation \d+ serves; \d+ events in .* equal to what served$/)
    expect(plain.err.join('\n')).toContain('balances: 100 %')
    const back = await keyfold('projections', 'roll-back', 'balances', '--yes', '--json')
    expect(back.code).toBe(0)
    const dropped = await keyfold('projections', 'drop-old', 'balances', '--yes', '--json')
    expect(envelopeOf('projections drop-old', dropped).data).toEqual({ dropped: 1 })
  })

  it('are paused, held, swapped and cancelled from the command line', async () => {
    const paused = await keyfold('projections', 'pause', 'balances', '--json')
    expect(envelopeOf('projections pause', paused).data).toMatchObject({ state: 'paused' })
    const whilePaused = await keyfold('projections', 'rebuild', 'balances')
    expect(whilePaused.code).toBe(2)
    expect(whilePaused.err.join('\n')).toContain('PROJECTOR_PAUSED')
    expect((await keyfold('projections', 'resume', 'balances')).code).toBe(0)
    const held = keyfold('projections', 'rebuild', 'balances', '--hold', '--progress', 'none')
    await expect.poll(async () => (await keyfold('projections', 'swap', 'balances')).code).toBe(0)
    expect((await held).code).toBe(0)
    expect((await keyfold('projections', 'cancel', 'balances')).err.join('\n')).toContain('REBUILD_MISSING')
  })

  it('show what each event of a key does to them, on rows of its own', async () => {
    const run = await keyfold('projections', 'debug', 'balances', '--key', 'a1', '--json')
    expect(run.code).toBe(0)
    const { events } = envelopeOf('projections debug', run).data as {
      events: { type: string; outcome: string; rows: { table: string; after: { balance_cents: number } }[] }[]
    }
    expect(events.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['bank.AccountOpened', 'applied'],
      ['bank.MoneyDeposited', 'applied'],
      ['bank.MoneyDeposited', 'applied'],
    ])
    expect(events.map(({ rows }) => rows.map(({ table, after }) => [table, after.balance_cents]))).toEqual([
      [['balances', 0]],
      [['balances', 10_000]],
      [['balances', 10_100]],
    ])
  })

  it('have nothing parked, and say so', async () => {
    const list = await keyfold('parked', 'list', 'balances', '--json')
    expect(envelopeOf('parked list', list).data).toEqual([])
    const retry = await keyfold('parked', 'retry', 'balances', '--json')
    expect(envelopeOf('parked retry', retry).data).toEqual({ applied: 0, left: 0, errors: [] })
    const show = await keyfold('parked', 'show', 'balances', 'bank.account/0@1')
    expect([show.code, show.err.join('\n').includes('PARKED_UNKNOWN')]).toEqual([2, true])
    const drop = await keyfold('parked', 'drop', 'balances', '--all', '--reason', 'none', '--no-input')
    expect(drop.code).toBe(5)
  })
})

it('an application that is not there is an exit code of its own', async () => {
  const run = await runInTest(['projections', 'list', '--app-url', 'http://127.0.0.1:1'])
  expect(run.code).toBe(3)
  expect(run.err.join('\n')).toContain('APP_UNREACHABLE')
})
