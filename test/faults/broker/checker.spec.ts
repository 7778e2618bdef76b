import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { History, type SeenRecord, type SentRecord } from './history.ts'

const sent = (value: string, more: Partial<SentRecord> = {}): SentRecord => ({
  value,
  topic: 't',
  partition: 0,
  producer: 'p',
  outcome: 'acknowledged',
  ...more,
})
const seen = (value: string, offset: number, more: Partial<SeenRecord> = {}): SeenRecord => ({
  reader: 'r',
  isolation: 'read_committed',
  topic: 't',
  partition: 0,
  offset,
  value,
  ...more,
})
const at = (offset: number, topic = 's') => ({ group: 'g', topic, partition: 0, offset })

/** Two plain records, a committed transaction over two partitions with a position, an aborted one and one in doubt. */
function sound(): History {
  const history = new History()
  history.records.push(sent('a', { offset: 0 }), sent('b', { offset: 1 }), sent('doubt', { outcome: 'unknown' }))
  for (const [id, outcome] of [
    ['t1', 'acknowledged'],
    ['t2', 'refused'],
    ['t3', 'unknown'],
  ] as const) {
    history.transactions.push({ id, outcome, position: at(Number(id[1])) })
    history.positions.push({ ...at(Number(id[1])), kind: 'sent', transaction: id })
    for (const partition of [0, 1]) {
      history.records.push(
        sent(`${id}-${partition}`, { partition, producer: 'q', transaction: id, outcome: 'unknown' }),
      )
    }
  }
  history.positions.push({ ...at(1), kind: 'acknowledged', transaction: 't1' })
  history.seen.push(seen('a', 0), seen('t2-0', 3, { isolation: 'read_uncommitted' }))
  history.final = [seen('a', 0), seen('b', 1), seen('t1-0', 2), seen('t1-1', 0, { partition: 1 })]
  history.finalPositions = [at(1)]
  return history
}

/** One thing made wrong at a time, and the check that has to say so. */
const planted: Readonly<Record<string, [wrong: (history: History) => void, expected: RegExp]>> = {
  'an acknowledged record that is gone': [(h) => void h.final.splice(1, 1), /^lost: b /],
  'an acknowledged record at another offset': [(h) => void (h.final[1] = seen('b', 7)), /^lost: b .* is at 7/],
  'a record of a committed transaction that is gone': [(h) => void h.final.splice(2, 2), /^lost: t1-0/],
  'a record that is there twice': [(h) => void h.final.push(seen('a', 9)), /^duplicate: a is at 0 and 9/],
  'a record that nobody sent': [(h) => void h.final.push(seen('x', 9)), /^made up: nobody sent x/],
  'a record in a partition it was not sent to': [
    (h) => void (h.final[1] = seen('b', 1, { partition: 1 })),
    /^made up: nobody sent b/,
  ],
  'a record that was refused': [
    (h) => {
      h.records.push(sent('no', { outcome: 'refused' }))
      h.final.push(seen('no', 9))
    },
    /^made up: no .* refused/,
  ],
  'records of a producer the other way round': [
    (h) => {
      h.records.splice(0, 2, sent('a'), sent('b'))
      h.seen.splice(0)
      h.final.splice(0, 2, seen('b', 0), seen('a', 1))
    },
    /^reordered: a behind b/,
  ],
  'an aborted record among the final ones': [(h) => void h.final.push(seen('t2-0', 3)), /^aborted read: r saw t2-0/],
  'an aborted record that only a passing reader saw': [(h) => void h.seen.push(seen('t2-0', 3)), /^aborted read: r/],
  'a record that was seen and is gone': [(h) => void h.seen.push(seen('doubt', 3)), /^vanished: r saw doubt/],
  'an offset that held something else before': [
    (h) => void h.seen.push(seen('doubt', 1, { isolation: 'read_uncommitted' })),
    /^vanished: r saw doubt .* there is b now/,
  ],
  'two readers that saw different records in one place': [
    (h) => void h.seen.push(seen('doubt', 3, { isolation: 'read_uncommitted' })),
    /^vanished: r saw doubt .* there is t2-0 now/,
  ],
  'half of a transaction in doubt': [(h) => void h.final.push(seen('t3-0', 4)), /^torn: t3 has 1 of 2/],
  'half of a committed transaction': [(h) => void h.final.pop(), /^torn: t1 has 1 of 2/],
  'a transaction without its position': [(h) => void (h.finalPositions = [at(-1)]), /^torn: t1 is there, but g in s-0/],
  'a position without its transaction': [
    (h) => void (h.finalPositions = [at(3)]),
    /^torn: g in s-0 is at 3, from nothing/,
  ],
  'the position of an aborted transaction': [(h) => void (h.finalPositions = [at(2)]), /^torn: g in s-0 is at 2/],
  'an acknowledged position that went back': [
    (h) => {
      h.positions.push({ ...at(5), kind: 'sent' }, { ...at(5), kind: 'acknowledged' })
    },
    /^offset back: g in s-0 was at 5 and is at 1/,
  ],
  'a position that went back between two looks at it': [
    (h) =>
      void h.positions.push({ ...at(5), kind: 'sent' }, { ...at(5), kind: 'fetched' }, { ...at(1), kind: 'fetched' }),
    /^offset back: g in s-0 was at 5 and is at 1/,
  ],
}

describe('the checker', () => {
  it('finds nothing in a sound history, with a transaction in doubt there or not', () => {
    expect(violations(sound())).toEqual([])
    const other = sound()
    other.final.push(seen('doubt', 3), seen('t3-0', 4), seen('t3-1', 1, { partition: 1 }))
    other.final.sort((a, b) => a.offset - b.offset)
    other.seen.splice(1)
    other.finalPositions = [at(3)]
    expect(violations(other)).toEqual([])
  })

  it.each(Object.entries(planted))('finds %s', (_name, [plant, expected]) => {
    const history = sound()
    plant(history)
    expect(violations(history)).toEqual(expect.arrayContaining([expect.stringMatching(expected)]))
  })
})
