import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import {
  type AuditRow,
  type History,
  type LogEvent,
  newHistory,
  type ParkedRow,
  type Query,
  type Snapshot,
} from './history.ts'
import { answerTo, ASKS, POISON } from './ledger.ts'

function event(offset: number, key = 'a', note = ''): LogEvent {
  return { partition: 0, offset, key, version: BigInt(offset + 1), amount: 10n, note }
}

function applied(offset: number, key = 'a', incarnation = 1): AuditRow {
  return { incarnation, partition: 0, offset, key }
}

function parked(offset: number, error: string | null, key = 'a'): ParkedRow {
  return { partition: 0, offset, key, error }
}

function query(seen: bigint, rest: Partial<Query> = {}): Query {
  const token = { partition: 0, offset: 2, version: 3n }
  const base = { session: 's', during: 'kill', account: 'a', token, outcome: 'visible', isParked: false, isLate: false }
  return { ...base, outcome: 'visible', seen, ...rest }
}

const log = [event(0), event(1), event(2)]
/** The first event asks, and the third answers it. */
const answered = [event(0, 'a', ASKS), event(1), event(2, 'a', answerTo({ partition: 0, offset: 0 }))]

const good: Snapshot = {
  generation: 1,
  positions: [3],
  rows: [{ account: 'a', cents: 30n, version: 3n }],
  audit: [applied(0), applied(1), applied(2)],
  parked: [],
}

function history(snapshots: readonly Partial<Snapshot>[], rest: Partial<History> = {}): History {
  const full = snapshots.map((snapshot) => ({ ...good, ...snapshot }))
  const effects = log.map(({ partition, offset }) => ({ incarnation: 1, partition, offset }))
  return { ...newHistory(), snapshots: full, effects, firstEnds: [0], ends: [3], log, ...rest }
}

describe('the checker of projections', () => {
  it('has nothing to say about a run in which all went well', () => {
    expect(violations(history([{}], { queries: [query(3n)] }))).toEqual([])
    expect(violations(history([{}], { log: answered }))).toEqual([])
  })

  it('lets a reader see less of a key that is set aside, and nothing else', () => {
    const poisoned = [event(0), event(1, 'a', POISON), event(2)]
    const held = violations(history([{}], { log: poisoned, queries: [query(1n, { isParked: true })] }))
    expect(held.filter((text) => text.startsWith('P7'))).toEqual([])
    expect(violations(history([{}], { queries: [query(1n, { isParked: true })] })).join()).toMatch(/^P7 /)
  })

  const early = { positions: [1], audit: [applied(0)], rows: [{ account: 'a', cents: 10n, version: 1n }] }
  it.each<[string, RegExp, History]>([
    ['rows that are not the fold', /^P1 /m, history([{ rows: [{ account: 'a', cents: 31n, version: 3n }] }])],
    [
      'an event that was applied twice',
      /^P2 applied 2 times: 0\/1/m,
      history([{ audit: [...good.audit, applied(1)] }]),
    ],
    ['an event that was not applied', /^P2 not applied: 0\/2/m, history([{ audit: good.audit.slice(0, 2) }])],
    ['an event ahead of the checkpoint', /^P2 applied although/m, history([{ positions: [2] }])],
    ['a checkpoint that goes back', /^P3 /m, history([{}, early, {}])],
    ['events of a key in another order', /^P4 /m, history([{ audit: [applied(1), applied(0), applied(2)] }])],
    [
      'a process that writes after its successor',
      /^P5 /m,
      history([{ audit: [applied(0, 'a', 2), applied(1, 'a', 1), applied(2, 'a', 2)] }]),
    ],
    ['a switch to fewer events', /^P6 /m, history([{}, { ...early, generation: 2 }, { generation: 2 }])],
    [
      'a write that its writer cannot read',
      /^P7 shown a at version 2 .*acknowledged/m,
      history([{}], { queries: [query(2n)] }),
    ],
    ['a session that goes back', /^P7 .*went back/m, history([{}], { queries: [query(4n), query(3n)] })],
    [
      'a reader who notices a rebuild',
      /^P6 a reader got an error/m,
      history([{}], { queries: [query(0n, { during: 'rebuild', outcome: 'error', error: 'gone' })] }),
    ],
    [
      'an effect of what never happened',
      /^P8 an effect of what never happened: 0\/7/m,
      history([{}], { effects: [0, 1, 2, 7].map((offset) => ({ incarnation: 1, partition: 0, offset })) }),
    ],
    [
      'an answer to nothing',
      /^P8 0\/2 answers 0\/0, which never asked/m,
      history([{}], { log: [event(0), event(1), event(2, 'a', answerTo({ partition: 0, offset: 0 }))] }),
    ],
    [
      'an effect before its cause',
      /^P8 the effect of 0\/2 was seen before/m,
      history([{}], { log: answered, effects: [2, 0, 1].map((offset) => ({ incarnation: 1, partition: 0, offset })) }),
    ],
    [
      'a question without an answer',
      /^P11 nothing answers 0\/0/m,
      history([{}], { log: [event(0, 'a', ASKS), event(1), event(2)] }),
    ],
    [
      'an event that is parked twice',
      /^P9 an event is parked twice/m,
      history([{ parked: [parked(1, 'no'), parked(1, 'no')] }]),
    ],
    ['an event that waits behind none', /^P9 waits behind nothing/m, history([{ parked: [parked(2, null)] }])],
    ['a parked event that is no poison', /^P9 parked without/m, history([{ parked: [parked(2, 'no')] }])],
    [
      'a key that goes on past a parked event',
      /^P9 a went on/m,
      history([{ parked: [parked(1, 'no')] }], { log: [event(0), event(1, 'a', POISON), event(2)] }),
    ],
    ['shares that find no peace', /^P12 .*: after a kill/m, history([{}], { restless: ['after a kill'] })],
    ['an end that is not reached', /^P10 /m, history([{}], { ends: [4] })],
    ['an effect of the past', /^P11 an effect of the past/m, history([{}], { firstEnds: [1] })],
    ['an effect that is missing', /^P11 no effect/m, history([{}], { effects: [] })],
    [
      'effects that run again',
      /^P11 the effect of 0\/0 ran again/m,
      history([{}], { effects: [0, 1, 2, 0].map((offset) => ({ incarnation: 1, partition: 0, offset })) }),
    ],
  ])('finds %s', (_, expected, recorded) => {
    expect(violations(recorded).join('\n')).toMatch(expected)
  })
})
