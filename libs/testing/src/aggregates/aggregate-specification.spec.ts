import { aggregate, defineCommand, DESCRIPTOR, handles } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { Account, Deposit, Deposited, Noticed, Open, Opened } from '../testdata/account.ts'
import { ExpectationFailed } from '../expectation-failed.ts'
import { given } from './aggregate-specification.ts'

/** A command whose schema trims its text. */
class Rename extends defineCommand<{ id: string; owner: string }>({
  name: 'test.Rename',
  key: 'id',
  schema: {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const { id, owner } = value as { readonly id: string; readonly owner: string }
        if (owner === 'later') return Promise.resolve({ value: { id, owner } })
        if (owner.trim() === '') return { issues: [{ message: 'must not be empty', path: ['owner'] }] }
        return { value: { id, owner: owner.trim() } }
      },
    },
  },
}) {}

const Renaming = aggregate({
  name: 'renaming',
  topic: 'test.renaming',
  initialState: () => ({}),
  decide: [handles(Rename, ({ owner }) => Opened({ owner }))],
  evolve: [],
  emits: [Opened],
})

const id = 'a-1'
const open = Opened({ owner: 'Ann' })

describe('given / when / then', () => {
  it('states what a command leads to', () => {
    given(Account)
      .when(new Open({ id, owner: 'Ann' }))
      .thenEvents([open])
      .thenState({ owner: 'Ann' })
    given(Account, [open])
      .when(new Deposit({ id, amount: 0n }))
      .thenNothing()
  })

  it('fills in defaults on both sides, as readers of the log see them', () => {
    given(Account)
      .when(new Open({ id, owner: 'Ann' }))
      .thenEvents([Opened({ owner: 'Ann', currency: 'EUR' })])
      .thenState({ currency: 'EUR' })
    given(Account, [open]).thenState({ currency: 'EUR', balance: 0n })
  })

  it('states rejections with their details', () => {
    given(Account, [open])
      .when(new Open({ id, owner: 'Bob' }))
      .thenRejects('ALREADY_OPEN', { owner: 'Ann' })
      .thenState({ owner: 'Ann' })
  })

  it('states what is thrown', () => {
    given(Account)
      .when(new Deposit({ id, amount: 1n }))
      .thenThrows(RangeError)
      .thenThrows(/no account/)
      .thenThrows()
  })

  it('gives the same time and ids in every run', () => {
    given(Account, [open], { now: '2026-05-01T10:00:00Z' })
      .when(new Deposit({ id, amount: 2_000n }))
      .thenEvents([
        Deposited({ amount: 2_000n }),
        Noticed({ at: new Date('2026-05-01T10:00:00Z'), id: '00000000-0000-7000-8000-000000000001' }),
      ])
  })

  it('takes matchers of the test runner for what a test does not care about', () => {
    const deposited = given(Account, [open]).when(new Deposit({ id, amount: 2_000n }))
    const anyText: unknown = expect.stringMatching(/^0{8}-/)
    deposited.thenEvents([
      Deposited({ amount: 2_000n }),
      Noticed({ at: expect.any(Date) as Date, id: anyText as string }),
    ])
    expect(() =>
      deposited.thenEvents([Deposited({ amount: 1n }), Noticed({ at: expect.any(Date) as Date, id: '' })]),
    ).toThrow('other events')
    expect(() => deposited.thenEvents([Noticed({ at: expect.any(Date) as Date, id: '' })])).toThrow('other events')
  })

  it('checks commands by their schema first, as the event store does', () => {
    const rename = (owner: string) => given(Renaming).when(new Rename({ id, owner }))
    rename(' Ann ').thenEvents([Opened({ owner: 'Ann' })])
    rename(' ')
      .thenInvalid('owner')
      .thenInvalid(/must not be empty/)
      .thenInvalid()
    expect(() => rename(' ').thenNothing()).toThrow(
      'expected no event, but the command does not fit its schema: owner: ',
    )
    expect(() => rename(' ').thenState({})).toThrow('expected a state, but the command does not fit')
    expect(() => rename(' ').thenInvalid('id')).toThrow('other issues')
    expect(() => rename('Ann').thenInvalid()).toThrow('but it led to test.Opened')
    expect(() => rename('later')).toThrow('the schema of test.Rename is asynchronous')
  })

  it('takes a decorated class as well', () => {
    class Decorated {
      static [DESCRIPTOR] = () => Account
      balance = 0n
    }
    given(Decorated, [open])
      .when(new Deposit({ id, amount: 5n }))
      .thenEvents([Deposited({ amount: 5n })])
    expect(() =>
      given(
        class Plain {
          balance = 0n
        },
      ),
    ).toThrow('class Plain is no aggregate')
  })

  it('cannot be mistaken for a promise', async () => {
    const outcome = given(Account).when(new Open({ id, owner: 'Ann' }))
    expect(await Promise.resolve(outcome)).toBe(outcome)
  })
})

describe('a failed expectation', () => {
  const deposit = given(Account, [open]).when(new Deposit({ id, amount: 5n }))

  it.each<[string, () => unknown, string]>([
    [
      'other values',
      () => deposit.thenEvents([Deposited({ amount: 6n })]),
      'the events carry something else\n' +
        '  expected: [{ type: "test.Deposited", data: { amount: 6n } }]\n' +
        '  but got:  [{ type: "test.Deposited", data: { amount: 5n } }]',
    ],
    [
      'other events',
      () => deposit.thenNothing(),
      'other events\n  expected: []\n  but got:  [{ type: "test.Deposited"',
    ],
    ['no rejection', () => deposit.thenRejects('NO'), 'expected the rejection NO, but it led to test.Deposited'],
    [
      'another state',
      () => deposit.thenState({ balance: 6n }),
      'expected: { balance: 6n }\n  but got:  { balance: 5n }',
    ],
    ['nothing thrown', () => deposit.thenThrows(), 'expected it to throw, but it led to test.Deposited'],
    [
      'a rejection instead of events',
      () =>
        given(Account, [open])
          .when(new Open({ id, owner: 'B' }))
          .thenEvents([open]),
      'expected test.Opened, but it was rejected with ALREADY_OPEN { owner: "Ann" }',
    ],
    [
      'another rejection',
      () =>
        given(Account, [open])
          .when(new Open({ id, owner: 'B' }))
          .thenRejects('CLOSED'),
      'expected: "CLOSED"\n  but got:  "ALREADY_OPEN"',
    ],
    [
      'a decision that threw',
      () =>
        given(Account)
          .when(new Deposit({ id, amount: 1n }))
          .thenEvents([]),
      'expected no event, but the decision threw RangeError: there is no account',
    ],
    [
      'an event that does not fit its schema',
      () => given(Account, [{ type: 'test.Deposited', data: { amount: 'much' } }]),
      'the given event does not fit its schema: test.Deposited',
    ],
    [
      'a foreign event',
      () => given(Account, [{ type: 'test.Closed', data: {} }]),
      'the given event test.Closed is none of the aggregate account',
    ],
  ])('says so in words: %s', (_, expectation, text) => {
    expect(expectation).toThrow(ExpectationFailed)
    expect(expectation).toThrow(text)
  })

  it('brings what runners need to show a difference', () => {
    const caught = (() => {
      try {
        return deposit.thenState({ balance: 6n })
      } catch (error) {
        return error
      }
    })()
    expect(caught).toMatchObject({
      name: 'AssertionError',
      actual: { balance: 5n },
      expected: { balance: 6n },
      showDiff: true,
    })
  })
})
