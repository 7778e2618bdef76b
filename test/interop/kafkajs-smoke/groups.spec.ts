import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Admin, Consumer, Kafka, Producer } from 'kafkajs'
import { type Clients, memoryClients, type Received, runFrom, toReceived, until } from './kafkajs-client.ts'

let clients: Clients
let kafka: Kafka
let admin: Admin
let producer: Producer

beforeAll(async () => {
  clients = await memoryClients()
  ;({ kafka, admin, producer } = clients)
})

afterAll(() => clients.close())

const fast = { maxWaitTimeInMs: 100, heartbeatInterval: 300, sessionTimeout: 6000, rebalanceTimeout: 10_000 }

async function send(topic: string, count: number, from = 0): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({ key: `${from + index}`, value: `${from + index}` }))
  await producer.send({ topic, messages })
}

function assignments(consumer: Consumer): { partitions: number[]; generation: number } {
  const state = { partitions: [] as number[], generation: -1 }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    state.partitions = Object.values(payload.memberAssignment).flat()
    state.generation++
  })
  return state
}

describe('a group of consumers', () => {
  it('59, 64: shares the partitions, and shares them anew when a member comes or goes', async () => {
    await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 4 }] })
    await send('shared', 100)
    const seen = new Map<string, number>()
    const note = (payload: Parameters<typeof toReceived>[0]) => {
      const { partition, offset } = toReceived(payload)
      seen.set(`${partition}:${offset}`, (seen.get(`${partition}:${offset}`) ?? 0) + 1)
    }
    const consumers = [0, 1].map(() => kafka.consumer({ groupId: 'pair', ...fast }))
    const [first, second] = consumers
    if (first === undefined || second === undefined) throw new Error('two consumers expected')
    const [ofFirst, ofSecond] = [assignments(first), assignments(second)]
    await runFrom(first, ['shared'], note)
    await until(() => ofFirst.partitions.length === 4, 'one member has everything')
    await runFrom(second, ['shared'], note)
    await until(() => ofFirst.partitions.length === 2 && ofSecond.partitions.length === 2, 'both have their half')
    expect(new Set([...ofFirst.partitions, ...ofSecond.partitions])).toEqual(new Set([0, 1, 2, 3]))
    await send('shared', 100, 100)
    await until(() => seen.size === 200, 'all messages seen')
    const described = await admin.describeGroups(['pair'])
    expect(described.groups[0]).toMatchObject({
      state: 'Stable',
      protocolType: 'consumer',
      protocol: 'RoundRobinAssigner',
    })
    expect(described.groups[0]?.members).toHaveLength(2)
    await first.disconnect()
    await until(() => ofSecond.partitions.length === 4, 'the one that stays has everything')
    await second.disconnect()
    expect((await admin.listGroups()).groups).toContainEqual({ groupId: 'pair', protocolType: 'consumer' })
  }, 30_000)

  it('goes on where it has committed, and where it is told to seek', async () => {
    await admin.createTopics({ topics: [{ topic: 'steps' }] })
    await send('steps', 10)
    const read = async (count: number, seekTo?: string): Promise<Received[]> => {
      const consumer = kafka.consumer({ groupId: 'stepper', ...fast })
      const received: Received[] = []
      const running = runFrom(consumer, ['steps'], (payload) => received.push(toReceived(payload)))
      await running
      if (seekTo !== undefined) consumer.seek({ topic: 'steps', partition: 0, offset: seekTo })
      await until(() => received.some(({ offset }) => Number(offset) === count - 1), `message ${count - 1}`)
      await consumer.disconnect()
      return received
    }
    expect(await read(10)).toHaveLength(10)
    await send('steps', 5, 10)
    expect((await read(15)).map(({ offset }) => offset)).toEqual(['10', '11', '12', '13', '14'])
    expect((await read(15, '3')).map(({ offset }) => offset)).toContain('3')
    const offsets = await admin.fetchOffsets({ groupId: 'stepper', topics: ['steps'] })
    expect(offsets[0]?.partitions[0]?.offset).toBe('15')
  }, 30_000)

  it('65, 68: offsets can be set and the group deleted only while it is empty', async () => {
    await admin.createTopics({ topics: [{ topic: 'managed' }] })
    await send('managed', 3)
    await admin.setOffsets({ groupId: 'managed', topic: 'managed', partitions: [{ partition: 0, offset: '2' }] })
    expect((await admin.fetchOffsets({ groupId: 'managed' }))[0]?.partitions).toMatchObject([
      { partition: 0, offset: '2' },
    ])
    const consumer = kafka.consumer({ groupId: 'managed', ...fast })
    const received: Received[] = []
    await runFrom(consumer, ['managed'], (payload) => received.push(toReceived(payload)))
    await until(() => received.length === 1, 'the rest')
    expect(received[0]?.offset).toBe('2')
    const deleted = admin.deleteGroups(['managed'])
    await expect(deleted).rejects.toMatchObject({ groups: [{ error: { type: 'NON_EMPTY_GROUP' } }] })
    await consumer.disconnect()
    expect(await admin.deleteGroups(['managed'])).toMatchObject([{ groupId: 'managed', errorCode: 0 }])
    expect((await admin.fetchOffsets({ groupId: 'managed', topics: ['managed'] }))[0]?.partitions[0]?.offset).toBe('-1')
  }, 30_000)
})
