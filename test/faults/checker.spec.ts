import { describe, expect, it } from 'vitest'
import { type Recorded, violations } from './checker.ts'
import type { LogEvent } from './log-reader.ts'
import type { Operation } from './workload.ts'

const event = (version: number, commandId: string, amountCents: number, more: Partial<LogEvent> = {}): LogEvent => ({
  partition: 0,
  offset: version,
  key: 'a',
  type: 'bank.MoneyDeposited',
  version,
  commandId,
  index: 0,
  size: 1,
  data: { amountCents },
  ...more,
})
const operation = (commandId: string, more: Partial<Operation> = {}): [string, Operation] => [
  commandId,
  {
    commandId,
    kind: 'deposit',
    path: '',
    body: {},
    outcome: 'committed',
    version: Number(commandId.slice(1)),
    ...more,
  },
]

const sound: Recorded = {
  events: [event(1, 'c1', 5), event(2, 'c2', 7)],
  history: new Map([operation('c1'), operation('c2'), operation('c3', { outcome: 'rejected' })]),
  balances: new Map([['a', 12n]]),
}

/** One thing made wrong at a time: the checker must find each of them. */
const BROKEN: Readonly<Record<string, [Recorded, RegExp]>> = {
  'a gap in the versions': [{ ...sound, events: [event(1, 'c1', 5), event(3, 'c2', 7)] }, /^gapless/],
  'an account that changed its partition': [
    { ...sound, events: [event(1, 'c1', 5), event(2, 'c2', 7, { partition: 1 })] },
    /^gapless/,
  ],
  'a command that happened twice': [
    { ...sound, events: [...sound.events, event(3, 'c1', 5)], balances: new Map([['a', 17n]]) },
    /^once/,
  ],
  'half a command': [{ ...sound, events: [event(1, 'c1', 5), event(2, 'c2', 7, { size: 2 })] }, /^once/],
  'an acknowledged command that is gone': [
    { ...sound, events: [event(1, 'c1', 5)], balances: new Map([['a', 5n]]) },
    /^lost/,
  ],
  'another version than acknowledged': [
    { ...sound, history: new Map([operation('c1'), operation('c2', { version: 3 })]) },
    /^lost/,
  ],
  'an event that nobody sent': [{ ...sound, history: new Map([operation('c1')]) }, /^made up/],
  'an event of a rejected command': [
    { ...sound, history: new Map([operation('c1'), operation('c2', { outcome: 'rejected' })]) },
    /^made up/,
  ],
  'a read model that differs': [{ ...sound, balances: new Map([['a', 11n]]) }, /^read model/],
  'an account below zero': [
    {
      ...sound,
      events: [event(1, 'c1', 5), event(2, 'c2', 7, { type: 'bank.MoneyWithdrawn' })],
      balances: new Map([['a', -2n]]),
    },
    /^overdrawn/,
  ],
  'money that a payment made': [
    {
      events: [event(1, 'c1:deposit', 5)],
      history: new Map([operation('c1', { kind: 'payment', outcome: 'unknown' })]),
      balances: new Map([['a', 5n]]),
    },
    /^conserved/,
  ],
}

describe('the checker', () => {
  it('finds nothing in a sound run', () => {
    expect(violations(sound)).toEqual([])
  })

  it.each(Object.entries(BROKEN))('finds %s', (_name, [recorded, expected]) => {
    expect(violations(recorded)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]))
  })
})
