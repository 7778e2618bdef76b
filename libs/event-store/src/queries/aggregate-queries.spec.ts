import { aggregate, applies, defineCommand, defineEvent, eventFor, handles, reject } from '@keyfold/eventsourcing'
import { inMemoryCodec, InMemoryKafka } from '@keyfold/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { HEADERS } from '../envelope.ts'
import { type EventStore, openEventStore } from '../event-store.ts'
import type { EventStoreSignal } from '../signals.ts'
import { Add, Added, counterOn, Misbehave, Note } from '../testing/counter.ts'
import { type AggregateQueries, openAggregateQueries } from './aggregate-queries.ts'

const Taken = defineEvent<'test.Taken', { by: string }>({
  name: 'test.Taken',
  versions: [
    {
      version: 1,
      schema: { type: 'record', name: 'Taken', namespace: 'test', fields: [{ name: 'by', type: 'string' }] },
    },
  ],
})
class Take extends defineCommand<{ readonly id: string; readonly name: string }>({ name: 'test.Take', key: 'id' }) {}

/** Names that are unique within a house: `house/name` and `house/user` share a partition key. */
const Names = aggregate<{ by: string | undefined }>({
  name: 'names',
  topic: 'test.names',
  partitionKey: (id) => id.split('/')[0] ?? id,
  initialState: () => ({ by: undefined }),
  decide: [
    handles(Take, ({ id, name }, _state: { by: string | undefined }, { stateOf }) => {
      const taken = stateOf<{ by: string | undefined }>(name)
      if (taken.version > 0) return reject('NAME_TAKEN', undefined, { by: taken.state.by })
      return [Taken({ by: id }), eventFor(name, Taken({ by: id }))]
    }),
  ],
  evolve: [applies(Taken, (_state, { by }) => ({ by }))],
})

describe('queries on aggregates', () => {
  const kafka = new InMemoryKafka()
  const aggregates = [counterOn('test.counter'), Names]
  const signals: EventStoreSignal[] = []
  let store: EventStore
  let queries: AggregateQueries
  let minute = 0
  beforeAll(async () => {
    const clock = () => new Date(Date.UTC(2026, 0, 1, 0, minute))
    const codec = inMemoryCodec()
    const onSignal = (signal: EventStoreSignal) => void signals.push(signal)
    store = await openEventStore({ application: 'test', kafka, codec, aggregates, partitions: 2, clock, onSignal })
    for (const amount of [1, 2, 3]) {
      minute += 1
      await store.execute(new Add({ id: 'a', amount }), { extensions: { actor: 'ann', tenant: 'north' } })
    }
    await store.execute(new Add({ id: 'b', amount: 100 }))
    await store.execute(new Take({ id: 'h/ann', name: 'h/blue' }))
    queries = await openAggregateQueries({ kafka, codec, aggregates })
  })

  it('show what an aggregate is, was at a version, and was at a time', async () => {
    expect(await queries.show('test.counter', 'a')).toMatchObject({
      aggregate: 'test.counter',
      version: 3,
      newestVersion: 3,
      state: { total: 6, notes: [] },
      events: [{ data: { amount: 1 } }, { data: { amount: 2 } }, { data: { amount: 3 } }],
      eventsOmitted: 0,
    })
    expect(await queries.show('test.counter', 'a', { at: 1 })).toMatchObject({ version: 1, state: { total: 1 } })
    const at = new Date('2026-01-01T00:02:00Z')
    expect(await queries.show('test.counter', 'a', { at })).toMatchObject({ version: 2, state: { total: 3 } })
    expect(await queries.show('test.counter', 'a', { at: 0 })).toMatchObject({ version: 0, events: [] })
    expect(await queries.show('test.counter', 'never')).toMatchObject({ version: 0, newestVersion: 0 })
  })

  it('say what each event changed, and keep no more events than are wanted', async () => {
    const { events } = await queries.show('test.counter', 'a', { changes: true })
    expect(events.map(({ changes }) => changes)).toEqual([
      [{ path: 'total', before: 0, after: 1 }],
      [{ path: 'total', before: 1, after: 3 }],
      [{ path: 'total', before: 3, after: 6 }],
    ])
    const few = await queries.show('test.counter', 'a', { eventsMax: 1 })
    expect(few).toMatchObject({ version: 3, events: [{ aggregateVersion: 3 }], eventsOmitted: 2 })
  })

  it('refuse what there is not', async () => {
    await expect(queries.show('pot', 'a')).rejects.toMatchObject({
      code: 'AGGREGATE_UNKNOWN',
      message: 'there is no aggregate pot, only test.counter, names',
    })
    await expect(queries.show('test.counter', 'a', { at: 4 })).rejects.toMatchObject({ code: 'VERSION_NOT_REACHED' })
  })

  it('decide a command on any version, and write nothing', async () => {
    const ends = await kafka.endOffsets('test.counter', 'committed')
    const command = new Add({ id: 'a', amount: 995 })
    expect(await store.aggregates.dryRun(command)).toMatchObject({
      kind: 'rejected',
      version: 3,
      rejection: { code: 'OVER_LIMIT', details: { total: 6 } },
    })
    expect(await queries.dryRun(command, { atVersion: 2 })).toMatchObject({
      kind: 'events',
      version: 2,
      state: { total: 3 },
      events: [Added({ amount: 995 })],
      stateAfter: { total: 998 },
    })
    expect(await queries.dryRun(new Note({ id: 'a', text: 'x' }))).toMatchObject({
      events: [{ type: 'test.Noted', data: { text: 'x', lang: 'en' } }],
    })
    expect(await kafka.endOffsets('test.counter', 'committed')).toEqual(ends)
  })

  it.each([
    ['throw', 'COMMAND_FAILED'],
    ['misfit', 'EVENT_DOES_NOT_FIT'],
    ['unlisted', 'EVENT_UNKNOWN'],
    ['poison', 'COMMAND_FAILED'],
    ['promise', 'COMMAND_FAILED'],
  ] as const)('say how a command would fail that would %s', async (how, code) => {
    expect(await queries.dryRun(new Misbehave({ id: 'a', how }))).toMatchObject({ kind: 'failed', error: { code } })
  })

  it('decide with the other aggregates of the partition key', async () => {
    expect(await queries.dryRun(new Take({ id: 'h/bob', name: 'h/blue' }))).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'NAME_TAKEN', details: { by: 'h/ann' } },
    })
    expect(await queries.dryRun(new Take({ id: 'h/bob', name: 'h/red' }))).toMatchObject({
      kind: 'events',
      events: [{ data: { by: 'h/bob' } }, { key: 'h/red' }],
      stateAfter: { by: 'h/bob' },
    })
    expect(await queries.show('names', 'h/blue')).toMatchObject({ version: 1, state: { by: 'h/ann' } })
    const foreign = await queries.dryRun(new Take({ id: 'h/bob', name: 'i/red' }))
    expect(foreign).toMatchObject({ kind: 'failed', error: { code: 'COMMAND_FAILED' } })
  })

  it('extension attributes travel as headers, and misfits are refused before anything happens', async () => {
    const [event] = await store.readEvents({ topic: 'test.counter', key: 'a', limit: 1 })
    expect(event?.headers).toMatchObject({ ce_actor: 'ann', ce_tenant: 'north', [HEADERS.version]: '3' })
    const refused = async (extensions: Record<string, string>) => {
      const outcome = await store.execute(new Add({ id: 'a', amount: 1 }), { extensions })
      return outcome.kind === 'failed' ? outcome.error : undefined
    }
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`a${index}`, '']))
    for (const [extensions, why] of [
      [{ Actor: 'x' }, /extensions\.Actor: must be called by/],
      [{ type: 'x' }, /extensions\.type: is an attribute that the envelope writes itself/],
      [{ actor: 'x'.repeat(1_025) }, /extensions\.actor: must not take more than 1024 bytes/],
      [many, /extensions: are 17; 16 are the most/],
    ] as const)
      expect(await refused(extensions)).toMatchObject({ code: 'COMMAND_INVALID', message: expect.stringMatching(why) })
  })

  it('signals tell of claims and commits', () => {
    const claims = signals.filter(({ kind }) => kind === 'claimed')
    expect(claims).toHaveLength(4)
    expect(claims[0]).toMatchObject({ generation: 1, isTakeOver: false })
    const commits = signals.filter((signal) => signal.kind === 'committed')
    expect(commits.map(({ commands, events }) => [commands, events])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 1],
      [1, 2],
    ])
  })
})
