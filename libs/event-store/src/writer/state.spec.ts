import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AggregateDescriptor, aggregate, applies, handles } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import { InMemoryKafka } from '@keyfold/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Add, Added, counterOn, limit, Note } from '../testing/counter.ts'
import { type Counters, type CountersOptions, openCounters, topic } from '../testing/open-counters.ts'

let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'keyfold-state-'))))
afterEach(() => rmSync(directory, { recursive: true }))

const add = (amount: number, id = 'a') => new Add({ id, amount })
const stateTopic = `${topic}.state`

describe('a partition that is claimed again', () => {
  it('is read from where its local store ends, not from its beginning', async () => {
    const first = await opened()
    for (let each = 0; each < 50; each++) await first.store.execute(add(1, `k${each % 5}`))
    await first.store.close()
    const { counters, read } = await counting(first)
    expect(read).toEqual({ [topic]: 1, [stateTopic]: 0 })
    expect(await counters.store.execute(add(1, 'k3'))).toMatchObject({ version: 11 })
    await counters.store.close()
  })

  it('is read from its last checkpoint when its process was killed', async () => {
    const first = await opened({ limits: { checkpointAggregates: 4 } })
    for (let each = 0; each < 50; each++) await first.store.execute(add(1, `k${each}`))
    const { counters, read } = await counting(first)
    expect(read[topic]).toBeLessThanOrEqual(5)
    for (let each = 0; each < 50; each++)
      expect(await counters.store.execute(add(1, `k${each}`))).toMatchObject({ version: 2 })
    await Promise.all([first.store.close(), counters.store.close()])
  })

  it.each([
    ['deleted', () => rmSync(file())],
    ['damaged', () => writeFileSync(file(), 'x'.repeat(10_000))],
  ])('is read as a whole when its local store was %s', async (_, harm) => {
    const first = await opened()
    for (let each = 0; each < 20; each++) await first.store.execute(add(1), { commandId: `${each}` })
    await first.store.close()
    harm()
    const { counters, read } = await counting(first)
    expect(read[topic]).toBe(20)
    expect(await counters.store.execute(add(1))).toMatchObject({ version: 21 })
    expect(await counters.store.execute(add(1), { commandId: '3' })).toMatchObject({ version: 4, duplicate: true })
    await counters.store.close()
  })

  it('does not take the local store of a topic that was there before under the same name', async () => {
    const first = await opened()
    for (let each = 0; each < 5; each++) await first.store.execute(add(1))
    await first.store.close()
    const again = await opened({ registry: first.registry })
    expect(await again.store.execute(add(1))).toMatchObject({ version: 1 })
    await again.store.close()
  })

  it('does not take another one either when that has grown as long', async () => {
    const first = await opened()
    await first.store.execute(add(5))
    await first.store.close()
    const elsewhere = await openCounters({ registry: first.registry })
    // Nothing in it but its first event contradicts the store.
    for (const id of ['b', 'c', 'd']) await elsewhere.store.execute(add(1, id))
    await elsewhere.store.close()
    const again = await opened({ kafka: elsewhere.kafka, registry: first.registry })
    expect(await again.store.execute(add(1, 'a'))).toMatchObject({ version: 1 })
    expect(await again.store.execute(add(1, 'b'))).toMatchObject({ version: 2 })
    await again.store.close()
  })

  it('works without a data directory just the same', async () => {
    const first = await openCounters({ limits: { cachedAggregates: 2, checkpointAggregates: 2 } })
    for (let each = 0; each < 50; each++) await first.store.execute(add(1, `k${each % 10}`))
    const other = await first.openAnother()
    for (let each = 0; each < 10; each++)
      expect(await other.execute(add(limit, `k${each}`))).toMatchObject({ kind: 'rejected', version: 5 })
  })
})

describe('a writer that was replaced, on the same machine', () => {
  it('cannot put anything into the local store any more', async () => {
    const first = await opened()
    for (let each = 0; each < 5; each++) await first.store.execute(add(1))
    const other = await opened({ kafka: new InMemoryKafka(first.kafka.log), registry: first.registry })
    for (let each = 0; each < 5; each++) await other.store.execute(add(1))
    await other.store.close()
    await first.store.close()
    expect(first.logged.some((line) => line.includes('was not written at the end'))).toBe(true)
    const last = await opened({ kafka: new InMemoryKafka(first.kafka.log), registry: first.registry })
    expect(await last.store.execute(add(1))).toMatchObject({ version: 11 })
    await last.store.close()
  })
})

describe('snapshots in the state topic', () => {
  const limits = { snapshotEvery: 10 }

  it('save the folding of what they cover, where there is no local store', async () => {
    const applied: number[] = []
    const watched = countingSteps(applied)
    const first = await openCounters({ limits, aggregate: watched(1) })
    for (let each = 0; each < 35; each++) await first.store.execute(add(1))
    applied.length = 0
    const again = await another(first, { limits, aggregate: watched(1) })
    expect(applied).toEqual([31, 32, 33, 34, 35])
    expect(await again.store.execute(add(limit))).toMatchObject({ kind: 'rejected', version: 35 })
  })

  it('are passed over when the reducer or the schemas are others', async () => {
    const applied: number[] = []
    const watched = countingSteps(applied)
    const first = await openCounters({ limits, aggregate: watched(1) })
    for (let each = 0; each < 15; each++) await first.store.execute(add(1))
    applied.length = 0
    await another(first, { limits, aggregate: watched(2) })
    expect(applied).toEqual(Array.from({ length: 15 }, (_, index) => index + 1))
  })

  it('are passed over when they are of another log', async () => {
    const first = await openCounters({ limits })
    for (let each = 0; each < 12; each++) await first.store.execute(add(1))
    const [snapshot] = (await stored(first.kafka, stateTopic)).filter(({ key }) => key?.toString() === 'snapshot:a')
    if (snapshot === undefined) throw new Error('no snapshot was written')
    const elsewhere = await openCounters({ limits: { snapshotEvery: 0 }, registry: first.registry })
    for (let each = 0; each < 20; each++) await elsewhere.store.execute(add(1, 'b'))
    elsewhere.kafka.log.append({ topic: stateTopic, partition: 0, records: [snapshot] })
    const again = await another(elsewhere, { limits })
    expect(await again.store.execute(add(1, 'a'))).toMatchObject({ version: 1 })
    expect(await again.store.execute(add(1, 'b'))).toMatchObject({ version: 21 })
  })
})

describe('a snapshot that a step cannot go on from', () => {
  it('is passed over with a warning: the log has everything', async () => {
    const first = await openCounters({ limits: { snapshotEvery: 10 } })
    for (let each = 0; each < 12; each++) await first.store.execute(add(1))
    const [snapshot] = (await stored(first.kafka, stateTopic)).filter(({ key }) => key?.toString() === 'snapshot:a')
    const said = JSON.parse(String(snapshot?.value)) as object
    const value = Buffer.from(JSON.stringify({ ...said, state: 'null' }))
    first.kafka.log.append({ topic: stateTopic, partition: 0, records: [{ key: snapshot?.key ?? null, value }] })
    const again = await another(first, {})
    expect(await again.store.execute(add(limit))).toMatchObject({ kind: 'rejected', version: 12 })
    expect(again.logged).toContainEqual(expect.stringMatching(/snapshots of .* are passed over: .* cannot apply/))
  })

  it('does not hide a log that is wrong itself', async () => {
    const first = await openCounters({ limits: { snapshotEvery: 10 } })
    for (let each = 0; each < 12; each++) await first.store.execute(add(1))
    const events = await stored(first.kafka, topic)
    first.kafka.log.append({ topic, partition: 0, records: events.slice(-2) })
    const again = await another(first, {})
    expect(await again.store.execute(add(1))).toMatchObject({ error: { code: 'LOG_CORRUPT_VERSION' } })
  })
})

describe('aggregates whose state cannot be stored', () => {
  it('stay in memory, are read from the log, and the log says so', async () => {
    interface Total {
      readonly total: number
      readonly format: () => string
    }
    const keeping = aggregate<Total>({
      name: topic,
      topic,
      initialState: () => ({ total: 0, format: () => 'total' }),
      decide: [handles(Add, ({ amount }, { total }: Total) => (total > 2 ? undefined : Added({ amount })))],
      evolve: [applies(Added, (state: Total, { amount }) => ({ ...state, total: state.total + amount }))],
    })
    const limits = { cachedAggregates: 1, checkpointAggregates: 1, snapshotEvery: 1 }
    const first = await opened({ aggregate: keeping, limits })
    for (const id of ['a', 'b', 'a', 'b', 'a'])
      await first.store.execute(add(1, id), { commandId: `${id}${Math.random()}` })
    expect(await first.store.execute(add(1))).toMatchObject({ version: 3, events: [] })
    expect(first.logged).toContainEqual(expect.stringContaining('a state holds a function'))
    await first.store.close()
    const again = await opened({
      aggregate: keeping,
      limits,
      kafka: new InMemoryKafka(first.kafka.log),
      registry: first.registry,
    })
    expect(await again.store.execute(add(1, 'b'))).toMatchObject({ version: 3 })
    await again.store.close()
  })
})

describe('the window of command ids', () => {
  it('survives a restart that reads no history', async () => {
    const first = await opened({ limits: { snapshotEvery: 3 } })
    const answers = [
      await first.store.execute(add(5), { commandId: 'yes' }),
      await first.store.execute(add(limit), { commandId: 'no' }),
      await first.store.execute(add(0), { commandId: 'nothing' }),
    ]
    for (let each = 0; each < 20; each++) await first.store.execute(new Note({ id: 'b', text: 'more' }))
    await first.store.close()
    const { counters, read } = await counting(first)
    expect(read[topic]).toBe(1)
    for (const [index, amount] of [5, limit, 0].entries()) {
      const commandId = ['yes', 'no', 'nothing'][index] ?? ''
      expect(await counters.store.execute(add(amount), { commandId })).toEqual({ ...answers[index], duplicate: true })
      expect(await counters.store.execute(add(amount + 1), { commandId })).toMatchObject({
        error: { code: 'COMMAND_ID_REUSED' },
      })
    }
    await counters.store.close()
  })

  it('ends with time, for accepted commands and for rejected ones, whose records go', async () => {
    let nowMs = Date.parse('2026-01-01')
    const limits = { acceptedWindowMs: 60_000, rejectedWindowMs: 30_000 }
    const { store, kafka } = await opened({ limits, clock: () => new Date(nowMs) })
    await store.execute(add(5), { commandId: 'yes' })
    await store.execute(add(limit), { commandId: 'no' })
    nowMs += 31_000
    expect(await store.execute(add(5), { commandId: 'yes' })).toMatchObject({ duplicate: true })
    expect(await store.execute(add(limit), { commandId: 'no' })).toMatchObject({ duplicate: false, version: 1 })
    nowMs += 31_000
    expect(await store.execute(add(5), { commandId: 'yes' })).toMatchObject({ duplicate: false, version: 2 })
    const tombstones = (await stored(kafka, stateTopic)).filter(({ value }) => value === null)
    expect(tombstones.map(({ key }) => key?.toString())).toEqual(['outcome:no'])
    await store.close()
  })

  it('is at least as long as it says, in number', async () => {
    const { store } = await opened({ limits: { acceptedCommands: 10, checkpointAggregates: 1 } })
    for (let each = 0; each < 30; each++) await store.execute(add(1, `k${each}`), { commandId: `${each}` })
    const again = async (each: number) => store.execute(add(1, `k${each}`), { commandId: `${each}` })
    expect(await again(20)).toMatchObject({ duplicate: true })
    expect(await again(5)).toMatchObject({ duplicate: false, version: 2 })
    await store.close()
  })
})

describe('memory', () => {
  it('holds no more aggregates than it may, however many are touched', async () => {
    const { store, kafka, registry } = await opened({ limits: { cachedAggregates: 10, checkpointAggregates: 8 } })
    for (let each = 0; each < 300; each++) await store.execute(add(1, `k${each}`))
    for (let each = 0; each < 300; each++)
      expect(await store.execute(add(limit, `k${each}`))).toMatchObject({ kind: 'rejected', version: 1 })
    await store.close()
    expect(registry.calls.register).toBeGreaterThan(0)
    expect(await kafka.endOffsets(topic, 'committed')).toEqual([600])
  })
})

function opened(options: CountersOptions = {}): Promise<Counters> {
  return openCounters({ dataDirectory: directory, ...options })
}

function another(before: Counters, options: CountersOptions): Promise<Counters> {
  return openCounters({ kafka: new InMemoryKafka(before.kafka.log), registry: before.registry, ...options })
}

/** Another process on the same machine, and how many records it read of each topic until it was open. */
async function counting(before: Counters) {
  const read: Record<string, number> = { [topic]: 0, [stateTopic]: 0 }
  const wrap = (kafka: KafkaClient) => countingRecords(kafka, read)
  const counters = await another(before, { dataDirectory: directory, wrap, gate: { mode: 'off' } })
  return { counters, read: { ...read } }
}

function countingRecords(kafka: KafkaClient, read: Record<string, number>): KafkaClient {
  return new Proxy(kafka, {
    get(target, member) {
      if (member !== 'openPartitionReader') {
        const value: unknown = Reflect.get(target, member)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return (...parameters: Parameters<KafkaClient['openPartitionReader']>) => {
        const reader = target.openPartitionReader(...parameters)
        const next: typeof reader.next = async (options) => {
          const batch = await reader.next(options)
          const name = parameters[0].topic
          read[name] = (read[name] ?? 0) + batch.records.length
          return batch
        }
        return { next, close: () => reader.close() }
      }
    },
  })
}

/** The counter in two versions of its reducer, with the versions of the events that it was folded over. */
function countingSteps(applied: number[]) {
  return (stateVersion: number): AggregateDescriptor => {
    const counter = counterOn(topic)
    const [name, step] = [...counter.evolve][0] ?? []
    if (name === undefined || step === undefined) throw new Error('the counter has no step')
    const watched: typeof step = (state, data, context) => {
      applied.push(context.version)
      return step(state, data, context)
    }
    return { ...counter, stateVersion, evolve: new Map([...counter.evolve, [name, watched]]) }
  }
}

async function stored(kafka: InMemoryKafka, name: string) {
  const reader = kafka.openPartitionReader({ topic: name, partition: 0, fromOffset: 0, isolation: 'committed' })
  const { records } = await reader.next({ maxWaitMs: 0 })
  await reader.close()
  return records
}

function file(): string {
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.sqlite'))
  if (found === undefined) throw new Error('there is no local store')
  return join(directory, found)
}
