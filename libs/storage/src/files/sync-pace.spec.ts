import { expect, it } from 'vitest'

import { SyncPace } from './sync-pace.ts'

function paceAfter(durationsMs: readonly number[]): SyncPace {
  const pace = new SyncPace()
  for (const durationMs of durationsMs) pace.note(durationMs)
  return pace
}

const quick = Array.from({ length: 8 }, () => 0.1)

it('a disk that nobody knows is not quick', () => {
  expect(new SyncPace().isQuick).toBe(false)
  expect(paceAfter(quick.slice(1)).isQuick).toBe(false)
})

it('eight quick syncs in a row make it quick', () => {
  expect(paceAfter(quick).isQuick).toBe(true)
})

it('one slow sync takes that away until eight more were quick', () => {
  expect(paceAfter([...quick, 3]).isQuick).toBe(false)
  expect(paceAfter([...quick, 3, ...quick.slice(1)]).isQuick).toBe(false)
  expect(paceAfter([...quick, 3, ...quick]).isQuick).toBe(true)
})
