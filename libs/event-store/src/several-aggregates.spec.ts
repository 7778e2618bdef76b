import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { RegistryEventCodec } from './codec/registry-event-codec.ts'
import { openEventStore } from './event-store.ts'
import type { EventStoreLimits } from './event-store-options.ts'
import { ChangeEmail, Join, Leave, member, membersTopic as topic, Stray } from './testing/members.ts'
import { MemorySchemaRegistry } from './testing/memory-schema-registry.ts'

const ann = 'chess/member/ann'
const bob = 'chess/member/bob'

async function opened(limits: Partial<EventStoreLimits> = {}) {
  const kafka = new InMemoryKafka()
  const registry = new MemorySchemaRegistry()
  const open = () =>
    openEventStore({
      application: 'club',
      kafka: new InMemoryKafka(kafka.log),
      codec: new RegistryEventCodec({ url: registry.url, registry }),
      aggregates: [member],
      partitions: 8,
      limits,
    })
  return { store: await open(), kafka, open }
}

describe('a command about several aggregates of one partition key', () => {
  it('is decided on all of them, and their events are committed together', async () => {
    const { store } = await opened()
    const outcome = await store.execute(new Join({ id: ann, email: 'a@x' }), { commandId: 'join' })
    expect(outcome).toMatchObject({
      kind: 'committed',
      version: 1,
      events: [
        { type: 'club.Joined', data: { email: 'a@x' } },
        { type: 'club.EmailTaken', data: { by: ann }, key: 'chess/email/a@x' },
      ],
    })
    const [joined, taken] = await store.readEvents({ topic })
    expect([joined?.key, joined?.aggregateVersion, taken?.key, taken?.aggregateVersion]).toEqual([
      ann,
      1,
      'chess/email/a@x',
      1,
    ])
    expect(joined?.partition).toBe(taken?.partition)
    expect(joined?.headers['keyfold-batch-id']).toBe(taken?.headers['keyfold-batch-id'])
    expect(await store.readEvents({ topic, key: 'chess/email/a@x' })).toHaveLength(1)
  })

  it('keeps a name unique, also among commands that come together', async () => {
    const { store } = await opened()
    const outcomes = await Promise.all(
      ['ann', 'bob', 'cid'].map((name) => store.execute(new Join({ id: `chess/member/${name}`, email: 'a@x' }))),
    )
    expect(outcomes).toMatchObject([
      { kind: 'committed' },
      { kind: 'rejected', rejection: { code: 'EMAIL_IN_USE', details: { takenBy: ann } }, version: 0 },
      { kind: 'rejected', rejection: { code: 'EMAIL_IN_USE' } },
    ])
    expect(await store.execute(new Join({ id: 'go/member/ann', email: 'a@x' }))).toMatchObject({ kind: 'committed' })
  })

  it('counts a version per aggregate, and says that of the one the command was for', async () => {
    const { store } = await opened()
    await store.execute(new Join({ id: ann, email: 'a@x' }))
    await store.execute(new Join({ id: bob, email: 'b@x' }))
    expect(await store.execute(new ChangeEmail({ id: ann, email: 'b@x' }))).toMatchObject({ kind: 'rejected' })
    expect(await store.execute(new ChangeEmail({ id: ann, email: 'c@x' }), { expectedVersion: 1 })).toMatchObject({
      kind: 'committed',
      version: 2,
    })
    expect(await store.execute(new ChangeEmail({ id: bob, email: 'a@x' }))).toMatchObject({ version: 2 })
    const versions = Map.groupBy(await store.readEvents({ topic }), ({ key }) => key)
    for (const [key, events] of versions)
      expect(
        events.map(({ aggregateVersion }) => aggregateVersion),
        key,
      ).toEqual(events.map((_, index) => index + 1))
    expect(versions.get('chess/email/a@x')).toHaveLength(3)
  })

  it.each([{}, { snapshotEvery: 1, checkpointAggregates: 1, cachedAggregates: 1 }])(
    'is answered as before when it is repeated, also after another process took over (%j)',
    async (limits) => {
      const { store, open } = await opened(limits)
      const first = await store.execute(new Join({ id: ann, email: 'a@x' }), { commandId: 'join' })
      const change = await store.execute(new ChangeEmail({ id: ann, email: 'b@x' }), { commandId: 'change' })
      const other = await open()
      const repeated = { ...first, duplicate: true }
      expect(await other.execute(new Join({ id: ann, email: 'a@x' }), { commandId: 'join' })).toEqual(repeated)
      expect(await other.execute(new ChangeEmail({ id: ann, email: 'b@x' }), { commandId: 'change' })).toEqual({
        ...change,
        duplicate: true,
      })
      expect(await other.execute(new Join({ id: bob, email: 'b@x' }))).toMatchObject({ kind: 'rejected' })
      expect(await other.execute(new Join({ id: bob, email: 'a@x' }))).toMatchObject({ kind: 'committed', version: 1 })
    },
  )

  it('happens as a whole or not at all when its transaction is lost', async () => {
    const { store, kafka } = await opened()
    kafka.log.commitFaults.push('lose-request', 'lose-answer')
    expect(await store.execute(new Join({ id: ann, email: 'a@x' }))).toMatchObject({ version: 1, duplicate: false })
    expect(await store.readEvents({ topic })).toHaveLength(2)
  })

  it.each(['look', 'write'] as const)('fails when it is about another partition key (%s)', async (how) => {
    const { store } = await opened()
    expect(await store.execute(new Stray({ id: ann, how }))).toMatchObject({
      kind: 'failed',
      error: { code: 'AGGREGATE_ELSEWHERE', details: { other: 'elsewhere/member/x' } },
    })
    expect(await store.readEvents({ topic })).toEqual([])
  })
})

describe('creation and deletion', () => {
  it('are events like others: an id that was given up is used again with the next version', async () => {
    const { store } = await opened()
    expect(await store.execute(new Leave({ id: ann }))).toMatchObject({
      rejection: { code: 'NOT_A_MEMBER' },
      version: 0,
    })
    expect(await store.execute(new Join({ id: ann, email: 'a@x' }), { expectedVersion: 0 })).toMatchObject({
      version: 1,
    })
    expect(await store.execute(new Join({ id: ann, email: 'b@x' }), { expectedVersion: 0 })).toMatchObject({
      error: { code: 'EXPECTED_VERSION_CONFLICT' },
    })
    expect(await store.execute(new Leave({ id: ann }), { expectedVersion: 1 })).toMatchObject({ version: 2 })
    expect(await store.execute(new ChangeEmail({ id: ann, email: 'b@x' }))).toMatchObject({
      kind: 'rejected',
      version: 2,
    })
    expect(await store.execute(new Join({ id: ann, email: 'a@x' }))).toMatchObject({ kind: 'committed', version: 3 })
  })
})
