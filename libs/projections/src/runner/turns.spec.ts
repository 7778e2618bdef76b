import { describe, expect, it } from 'vitest'
import { type Application, applyTasks } from './apply-tasks.ts'
import type { EventTask } from './event-task.ts'
import { Turns } from './turns.ts'

const EVENTS = 200

/** Every turn is over as soon as it is looked at. */
const IMPATIENT = { turnMsMax: 0 }

describe('turns of the event loop', () => {
  it('are given to one that waits after the other, with the event loop in between', async () => {
    const turns = new Turns(IMPATIENT.turnMsMax)
    let loopTurns = 0
    let isOver = false
    const count = (): void => {
      loopTurns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const order: [string, number][] = []
    const waiting = ['first', 'second', 'third'].map(async (name) => {
      await turns.next()
      order.push([name, loopTurns])
    })
    await Promise.all(waiting)
    isOver = true
    expect(order.map(([name]) => name)).toEqual(['first', 'second', 'third'])
    expect(new Set(order.map(([, turn]) => turn)).size).toBe(3)
  })

  it('are over after their time, and begin anew when the loop has turned', async () => {
    const turns = new Turns(IMPATIENT.turnMsMax)
    expect([turns.isOver(), turns.isOver()]).toEqual([false, true])
    await new Promise((resolve) => setImmediate(resolve))
    expect(turns.isOver()).toBe(false)
  })

  it('let others have theirs in the middle of a transaction, which goes on as it was', async () => {
    const { application, applied } = applying(new Turns(IMPATIENT.turnMsMax))
    let seenHalfway = -1
    setImmediate(() => (seenHalfway = applied.length))
    expect(await applyTasks(application, 0)).toBe(EVENTS)
    expect(applied).toEqual(Array.from({ length: EVENTS }, (_, offset) => offset))
    expect(seenHalfway).toBeGreaterThan(0)
    expect(seenHalfway).toBeLessThan(EVENTS)
  })

  it('do not make a promise of what is done within one', () => {
    const { application } = applying(new Turns(Number.POSITIVE_INFINITY))
    expect(applyTasks(application, 0)).toBe(EVENTS)
  })
})

/** So many events, and the offsets of those that were applied. */
function applying(turns: Turns): { readonly application: Application; readonly applied: readonly number[] } {
  const applied: number[] = []
  const tasks = Array.from({ length: EVENTS }, (_, offset) => taskAt(offset))
  const handlers = new Map([['test.Noted', (_: unknown, { offset }: { offset: number }) => void applied.push(offset)]])
  const codec = { decode: () => ({ schema: { name: 'test.Noted' }, events: [{ type: 'test.Noted', data: {} }] }) }
  const parked = { isEmpty: true }
  const limits = { end: EVENTS, timeMsMax: Number.POSITIVE_INFINITY, wait: () => {} }
  return { application: { tasks, handlers, codec, parked, turns, tx: undefined, ...limits } as never, applied }
}

function taskAt(offset: number): EventTask {
  const place = { topic: 'test', partition: 0, offset, timestampMs: 0 }
  const record = { ...place, key: Buffer.from('key'), value: Buffer.alloc(0), headers: {} }
  return { record, type: 'test.Noted', unknown: false }
}
