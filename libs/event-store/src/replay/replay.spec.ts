import { applies, aggregate } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { openEventStore } from '../event-store.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import { Do, OrderBefore, orderNow, ordersTopic, PlacedV1, Reduced, Sent } from '../testing/orders.ts'
import { compareSides, compareWithRecord } from './compare-states.ts'
import { plainValue } from './plain-value.ts'
import { stateDifference } from './state-difference.ts'
import { parseStatesLine, recordStates, type RecordOptions, type StatesLine } from './states-record.ts'

/** Orders that the first code wrote, on three partitions. */
async function shop(orders: number) {
  const kafka = new InMemoryKafka()
  const registry = new MemorySchemaRegistry()
  const codecOf = (register: 'all' | 'none') => new RegistryEventCodec({ url: registry.url, registry, register })
  const store = await openEventStore({
    application: 'shop',
    kafka,
    codec: codecOf('all'),
    aggregates: [OrderBefore],
    partitions: 3,
  })
  const place = async (number: number) => {
    await store.execute(new Do({ id: `o-${number}`, event: PlacedV1({ cents: number }) }))
    if (number % 2 === 0) await store.execute(new Do({ id: `o-${number}`, event: Reduced({ percent: 10 }) }))
  }
  for (let number = 1; number <= orders; number += 1) await place(number)
  const side = (order: typeof OrderBefore) => ({ kafka, codec: codecOf('none'), aggregates: [order] })
  const registered = registry.calls.register
  return { registry, registered, store, place, side }
}

/** Through text and back, as a file would. */
async function recorded(lines: AsyncIterable<StatesLine>): Promise<readonly StatesLine[]> {
  const texts: string[] = []
  for await (const line of lines) texts.push(JSON.stringify(line))
  return texts.map(parseStatesLine)
}

const record = (side: Parameters<typeof recordStates>[0], options?: RecordOptions) =>
  recorded(recordStates(side, options))

describe('a replay against a record', () => {
  it('finds nothing when the code is the same, and registers nothing', async () => {
    const { side, registry, registered } = await shop(10)
    const lines = await record(side(OrderBefore))
    const report = await compareWithRecord(lines, side(OrderBefore))
    expect(report).toMatchObject({
      same: true,
      differences: [],
      aggregates: [{ name: 'order', topic: ordersTopic, compared: 10, same: 10, different: 0, events: 15 }],
    })
    expect(registry.calls.register).toBe(registered)
  })

  it('shows by path what a change does to each aggregate', async () => {
    const { side } = await shop(4)
    const lines = await record(side(OrderBefore))
    const report = await compareWithRecord(lines, side(orderNow()))
    expect(report).toMatchObject({ same: false, aggregates: [{ compared: 4, same: 0, different: 4 }] })
    expect(report.differences.find(({ key }) => key === 'o-2')).toEqual({
      aggregate: 'order',
      key: 'o-2',
      version: { before: 2, after: 2 },
      paths: [
        { path: 'log[0]', before: '1 placed 2', after: '1 placed 2 EUR 20' },
        { path: 'log[1]', before: '2 reduced 10', after: '2 discount 10' },
      ],
      pathsOmitted: 0,
    })
  })

  it('folds up to where the record ends, whatever was written since', async () => {
    const { side, place } = await shop(4)
    const lines = await record(side(OrderBefore))
    await place(5)
    await place(2)
    expect(await compareWithRecord(lines, side(OrderBefore))).toMatchObject({
      same: true,
      aggregates: [{ compared: 4 }],
    })
  })

  it('takes the same sample of keys again', async () => {
    const { side } = await shop(60)
    const lines = await record(side(OrderBefore), { sample: 0.5 })
    const states = lines.filter(({ kind }) => kind === 'state').length
    expect(states).toBeGreaterThan(10)
    expect(states).toBeLessThan(50)
    const report = await compareWithRecord(lines, side(OrderBefore))
    expect(report).toMatchObject({ same: true, aggregates: [{ compared: states, onlyAfter: 0 }] })
  })

  it('counts beyond its bounds', async () => {
    const { side } = await shop(10)
    const lines = await record(side(OrderBefore))
    const report = await compareWithRecord(lines, side(orderNow()), { differencesMax: 3, pathsMax: 1 })
    expect(report.differences).toHaveLength(3)
    expect(report.differencesOmitted).toBe(7)
    expect(report.differences.every(({ paths }) => paths.length === 1)).toBe(true)
  })

  it('tells of states that one side cannot make', async () => {
    const { side, store } = await shop(3)
    await store.execute(new Do({ id: 'o-9', event: Sent({ parcels: 2 }) }))
    const lines = await record(side(OrderBefore))
    const forgetful = orderNow([])
    const report = await compareWithRecord(lines, side(forgetful))
    expect(report.same).toBe(false)
    expect(report.aggregates).toMatchObject([{ compared: 2, onlyBefore: 2, onlyAfter: 0 }])
    expect(report.failures.map(({ side: at, key }) => `${at} ${key}`).sort()).toEqual(['after o-2', 'after o-9'])
    expect(report.failures[0]?.error).toMatch(/shop\.order\/\d\/\d+: EVENT_UNKNOWN/)
  })

  it('refuses a record that is cut, foreign, or of other aggregates', async () => {
    const { side } = await shop(2)
    const lines = await record(side(OrderBefore))
    const refused = { code: 'REPLAY_RECORD_INVALID' }
    await expect(compareWithRecord(lines.slice(0, -1), side(OrderBefore))).rejects.toMatchObject(refused)
    await expect(compareWithRecord(lines.slice(1), side(OrderBefore))).rejects.toMatchObject(refused)
    await expect(compareWithRecord([], side(OrderBefore))).rejects.toMatchObject(refused)
    const other = { ...side(OrderBefore), aggregates: [{ ...OrderBefore, name: 'basket' }] }
    await expect(compareWithRecord(lines, other)).rejects.toMatchObject({
      message: 'the code has no aggregate order on topic shop.order; it has basket on shop.order',
    })
    const larger = lines.map((line) =>
      line.kind === 'keyfold.states'
        ? { ...line, aggregates: [{ name: 'order', topic: ordersTopic, ends: [99, 99, 99] }] }
        : line,
    )
    await expect(compareWithRecord(larger, side(OrderBefore))).rejects.toMatchObject(refused)
    expect(() => parseStatesLine('{"kind":"poem"}')).toThrow(/none of its kinds/)
    expect(() => parseStatesLine('{')).toThrow(/not JSON/)
    await expect(recordStates(side(OrderBefore), { sample: 0 }).next()).rejects.toMatchObject(refused)
  })
})

describe('a replay of two codes side by side', () => {
  it('compares what they make of the same events', async () => {
    const { side } = await shop(6)
    expect(await compareSides(side(OrderBefore), side(OrderBefore))).toMatchObject({ same: true })
    const report = await compareSides(side(OrderBefore), side(orderNow()), { differencesMax: 2 })
    expect(report).toMatchObject({ same: false, differencesOmitted: 4, aggregates: [{ compared: 6, different: 6 }] })
  })

  it('does not let one side see the state of the other', async () => {
    const { side } = await shop(2)
    // A step that changes the state in place, as decorated aggregates do.
    const summing = aggregate<{ sum: number }>({
      name: 'order',
      topic: ordersTopic,
      initialState: () => ({ sum: 0 }),
      decide: [],
      evolve: [
        applies(PlacedV1, (state: { sum: number }, { cents }) => {
          state.sum += cents
          return state
        }),
      ],
      emits: [Reduced],
    })
    const report = await compareSides(side(summing), side(summing))
    expect(report).toMatchObject({ same: true, aggregates: [{ compared: 2 }] })
    const lines = await record(side(summing))
    expect(lines.filter((line) => line.kind === 'state').map((line) => 'state' in line && line.state)).toEqual(
      expect.arrayContaining([{ sum: 1 }, { sum: 2 }]),
    )
  })
})

describe('states as plain values', () => {
  it('keep what JSON has no form for', () => {
    class Money {
      readonly cents = 5n
      readonly show = () => ''
    }
    const state = {
      z: undefined,
      money: new Money(),
      at: new Date(0),
      tags: new Set(['b', 'a']),
      by: new Map([['k', Number.NaN]]),
      raw: Uint8Array.of(1, 255),
    }
    expect(plainValue(state)).toEqual({
      at: { $date: '1970-01-01T00:00:00.000Z' },
      by: { $map: [['k', { $number: 'NaN' }]] },
      money: { cents: { $bigint: '5' } },
      raw: { $bytes: '01ff' },
      tags: { $set: ['a', 'b'] },
    })
    const endless: { self?: unknown } = {}
    endless.self = endless
    expect(JSON.stringify(plainValue(endless))).toContain('deeper than 100 levels')
  })

  it('differ by path', () => {
    const before = plainValue({ balance: 5n, lines: [{ sku: 'a' }, { sku: 'b' }], gone: true })
    const after = plainValue({ balance: 6n, lines: [{ sku: 'a' }, { sku: 'c' }, { sku: 'd' }] })
    expect(stateDifference(before, after, 10)).toEqual({
      paths: [
        { path: 'balance', before: { $bigint: '5' }, after: { $bigint: '6' } },
        { path: 'gone', before: true, after: undefined },
        { path: 'lines[1].sku', before: 'b', after: 'c' },
        { path: 'lines[2]', before: undefined, after: { sku: 'd' } },
      ],
      omitted: 0,
    })
    expect(stateDifference('a', ['a'], 10).paths).toEqual([{ path: '', before: 'a', after: ['a'] }])
    const long = stateDifference('x'.repeat(5_000), '', 1).paths[0]
    expect(JSON.stringify(long?.before).length).toBeLessThan(1_100)
  })
})
