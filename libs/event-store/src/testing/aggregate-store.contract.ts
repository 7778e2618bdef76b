import { expect, it } from 'vitest'
import type { AggregateStores, StoreChanges, StoreIdentity } from '../state/aggregate-store.ts'
import type { AcceptedCommand } from '../writer/command-ledger.ts'

const identity: StoreIdentity = {
  application: 'bank',
  clusterId: 'c',
  topic: 'bank.account',
  partition: 3,
  stateKey: '1:00',
}
const checkpoint = { anchor: { offset: 7, eventId: 'e7' }, stateOffset: 2, claim: { generation: 1, instanceId: 'i' } }

/** What every kind of local store must do. `stores` gives the same place at every call, as a restart would find it. */
export function aggregateStoreContract(stores: () => AggregateStores): void {
  const open = (differing: Partial<StoreIdentity> = {}) => stores().open({ ...identity, ...differing })

  it('is empty at first, and holds what was saved', () => {
    const store = open()
    expect(store.checkpoint).toBeUndefined()
    expect([store.load('a'), store.findCommand('x'), store.count()]).toEqual([undefined, undefined, 0])
    store.save(changes({ aggregates: { a: 'one' } }))
    store.save(changes({ aggregates: { a: 'two', b: '' } }))
    expect(store.load('a')).toEqual({ state: 'two', version: 3, lastOffset: 9 })
    expect([store.load('b')?.state, store.load('c'), store.count()]).toEqual(['', undefined, 2])
  })

  it('finds everything again when it is opened anew', () => {
    const before = open()
    const outcome = {
      kind: 'Outcome',
      commandId: 'no',
      key: 'a',
      fingerprint: 'f',
      batchId: 'b',
      version: 1,
      atMs: 4,
    } as const
    before.save({ ...changes({ aggregates: { ä: '{}' } }), accepted: [accepted('x', 5)], outcomes: [outcome] })
    before.close()
    const store = open()
    expect(store.checkpoint).toEqual(checkpoint)
    expect(store.load('ä')?.version).toBe(3)
    expect(store.findCommand('x')).toEqual(accepted('x', 5))
    expect(store.outcomes()).toEqual([outcome])
  })

  it.each([{ clusterId: 'other' }, { stateKey: '2:00' }])('starts anew for %j', (differing) => {
    const before = open()
    before.save({ ...changes({ aggregates: { a: '{}' } }), accepted: [accepted('x', 5)] })
    before.close()
    const store = open(differing)
    expect([store.checkpoint, store.load('a'), store.findCommand('x')]).toEqual([undefined, undefined, undefined])
  })

  it('keeps partitions and topics apart', () => {
    const store = open()
    store.save(changes({ aggregates: { a: 'x' } }))
    expect(open({ partition: 4 }).load('a')).toBeUndefined()
    expect(open({ topic: 'bank.other' }).load('a')).toBeUndefined()
    expect(store.load('a')?.state).toBe('x')
  })

  it('is taken away by whoever opens it next, and refuses to be written then', () => {
    const before = open()
    before.save(changes({ aggregates: { a: 'old' } }))
    const store = open()
    store.save(changes({ aggregates: { a: 'new' } }))
    expect(() => before.save(changes({ aggregates: { a: 'older' } }))).toThrow('opened by')
    expect(() => before.clear()).toThrow('opened by')
    expect(store.load('a')?.state).toBe('new')
  })

  it('that is being filled agrees with nothing, and is empty when it is opened anew', () => {
    const store = open()
    store.save({ ...changes({ aggregates: { a: 'x' } }), checkpoint: undefined })
    expect([store.checkpoint, store.load('a')?.state]).toEqual([undefined, 'x'])
    store.close()
    const anew = open()
    expect([anew.checkpoint, anew.load('a')]).toEqual([undefined, undefined])
  })

  it('keeps at least a window of accepted commands, in number and in time', () => {
    const store = open()
    const perSave = 600
    const ids = (window: StoreChanges['window']) => {
      store.save({ ...changes({}), window })
      return ['1', '2', '3', '4'].filter((id) => store.findCommand(`${id}-0`) !== undefined)
    }
    for (const id of ['1', '2', '3', '4']) {
      const commands = Array.from({ length: perSave }, (_, index) => accepted(`${id}-${index}`, Number(id) * 100))
      store.save({ ...changes({}), accepted: commands, window: { commands: 10_000, notBeforeMs: 0 } })
    }
    expect(ids({ commands: 4 * perSave, notBeforeMs: 0 })).toEqual(['1', '2', '3', '4'])
    expect(ids({ commands: 3 * perSave, notBeforeMs: 0 })).toEqual(['2', '3', '4'])
    expect(ids({ commands: 10_000, notBeforeMs: 300 })).toEqual(['3', '4'])
    expect(store.findCommand(`4-${perSave - 1}`)).toEqual(accepted(`4-${perSave - 1}`, 400))
    expect(ids({ commands: 10_000, notBeforeMs: 1_000 })).toEqual([])
  })

  it('finds each of many commands, saved a few at a time, when it is opened anew', () => {
    const before = open()
    const commands = Array.from({ length: 1_500 }, (_, index) => accepted(`"id"\n${index}`, index))
    const window = { commands: 10_000, notBeforeMs: 0 }
    for (let from = 0, size = 1; from < commands.length; from += size, size += 7)
      before.save({ ...changes({}), accepted: commands.slice(from, from + size), window })
    before.close()
    const store = open()
    expect(commands.map(({ commandId }) => store.findCommand(commandId))).toEqual(commands)
    expect([store.findCommand('"id"\n1500'), store.findCommand('id'), store.findCommand('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('forgets outcomes by id, and keeps the order of the others', () => {
    const store = open()
    const outcome = (commandId: string) =>
      ({ kind: 'Outcome', commandId, key: 'a', fingerprint: 'f', batchId: 'b', version: 1, atMs: 4 }) as const
    store.save({ ...changes({}), outcomes: ['1', '2', '3'].map(outcome) })
    store.save({ ...changes({}), outcomes: [outcome('1')], forgotten: ['2'] })
    expect(store.outcomes().map(({ commandId }) => commandId)).toEqual(['3', '1'])
  })

  it('gives the last of what was said of a command id', () => {
    const store = open()
    store.save({ ...changes({}), accepted: [accepted('x', 1), accepted('y', 2)] })
    store.save({ ...changes({}), accepted: [{ ...accepted('x', 3), lastOffset: 8 }] })
    expect([store.findCommand('x')?.lastOffset, store.findCommand('y')?.atMs]).toEqual([8, 2])
  })

  it('is empty after it was cleared', () => {
    const store = open()
    store.save({ ...changes({ aggregates: { a: 'x' } }), accepted: [accepted('x', 1)] })
    store.clear()
    expect([store.checkpoint, store.count(), store.findCommand('x')]).toEqual([undefined, 0, undefined])
    expect(store.outcomes()).toEqual([])
  })
}

function changes({ aggregates = {} }: { readonly aggregates?: Readonly<Record<string, string>> }): StoreChanges {
  const stored = Object.entries(aggregates).map(([key, state]) => [key, { state, version: 3, lastOffset: 9 }] as const)
  return {
    aggregates: new Map(stored),
    accepted: [],
    outcomes: [],
    forgotten: [],
    window: { commands: 100, notBeforeMs: 0 },
    checkpoint,
  }
}

function accepted(commandId: string, atMs: number): AcceptedCommand {
  const place = { key: 'a', fingerprint: 'f', batchId: 'b', version: 1, lastOffset: 0, size: 1 }
  return { kind: 'Accepted', commandId, ...place, atMs }
}
