import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import type { Call, LogClaim, LogEvent, Recorded } from './history.ts'

const event = (version: number, commandId: string, more: Partial<LogEvent> = {}): LogEvent => ({
  topic: 'faults.account',
  partition: 0,
  offset: version,
  timestampMs: 1_000 + version * 10,
  key: 'b1',
  type: 'faults.Credited',
  data: { amount: 10 },
  version,
  commandId,
  index: 0,
  size: 1,
  generation: 1,
  causationId: undefined,
  ...more,
})

const committed = (version: number) =>
  ({
    kind: 'committed',
    version,
    partition: 0,
    offset: version,
    events: [{ type: 'faults.Credited', data: { amount: 10 } }],
  }) as const

const call = (commandId: string, version: number, more: Partial<Call> = {}): Call => ({
  client: 'client 0',
  key: 'b1',
  commandId,
  name: 'Credit',
  payload: { account: 'b1', amount: 10 },
  invokedMs: version * 10,
  invokedAt: 1_000 + version * 10,
  endedMs: version * 10 + 5,
  end: 'told',
  told: committed(version),
  duplicate: false,
  ...more,
})

const rejected = (version: number, balance: number) =>
  ({ kind: 'rejected', version, code: 'NOT_ENOUGH', details: { balance } }) as const
const tooMuch = { name: 'Debit', payload: { account: 'b1', amount: 99 } } as const
const claim = (generation: number, endOffset: number): LogClaim => ({
  topic: 'faults.account',
  partition: 0,
  offset: generation,
  generation,
  instanceId: `instance ${generation}`,
  endOffset,
})

/** Three credits of 10; a debit that was refused after the second; the third is by a second owner. */
const sound: Recorded = {
  events: [event(1, 'c1'), event(2, 'c2'), event(3, 'c3', { generation: 2 })],
  calls: [
    call('c1', 1),
    call('c2', 2),
    call('d1', 2.6, { ...tooMuch, told: rejected(2, 20) }),
    call('c3', 3),
    call('c1', 4, { told: committed(1), duplicate: true }),
    call('e1', 5, {
      end: 'fail',
      told: undefined,
      expectedVersion: 1,
      actualVersion: 3,
      code: 'EXPECTED_VERSION_CONFLICT',
    }),
  ],
  claims: [claim(1, 0), claim(2, 3)],
  earlier: [event(1, 'c1'), event(2, 'c2')],
}

const [first, second, third] = sound.events as [LogEvent, LogEvent, LogEvent]
const withCall = (place: number, more: object): Recorded => ({
  ...sound,
  calls: sound.calls.map((each, index) => (index === place ? { ...each, ...more } : each)),
})
const withEvents = (...events: readonly LogEvent[]): Recorded => ({ ...sound, events })

/** One thing made wrong at a time: the checker must find each of them. */
const broken: Readonly<Record<string, readonly [Recorded, RegExp]>> = {
  'a gap in the versions': [withEvents(first, third), /^E1 versions/],
  'a version that is there twice': [
    withEvents(first, second, { ...second, offset: 5, commandId: 'c9' }),
    /^E1 versions/,
  ],
  'an aggregate that changed its partition': [withEvents(first, { ...second, partition: 1 }, third), /^E1 versions/],
  'an acknowledged command that is gone': [withEvents(first, second), /^E2 lost: c3/],
  'another place than was acknowledged': [withCall(1, { told: { ...committed(2), offset: 9 } }), /^E2 lost: c2/],
  'other events than were acknowledged': [
    withEvents(first, { ...second, data: { amount: 11 } }, third),
    /^E2 lost: c2/,
  ],
  'an event that nobody asked for': [{ ...sound, calls: sound.calls.slice(1, 4) }, /^E3 phantom: c1/],
  'an event of a rejected command': [withCall(3, { told: rejected(2, 20) }), /^E3 phantom: c3/],
  'an event of a command that failed': [withCall(3, { end: 'fail', told: undefined }), /^E3 phantom: c3/],
  'an event that is older than its command': [
    withEvents(first, { ...second, timestampMs: 900 }, third),
    /^E3 phantom: c2/,
  ],
  'half a command': [withEvents(first, { ...second, size: 2 }, third), /^E4 torn: c2/],
  'a command with another one inside': [
    withEvents({ ...first, size: 2 }, second, { ...third, commandId: 'c1', index: 1, size: 2 }),
    /^E4 torn: c1/,
  ],
  'a command that happened twice': [withEvents(first, second, { ...third, commandId: 'c2' }), /^E5 twice: c2/],
  'a repeat with another answer': [withCall(4, { told: { ...committed(1), version: 2 } }), /^E5 twice: c1/],
  'a decision that should have been a rejection': [
    withCall(2, { commandId: 'c2', name: 'Debit', payload: { account: 'b1', amount: 99 } }),
    /^E3|^E5|^E6/,
  ],
  'events of another decision': [withCall(1, { payload: { account: 'b1', amount: 7 } }), /^E6 illegal: c2/],
  'a commit on a version that was passed': [withCall(0, { invokedMs: 35, endedMs: 37 }), /^E7 stale: c1/],
  'a rejection on a version that was passed': [withCall(2, { told: rejected(1, 10) }), /^E7 stale: d1/],
  'a rejection on a version that was not there yet': [
    withCall(2, { told: rejected(3, 30), endedMs: 29 }),
    /^E7 stale: d1/,
  ],
  'a rejection without a reason': [withCall(2, { told: rejected(2, 21) }), /^E7 stale: d1/],
  'a commit on another version than expected': [withCall(3, { expectedVersion: 1 }), /^E8 expected version: c3/],
  'a conflict that was none': [withCall(5, { expectedVersion: 3 }), /^E8 expected version: e1/],
  'a conflict with a version that was never there': [withCall(5, { actualVersion: 7 }), /^E8 expected version: e1/],
  'an old owner that writes after a new one': [
    withEvents(first, { ...second, generation: 2 }, { ...third, generation: 1 }),
    /^E9 fencing/,
  ],
  'an answer of an owner that was replaced': [
    { ...sound, claims: [claim(1, 0), { ...claim(2, 2) }] },
    /^E10 zombie reply: c2/,
  ],
  'an effect before its cause': [withEvents({ ...first, causationId: 'c3' }, second, third), /^E11 cause: c1/],
  'an effect without a cause': [withEvents(first, { ...second, causationId: 'x' }, third), /^E11 cause: c2/],
  'a log that changed': [{ ...sound, earlier: [{ ...first, data: { amount: 9 } }] }, /^E12 changed/],
  'a log that got shorter': [{ ...sound, earlier: [...sound.events, event(4, 'c4')] }, /^E12 changed/],
  'a claim that did not read to the end': [{ ...sound, claims: [claim(1, 0), claim(2, 2)] }, /^E13 barrier/],
  'a claim that came after its own events': [{ ...sound, claims: [claim(1, 0), claim(2, 4)] }, /^E13 barrier/],
  'a claim that two owners made': [{ ...sound, claims: [claim(1, 0), claim(2, 3), claim(2, 3)] }, /^E13 barrier/],
  'money that a transfer made': [withEvents({ ...first, commandId: 't1:in' }, second, third), /^money/],
}

describe('the checker of command histories', () => {
  it('finds nothing in a sound run', () => {
    expect(violations(sound)).toEqual([])
  })

  it.each(Object.entries(broken))('finds %s', (_name, [recorded, expected]) => {
    expect(violations(recorded)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]))
  })

  it('has a planted violation for every invariant', () => {
    const found = Object.values(broken).flatMap(([recorded]) => violations(recorded).map((what) => what.split(':')[0]))
    const names = ['E1', 'E2', 'E3', 'E4', 'E5', 'E6', 'E7', 'E8', 'E9', 'E10', 'E11', 'E12', 'E13', 'money']
    for (const name of names)
      expect(
        found.some((each) => each?.split(' ')[0] === name),
        name,
      ).toBe(true)
  })
})
