import { randomUUID } from 'node:crypto'
import { InMemoryKafka } from '@keyfold/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { Callers, keys } from '../testing/callers.ts'
import { Add, limit, Note } from '../testing/counter.ts'
import { SharedCounters } from '../testing/shared-counters.ts'

let counters: SharedCounters
const patience = { timeout: 20_000, interval: 10 }

beforeAll(async () => {
  counters = await SharedCounters.start()
}, 30_000)

afterAll(() => counters.stop())

describe('instances that share the partitions of an aggregate', () => {
  it('each own a share, and bring a command given to any of them to its owner', async () => {
    const topic = newTopic()
    const stores = [await counters.open(topic), await counters.open(topic), await counters.open(topic)]
    await shares(topic, [2, 2, 2])
    for (const [index, key] of keys.entries()) {
      const outcome = await ofThe(stores, index).execute(new Add({ id: key, amount: 1, times: 2 }))
      expect(outcome).toMatchObject({ kind: 'committed', version: 2, duplicate: false, position: { topic } })
    }
  })

  it('give exactly the outcome that the owner gives', async () => {
    const topic = newTopic()
    const stores = [await counters.open(topic), await counters.open(topic)]
    await shares(topic, [3, 3])
    const [first, second] = [ofThe(stores, 0), ofThe(stores, 1)]
    for (const key of keys.slice(0, 6)) {
      const committed = await first.execute(new Note({ id: key, text: 'ü' }), { commandId: `${key} note` })
      expect(committed).toMatchObject({ events: [{ type: 'test.Noted', data: { text: 'ü', lang: 'en' } }] })
      expect(await second.execute(new Note({ id: key, text: 'ü' }), { commandId: `${key} note` })).toEqual({
        ...committed,
        duplicate: true,
      })
      const no = await first.execute(new Add({ id: key, amount: limit + 1 }), { commandId: `${key} no` })
      expect(no).toMatchObject({ kind: 'rejected', rejection: { code: 'OVER_LIMIT', details: { total: 0 } } })
      expect(await second.execute(new Add({ id: key, amount: limit + 1 }), { commandId: `${key} no` })).toEqual({
        ...no,
        duplicate: true,
      })
      const conflict = {
        kind: 'failed',
        error: { code: 'EXPECTED_VERSION_CONFLICT', details: { expected: 7, actual: 1 } },
      }
      for (const store of stores)
        expect(await store.execute(new Add({ id: key, amount: 1 }), { expectedVersion: 7 })).toMatchObject(conflict)
    }
  })

  it('move partitions to one that comes and back when it closes, without a failed command', async () => {
    const topic = newTopic()
    const stores = [await counters.open(topic)]
    const callers = new Callers(stores)
    await callers.progress()
    stores.push(await counters.open(topic))
    await shares(topic, [3, 3])
    await callers.progress()
    stores.push(await counters.open(topic))
    await shares(topic, [2, 2, 2])
    await callers.progress()
    const leaving = stores.shift()
    await leaving?.close()
    await shares(topic, [3, 3])
    await callers.progress()
    expect(await callers.stop()).toEqual([])
    await callers.expectAllStored(ofThe(stores, 0), topic)
  }, 60_000)

  it('let one that owns nothing send commands to the owners, also after they have changed', async () => {
    const topic = newTopic()
    const early = await counters.open(topic, { role: 'api' })
    const waiting = early.execute(new Add({ id: 'a', amount: 1 }), { deadlineMs: 20_000 })
    const first = await counters.open(topic, { role: 'worker' })
    expect(await waiting).toMatchObject({ kind: 'committed', version: 1 })
    await counters.open(topic, { role: 'worker' })
    await shares(topic, [3, 3])
    for (const key of keys) expect(await early.execute(new Add({ id: key, amount: 1 }))).toMatchObject({ version: 1 })
    await first.close()
    for (const key of keys) expect(await early.execute(new Add({ id: key, amount: 1 }))).toMatchObject({ version: 2 })
    await shares(topic, [6])
  }, 60_000)

  it('claim a partition again when something fenced its writer and the group still says that it is theirs', async () => {
    const topic = newTopic()
    const store = await counters.open(topic)
    expect(await store.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({ version: 1 })
    const outsider = await counters.client()
    for (let partition = 0; partition < 6; partition++)
      await outsider.openTransactionalProducer({
        transactionalId: `test.${topic}.${partition}`,
        transactionTimeoutMs: 10_000,
      })
    for (const key of keys)
      expect(await store.execute(new Add({ id: key, amount: 1 }))).toMatchObject({ kind: 'committed' })
    expect(await store.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({ version: 2 })
  })

  it('say what became of a command for which nobody is there', async () => {
    const lonely = await counters.open(newTopic(), { role: 'api' })
    expect(await lonely.execute(new Add({ id: 'a', amount: 1 }), { deadlineMs: 50 })).toMatchObject({
      kind: 'failed',
      error: { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('no instance owns it yet') },
    })
    await lonely.close()
    expect(await lonely.execute(new Add({ id: 'a', amount: 1 }))).toMatchObject({
      kind: 'failed',
      error: { code: 'EVENT_STORE_CLOSED' },
    })
  })

  it('do not speak to one that does not know the secret', async () => {
    const topic = newTopic()
    const owner = await counters.open(topic, { secret: 'right' })
    const friend = await counters.open(topic, { role: 'api', secret: 'right' })
    const stranger = await counters.open(topic, { role: 'api', secret: 'wrong' })
    const add = new Add({ id: 'a', amount: 1 })
    expect(await stranger.execute(add, { deadlineMs: 300 })).toMatchObject({
      kind: 'failed',
      error: { code: 'DEADLINE_EXCEEDED' },
    })
    expect(await friend.execute(add)).toMatchObject({ version: 1 })
    expect(await owner.execute(add)).toMatchObject({ version: 2 })
  })

  it('need a secret to be reached from other machines, and a client that has groups', async () => {
    await expect(counters.open(newTopic(), { listen: { host: '0.0.0.0' } })).rejects.toThrow(TypeError)
    await expect(counters.open(newTopic(), {}, { kafka: new InMemoryKafka() })).rejects.toMatchObject({
      code: 'GROUPS_UNSUPPORTED',
    })
    const busy = await counters.open(newTopic(), { listen: { port: 0 } })
    await busy.close()
  })
})

function newTopic(): string {
  return `counter-${randomUUID()}`
}

function ofThe(stores: readonly EventStore[], index: number): EventStore {
  const store = stores[index % stores.length]
  if (store === undefined) throw new TypeError('there is no store')
  return store
}

/** Waits until the group has shared the partitions like this. */
async function shares(topic: string, expected: readonly number[]): Promise<void> {
  await vi.waitUntil(async () => JSON.stringify(await counters.shares(topic)) === JSON.stringify(expected), patience)
}
