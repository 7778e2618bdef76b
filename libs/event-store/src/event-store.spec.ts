import { describe, expect, it } from 'vitest'
import { Add, limit, Misbehave, Note, Unlisted } from './testing/counter.ts'
import { openCounters, topic } from './testing/open-counters.ts'
import { defineCommand } from '@keyfold/eventsourcing'

const add = (amount: number, id = 'a', times?: number) =>
  new Add(times === undefined ? { id, amount } : { id, amount, times })

describe('an event store', () => {
  it('answers a command with its version, position and events', async () => {
    const { store } = await openCounters()
    expect(await store.execute(add(5, 'a', 2), { commandId: 'c' })).toEqual({
      kind: 'committed',
      version: 2,
      position: { topic, partition: 0, offset: 1 },
      events: [
        { type: 'test.Added', data: { amount: 5 } },
        { type: 'test.Added', data: { amount: 5 } },
      ],
      duplicate: false,
      commandId: 'c',
    })
  })

  it('says what readers will get, defaults filled in', async () => {
    const { store } = await openCounters()
    const outcome = await store.execute(new Note({ id: 'a', text: 'hello' }))
    expect(outcome).toMatchObject({ events: [{ data: { text: 'hello', lang: 'en' } }] })
  })

  it('answers a rejection with its reason and the version it was decided on', async () => {
    const { store } = await openCounters()
    await store.execute(add(10))
    expect(await store.execute(add(limit), { commandId: 'c' })).toEqual({
      kind: 'rejected',
      rejection: expect.objectContaining({ code: 'OVER_LIMIT', details: { total: 10 } }),
      version: 1,
      duplicate: false,
      commandId: 'c',
    })
  })

  it('commits a command that changes nothing without events, at the position of the last one', async () => {
    const { store } = await openCounters()
    expect(await store.execute(add(0))).toMatchObject({ kind: 'committed', version: 0, position: null, events: [] })
    const first = await store.execute(add(1))
    expect(await store.execute(add(0))).toMatchObject({
      kind: 'committed',
      version: 1,
      position: first.kind === 'committed' ? first.position : undefined,
      events: [],
    })
  })

  it('decides commands that come together in order, each on the state of the ones before', async () => {
    const { store } = await openCounters()
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => store.execute(add(100))))
    expect(outcomes.map(({ kind }) => kind)).toEqual([...Array(10).fill('committed'), 'rejected', 'rejected'])
    expect(outcomes.map((outcome) => ('version' in outcome ? outcome.version : -1))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10,
    ])
    const stored = await store.readEvents({ topic })
    expect(stored.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(new Set(stored.map(({ headers }) => headers['keyfold-batch-id'])).size).toBe(1)
  })

  it('lets a no-op behind events of its own batch name their position', async () => {
    const { store } = await openCounters()
    const [first, nothing] = await Promise.all([store.execute(add(1)), store.execute(add(0), { commandId: 'n' })])
    expect(nothing).toMatchObject({ kind: 'committed', version: 1, events: [], duplicate: false })
    expect(first).toMatchObject({ position: { offset: 0 } })
    expect(nothing).toMatchObject({ position: { offset: 0 } })
    expect(await store.execute(add(0), { commandId: 'n' })).toEqual({ ...nothing, duplicate: true })
  })

  it('conflicts when the expected version is another, and commits when it is this one', async () => {
    const { store } = await openCounters()
    await store.execute(add(1))
    expect(await store.execute(add(1), { expectedVersion: 0 })).toMatchObject({
      kind: 'failed',
      error: { code: 'EXPECTED_VERSION_CONFLICT', details: { expected: 0, actual: 1 } },
    })
    expect(await store.execute(add(1), { expectedVersion: 1 })).toMatchObject({ kind: 'committed', version: 2 })
    expect(await store.execute(add(1, 'new'), { expectedVersion: 0 })).toMatchObject({ kind: 'committed', version: 1 })
  })

  it.each([
    ['throw', 'COMMAND_FAILED'],
    ['misfit', 'EVENT_DOES_NOT_FIT'],
    ['unlisted', 'EVENT_UNKNOWN'],
    ['poison', 'COMMAND_FAILED'],
    ['promise', 'COMMAND_FAILED'],
    ['huge', 'COMMAND_TOO_LARGE'],
  ] as const)('fails only the command whose handler does this: %s', async (how, code) => {
    const { store } = await openCounters()
    await store.execute(add(1))
    const [before, culprit, after, other] = await Promise.all([
      store.execute(add(1)),
      store.execute(new Misbehave({ id: 'a', how })),
      store.execute(add(1)),
      store.execute(add(1, 'b')),
    ])
    expect(culprit).toMatchObject({ kind: 'failed', error: { code } })
    expect(before).toMatchObject({ kind: 'committed', version: 2 })
    expect(after).toMatchObject({ kind: 'committed', version: 3 })
    expect(other).toMatchObject({ kind: 'committed', version: 1 })
    // What a failed command did to the state must not be seen: 3 of the limit are used, not less.
    expect(await store.execute(add(limit - 3))).toMatchObject({ kind: 'committed' })
    expect(await store.execute(add(1))).toMatchObject({ kind: 'rejected' })
  })

  it('names the field that does not fit', async () => {
    const { store } = await openCounters()
    const outcome = await store.execute(new Misbehave({ id: 'a', how: 'misfit' }))
    expect(outcome).toMatchObject({ error: { details: { type: 'test.Added', field: 'amount' } } })
  })

  it('refuses commands that nobody handles, and those without a key', async () => {
    const { store } = await openCounters()
    class Lost extends defineCommand<{ readonly id: string }>({ name: 'test.Lost', key: 'id' }) {}
    expect(await store.execute(new Lost({ id: 'a' }))).toMatchObject({ error: { code: 'COMMAND_UNKNOWN' } })
    expect(await store.execute({ id: 'a' })).toMatchObject({ error: { code: 'COMMAND_UNKNOWN' } })
    expect(await store.execute(add(1, ''))).toMatchObject({
      error: { code: 'COMMAND_INVALID', details: { issues: [{ path: 'id' }] } },
    })
  })

  it('stores the envelope that the README promises', async () => {
    const { store } = await openCounters()
    await store.execute(add(7), { commandId: 'c', correlationId: 'flow', causationId: 'cause' })
    const [event] = await store.readEvents({ topic, key: 'a' })
    expect(event).toMatchObject({
      topic,
      partition: 0,
      offset: 0,
      key: 'a',
      type: 'test.Added',
      schemaVersion: 1,
      aggregateVersion: 1,
      commandId: 'c',
      data: { amount: 7 },
    })
    expect(event?.headers).toEqual({
      ce_specversion: '1.0',
      ce_id: expect.any(String),
      ce_type: 'test.Added',
      ce_source: '/test/test.counter',
      ce_time: event?.time.toISOString(),
      ce_subject: 'a',
      ce_correlationid: 'flow',
      ce_causationid: 'cause',
      'content-type': 'application/avro',
      'keyfold-version': '1',
      'keyfold-command-id': 'c',
      'keyfold-command-fingerprint': expect.stringMatching(/^[0-9a-f]{16}$/),
      'keyfold-command-index': '0',
      'keyfold-command-size': '1',
      'keyfold-batch-id': expect.any(String),
      'keyfold-schema-version': '1',
      'keyfold-owner-epoch': '1',
    })
  })

  it('reads the newest events, or forward from an offset, of all keys or of one', async () => {
    const { store } = await openCounters({ partitions: 3 })
    for (let index = 0; index < 30; index++) await store.execute(add(1, `k${index % 3}`))
    expect(await store.readEvents({ topic })).toHaveLength(30)
    const newest = await store.readEvents({ topic, key: 'k1', limit: 4 })
    expect(newest.map(({ aggregateVersion }) => aggregateVersion)).toEqual([7, 8, 9, 10])
    const forward = await store.readEvents({ topic, key: 'k1', fromOffset: 0, limit: 4 })
    expect(forward.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2, 3, 4])
    await expect(store.readEvents({ topic, fromOffset: 0 })).rejects.toThrow('partition or a key')
  })

  it('answers OVERLOADED when too many commands wait, and DEADLINE_EXCEEDED when one waits too long', async () => {
    const { store, kafka } = await openCounters({ limits: { queuedCommands: 3 } })
    const running = store.execute(add(1, 'a', 1))
    const waiting = [store.execute(add(1)), store.execute(add(1))]
    expect(await store.execute(add(1))).toMatchObject({
      kind: 'failed',
      error: { code: 'OVERLOADED', retriable: true },
    })
    await Promise.all([running, ...waiting])
    kafka.log.commitFaults.push('abort')
    kafka.log.readFaults.push(...Array.from({ length: 50 }, () => retriable()))
    expect(await store.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'WRITE_REFUSED' } })
    const late = await store.execute(add(1), { deadlineMs: 30 })
    expect(late).toMatchObject({ kind: 'failed', error: { code: 'DEADLINE_EXCEEDED', retriable: true } })
    expect(String(late.kind === 'failed' && late.error)).toContain('the cluster is away')
  })

  it('stops taking commands when it is closed, and finishes what runs', async () => {
    const { store } = await openCounters()
    const running = store.execute(add(1))
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    const closing = store.close()
    expect(await store.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'EVENT_STORE_CLOSED' } })
    expect(await running).toMatchObject({ kind: 'committed' })
    await closing
    await store.close()
  })

  it('does not open a partition in which somebody else has written', async () => {
    const { store, kafka, logged, openAnother } = await openCounters()
    await store.execute(add(1))
    await store.close()
    const stored = await store.readEvents({ topic })
    const [record] = (await readRaw(kafka)).slice(0, 1)
    if (record === undefined) throw new Error('nothing stored')
    kafka.log.append({ topic, partition: 0, records: [record] })
    const again = await openAnother()
    expect(await again.execute(add(1))).toMatchObject({
      kind: 'failed',
      error: {
        code: 'LOG_CORRUPT_VERSION',
        details: { topic, partition: 0, offset: 2, version: 1, expected: 2 },
      },
    })
    expect(stored).toHaveLength(1)
    expect(logged.some((line) => line.startsWith('error') && line.includes('LOG_CORRUPT_VERSION'))).toBe(true)
  })

  it('does not open a partition with an event that the code does not know', async () => {
    const { store, kafka, registry, openAnother } = await openCounters()
    await store.execute(add(1))
    await store.close()
    const { avroType, encodeWire } = await import('@keyfold/avro')
    const type = avroType(Unlisted.versions[0]?.schema as object)
    const id = await registry.register(`${topic}-test.Unlisted`, { schema: type.schema, references: [] })
    const [record] = await readRaw(kafka)
    if (record === undefined) throw new Error('nothing stored')
    const headers = { ...record.headers, 'keyfold-version': '2' }
    kafka.log.append({ topic, partition: 0, records: [{ ...record, headers, value: encodeWire(id, type.encode({})) }] })
    const refused = openAnother()
    await expect(refused).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      message: expect.stringContaining('test.counter-test.Unlisted version 1 at test.counter/0/2'),
    })
    // Told to start all the same, it opens what it can.
    const again = await openAnother({ mode: 'warn' })
    expect(await again.execute(add(1))).toMatchObject({ kind: 'failed', error: { code: 'EVENT_UNKNOWN' } })
  })
})

function retriable(): Error {
  return Object.assign(new Error('the cluster is away'), { retriable: true })
}

async function readRaw(kafka: Awaited<ReturnType<typeof openCounters>>['kafka']) {
  const reader = kafka.openPartitionReader({ topic, partition: 0, fromOffset: 0, isolation: 'committed' })
  const { records } = await reader.next({ maxWaitMs: 0 })
  await reader.close()
  return records
}
