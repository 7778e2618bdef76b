import { describe, expect, it } from 'vitest'
import type { KafkaClient } from '@keyfold/kafka'
import { Add, limit, Misbehave } from '../testing/counter.ts'
import { openCounters, topic } from '../testing/open-counters.ts'

const add = (amount: number, id = 'a') => new Add({ id, amount })
const versionsOf = async ({ store }: Awaited<ReturnType<typeof openCounters>>) =>
  (await store.readEvents({ topic })).map(({ aggregateVersion }) => aggregateVersion)

describe('when the outcome of a transaction is not known', () => {
  it('finds what was committed and answers as if nothing had been lost', async () => {
    const counters = await openCounters()
    const { store, kafka } = counters
    kafka.log.commitFaults.push('lose-answer')
    const outcomes = await Promise.all([
      store.execute(add(1), { commandId: 'first' }),
      store.execute(add(1)),
      store.execute(add(limit), { commandId: 'no' }),
    ])
    expect(outcomes).toMatchObject([
      { kind: 'committed', version: 1, duplicate: false, position: { offset: 0 }, events: [{ data: { amount: 1 } }] },
      { kind: 'committed', version: 2, duplicate: false, position: { offset: 1 } },
      { kind: 'rejected', version: 2, duplicate: false },
    ])
    expect(await versionsOf(counters)).toEqual([1, 2])
    expect(await store.execute(add(1), { commandId: 'first' })).toMatchObject({ version: 1, duplicate: true })
  })

  it('decides again what was not, once', async () => {
    const counters = await openCounters()
    counters.kafka.log.commitFaults.push('lose-request', 'lose-request', 'lose-answer')
    const outcomes = await Promise.all([counters.store.execute(add(1)), counters.store.execute(add(1))])
    expect(outcomes).toMatchObject([
      { kind: 'committed', version: 1, duplicate: false },
      { kind: 'committed', version: 2, duplicate: false },
    ])
    expect(await versionsOf(counters)).toEqual([1, 2])
  })

  it('says unknown to a caller who cannot wait, and the truth when it asks again', async () => {
    const counters = await openCounters()
    const { store, kafka } = counters
    kafka.log.commitFaults.push('lose-answer')
    kafka.log.readFaults.push(Object.assign(new Error('away'), { retriable: true }))
    const first = await store.execute(add(1), { commandId: 'c', deadlineMs: 15 })
    expect(first).toMatchObject({ kind: 'unknown', error: { code: 'OUTCOME_UNKNOWN', retriable: true } })
    expect(String(first.kind === 'unknown' && first.error)).toContain('ask again with the same command id')
    expect(await store.execute(add(1), { commandId: 'c' })).toMatchObject({
      kind: 'committed',
      version: 1,
      duplicate: true,
    })
    expect(await versionsOf(counters)).toEqual([1])
  })

  it('steps down instead of taking the partition back when somebody else has claimed it since', async () => {
    const counters = await openCounters()
    const { store, kafka, openAnother } = counters
    await store.execute(add(1))
    const other = await openAnother()
    kafka.log.commitFaults.push('lose-request')
    // The other store's commit is the one that gets lost; it claims again, and stays the owner.
    expect(await other.execute(add(1))).toMatchObject({ kind: 'committed', version: 2 })
    expect(await store.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'NOT_OWNER' } })
    expect(await other.execute(add(1))).toMatchObject({ kind: 'committed', version: 3 })
  })
})

describe('when the cluster refuses a transaction', () => {
  it('decides its commands again one by one, so that only the one at fault fails', async () => {
    const refusing = (kafka: KafkaClient): KafkaClient => refuseRecordsOf(kafka, 'culprit')
    const counters = await openCounters({ wrap: refusing })
    const outcomes = await Promise.all(
      ['a', 'culprit', 'a', 'b'].map((id) =>
        counters.store.execute(add(1, id), { commandId: `to ${id}${Math.random()}` }),
      ),
    )
    expect(outcomes).toMatchObject([
      { kind: 'committed', version: 1 },
      { kind: 'failed', error: { code: 'WRITE_REFUSED', retriable: false } },
      { kind: 'committed', version: 2 },
      { kind: 'committed', version: 1 },
    ])
    expect(await counters.store.execute(add(1))).toMatchObject({ kind: 'committed', version: 3 })
  })
})

describe('when somebody else takes over', () => {
  it('stops writing and answers NOT_OWNER, and the new owner goes on where the log ends', async () => {
    const counters = await openCounters()
    const { store, openAnother } = counters
    await store.execute(add(1), { commandId: 'one' })
    const other = await openAnother()
    const refused = await Promise.all([store.execute(add(1)), store.execute(add(limit))])
    expect(refused).toMatchObject([{ error: { code: 'NOT_OWNER', retriable: true } }, { error: { code: 'NOT_OWNER' } }])
    expect(await store.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'NOT_OWNER' } })
    const said = counters.logged.filter((line) => line.startsWith('error it stays so: NOT_OWNER'))
    expect(said).toEqual([expect.stringMatching(/Fix: .* only one may run: stop one, restart the one that stays/)])
    expect(await other.execute(add(1), { commandId: 'one' })).toMatchObject({
      kind: 'committed',
      version: 1,
      duplicate: true,
    })
    expect(await other.execute(add(1))).toMatchObject({ kind: 'committed', version: 2, duplicate: false })
    expect(await versionsOf(counters)).toEqual([1, 2])
    const [, last] = await other.readEvents({ topic })
    expect(last?.headers['keyfold-owner-epoch']).toBe('2')
  })

  it('does not let a rejection out that was decided on a state that is no longer ours', async () => {
    const { store, openAnother } = await openCounters()
    await store.execute(add(limit))
    const other = await openAnother()
    await other.execute(add(-limit))
    // Decided on memory alone this would be rejected; the truth is that there is room again.
    expect(await store.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'NOT_OWNER' } })
  })
})

describe('a command id', () => {
  it('gets the original answer when it is repeated, also after the partition was claimed anew', async () => {
    const { store, openAnother } = await openCounters()
    const first = [
      await store.execute(add(5), { commandId: 'yes' }),
      await store.execute(add(limit), { commandId: 'no' }),
      await store.execute(add(0), { commandId: 'nothing' }),
    ]
    await store.execute(add(7))
    const repeated = [add(5), add(limit), add(0)]
    const ids = ['yes', 'no', 'nothing']
    const other = await openAnother()
    for (const [index, command] of repeated.entries()) {
      const again = await other.execute(command, { commandId: ids[index] ?? '' })
      expect(again).toEqual({ ...first[index], duplicate: true })
    }
  })

  it('stands for one command only', async () => {
    const { store } = await openCounters()
    await store.execute(add(5), { commandId: 'c' })
    await store.execute(add(limit), { commandId: 'no' })
    const reused = { kind: 'failed', error: { code: 'COMMAND_ID_REUSED' } }
    expect(await store.execute(add(6), { commandId: 'c' })).toMatchObject(reused)
    expect(await store.execute(new Misbehave({ id: 'a', how: 'nothing' }), { commandId: 'no' })).toMatchObject(reused)
  })

  it('that is still at work makes the second call wait for the first', async () => {
    const counters = await openCounters()
    const { store } = counters
    const [first, second, other] = await Promise.all([
      store.execute(add(5), { commandId: 'c' }),
      store.execute(add(5), { commandId: 'c' }),
      store.execute(add(6), { commandId: 'c' }),
    ])
    expect(first).toMatchObject({ kind: 'committed', duplicate: false, version: 1 })
    expect(second).toEqual({ ...first, duplicate: true })
    expect(other).toMatchObject({ kind: 'failed', error: { code: 'COMMAND_ID_REUSED' } })
    expect(await versionsOf(counters)).toEqual([1])
  })

  it('whose first call came to nothing may be tried again', async () => {
    const { store } = await openCounters()
    const [first, second] = await Promise.all([
      store.execute(add(5), { commandId: 'c', expectedVersion: 7 }),
      store.execute(add(5), { commandId: 'c', expectedVersion: 0 }),
    ])
    expect(first).toMatchObject({ kind: 'failed', error: { code: 'EXPECTED_VERSION_CONFLICT' } })
    expect(second).toMatchObject({ kind: 'committed', version: 1, duplicate: false })
  })

  it('of a rejection is forgotten beyond the window, and its record with it', async () => {
    const { store, kafka } = await openCounters({ limits: { rejectedCommands: 2 } })
    for (const id of ['1', '2', '3']) await store.execute(add(limit + 1), { commandId: id })
    await store.execute(add(-limit))
    expect(await store.execute(add(limit + 1), { commandId: '3' })).toMatchObject({ kind: 'rejected', duplicate: true })
    expect(await store.execute(add(limit + 1), { commandId: '1' })).toMatchObject({
      kind: 'committed',
      duplicate: false,
    })
    const reader = kafka.openPartitionReader({
      topic: `${topic}.state`,
      partition: 0,
      fromOffset: 0,
      isolation: 'committed',
    })
    const { records } = await reader.next()
    const tombstones = records.filter(({ value }) => value === null).map(({ key }) => key?.toString())
    expect(tombstones).toEqual(['outcome:1'])
  })
})

/** A cluster that aborts every transaction with a record of this key. */
function refuseRecordsOf(kafka: KafkaClient, key: string): KafkaClient {
  return new Proxy(kafka, {
    get(target, member) {
      if (member === 'openTransactionalProducer') {
        return async (...options: Parameters<KafkaClient['openTransactionalProducer']>) => {
          const producer = await target.openTransactionalProducer(...options)
          const refuses: typeof producer.commit = async (writes) => {
            const hit = writes.some(({ records }) => records.some((record) => record.key?.toString() === key))
            return hit ? { kind: 'aborted', error: new Error('refused') } : producer.commit(writes)
          }
          return { ...producer, commit: refuses }
        }
      }
      const value: unknown = Reflect.get(target, member)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
