import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { Generation, ReadModel, ReadModelStore, TopicPartition } from '../read-model-store.ts'
import type { Progress } from '../rebuild/progress.ts'
import { activeOf, type SharedReadModel, type Sight } from '../sharing/shared-read-model.ts'
import {
  type ContractCase,
  opened,
  OTHER,
  PARTITION,
  PROJECTOR,
  putting,
  type ReadModelStoreHarness,
} from './read-model-store.contract.ts'

/** Longer than any run of these. */
const LONG_MS = 60_000

/** What a `ReadModelStore` must do that says `supports.sharing`, independent of a test runner. */
export const sharedReadModelContract: readonly ContractCase[] = [
  {
    title: 'shows nothing of a projector that nobody has claimed, and lets nobody enter it',
    async run({ store }) {
      const shared = sharedOf(store)
      deepEqual([await shared.look(), await shared.enter()], [undefined, undefined])
    },
  },
  {
    title: 'shows what one process has done to all of them, of the serving generation only',
    async run(harness) {
      const { store } = harness
      const serving = await opened(harness)
      const building = await opened(harness)
      const model = await store.claim(PROJECTOR)
      await model.activate(serving.generation)
      await model.setStarted()
      const event = { ...PARTITION, offset: 3, key: 'k', type: null, error: 'no', attempts: 1, parkedAtMs: 1 }
      await serving.write({ ...PARTITION, position: 0 }, () => ({ position: 4, park: [event] }))
      await building.write({ ...PARTITION, position: 0 }, () => 9)
      await sharedOf(store).setHalted(serving.generation, OTHER, 'it is broken')
      await sharedOf(store).setHalted(building.generation, PARTITION, 'this one, too')
      const sight = await seen(sharedOf(store))
      equal(activeOf(sight)?.generation, serving.generation)
      deepEqual({ ...sight.record, generations: [] }, { started: true, paused: false, generations: [] })
      deepEqual([sight.leader, sight.rebuild], [undefined, undefined])
      deepEqual(sight.partitions, [
        { ...PARTITION, position: 4, parked: 1, halted: undefined },
        { ...OTHER, position: 0, parked: 0, halted: 'it is broken' },
      ])
    },
  },
  {
    title: 'gives everybody who enters a higher owner epoch than all before',
    async run({ store }) {
      const { ownerEpoch: claimed } = await store.claim(PROJECTOR)
      const entered = await Promise.all(Array.from({ length: 4 }, () => entering(sharedOf(store))))
      const epochs = entered.map(({ ownerEpoch }) => ownerEpoch).toSorted((left, right) => left - right)
      equal(new Set(epochs).size, epochs.length)
      ok((epochs[0] ?? 0) > claimed)
      ok((await store.claim(PROJECTOR)).ownerEpoch > (epochs.at(-1) ?? 0))
    },
  },
  {
    title: 'lets two write side by side, each its own partition',
    async run(harness) {
      const { generation } = await opened(harness)
      const one = await tenure(harness.store, generation, PARTITION)
      const two = await tenure(harness.store, generation, OTHER)
      await two.write({ ...OTHER, position: 0 }, (tx) => putting(harness, tx, 'two', 1))
      await one.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'one', 1))
      await two.write({ ...OTHER, position: 1 }, () => 2)
      deepEqual(await harness.entries(one.handle), { one: 'one', two: 'two' })
    },
  },
  {
    title: 'refuses whoever had a partition as soon as the next one has taken it over, where it had got to',
    async run(harness) {
      const { generation } = await opened(harness)
      const before = await tenure(harness.store, generation, PARTITION)
      await before.write({ ...PARTITION, position: 0 }, () => 5)
      const after = await (await entering(sharedOf(harness.store))).openGeneration(generation)
      deepEqual(await after.claim([PARTITION]), [{ ...PARTITION, position: 5 }])
      const late = before.write({ ...PARTITION, position: 5 }, (tx) => putting(harness, tx, 'late', 6))
      await rejects(late, { code: 'CHECKPOINT_FENCED' })
      await rejects(before.claim([PARTITION]), { code: 'CHECKPOINT_FENCED' })
      equal(await after.write({ ...PARTITION, position: 5 }, (tx) => putting(harness, tx, 'next', 6)), 6)
      deepEqual(await harness.entries(after.handle), { next: 'next' })
    },
  },
  {
    title: 'lets nobody enter while somebody leads or the projector is paused',
    async run({ store }) {
      const model = await store.claim(PROJECTOR)
      const shared = sharedOf(store)
      equal(await shared.lead('one', LONG_MS), true)
      equal((await seen(shared)).leader, 'one')
      equal(await shared.enter(), undefined)
      await shared.resign('one')
      await model.setPaused(true)
      equal(await shared.enter(), undefined)
      equal((await seen(shared)).record.paused, true)
      await model.setPaused(false)
      await entering(shared)
    },
  },
  {
    title: 'has one who leads, until it resigns itself or its time is over',
    async run({ store }) {
      await store.claim(PROJECTOR)
      const shared = sharedOf(store)
      const leaders = await Promise.all(['one', 'two', 'three'].map((name) => sharedOf(store).lead(name, LONG_MS)))
      equal(leaders.filter(Boolean).length, 1)
      const leader = String((await seen(shared)).leader)
      const other = leader === 'one' ? 'two' : 'one'
      await shared.resign(other)
      deepEqual([await shared.lead(other, LONG_MS), await shared.lead(leader, 1)], [false, true])
      while (!(await shared.lead(other, LONG_MS))) await shared.look()
      deepEqual([await shared.lead(leader, LONG_MS), (await seen(shared)).leader], [false, other])
      await shared.resign(leader)
      equal((await seen(shared)).leader, other)
      await shared.resign(other)
      equal((await seen(shared)).leader, undefined)
    },
  },
  {
    title: 'refuses those who had entered as soon as whoever leads has claimed, also the switch of one who led before',
    async run(harness) {
      const { store } = harness
      const { generation } = await opened(harness)
      const member = await tenure(store, generation, PARTITION)
      const shared = sharedOf(store)
      await shared.lead('slow', 1)
      const slow = await store.claim(PROJECTOR)
      while (!(await shared.lead('next', LONG_MS))) await shared.look()
      const next = await store.claim(PROJECTOR)
      const taken = await next.openGeneration(generation)
      await taken.claim([PARTITION, OTHER])
      await rejects(
        member.write({ ...PARTITION, position: 0 }, () => 1),
        { code: 'CHECKPOINT_FENCED' },
      )
      await rejects(slow.activate(generation), { code: 'CHECKPOINT_FENCED' })
      await slow.reject(generation)
      equal((await next.record()).generations[0]?.status, 'building')
      await next.activate(generation)
    },
  },
  {
    title: 'forgets what had halted when somebody leads',
    async run(harness) {
      const { generation } = await served(harness)
      const shared = sharedOf(harness.store)
      await shared.setHalted(generation, PARTITION, 'once')
      await shared.setHalted(generation, PARTITION, 'twice')
      equal((await seen(shared)).partitions[0]?.halted, 'twice')
      await shared.lead('one', LONG_MS)
      equal((await seen(shared)).partitions[0]?.halted, undefined)
    },
  },
  {
    title: 'opens a generation for queries that can write nothing',
    async run(harness) {
      const generation = await served(harness)
      await generation.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'a', 1))
      const shared = sharedOf(harness.store)
      const [record] = (await seen(shared)).record.generations
      if (record === undefined) throw new TypeError('there is a generation')
      const reader = shared.openForQueries(record)
      deepEqual(await harness.entries(reader.handle), { a: 'a' })
      const writing = reader.write({ ...PARTITION, position: 1 }, (tx) => putting(harness, tx, 'b', 2))
      await rejects(writing, { code: 'CHECKPOINT_FENCED' })
      deepEqual(await harness.entries(reader.handle), { a: 'a' })
    },
  },
  {
    title: 'shows a rebuild for as long as the one who shows it leads',
    async run({ store }) {
      await store.claim(PROJECTOR)
      const shared = sharedOf(store)
      await shared.showRebuild('one', progressOf(2, 1))
      await shared.lead('one', LONG_MS)
      equal((await seen(shared)).rebuild, undefined)
      await shared.showRebuild('one', progressOf(2, 1))
      await shared.showRebuild('two', progressOf(3, 7))
      await shared.showRebuild('one', progressOf(2, 5))
      deepEqual((await seen(shared)).rebuild, { progress: progressOf(2, 5), asked: undefined })
      await shared.resign('two')
      equal((await seen(shared)).rebuild?.progress.done, 5)
      await shared.resign('one')
      await shared.lead('one', LONG_MS)
      equal((await seen(shared)).rebuild, undefined)
    },
  },
  {
    title: 'passes on one order at a time to whoever rebuilds, and none to the next rebuild',
    async run({ store }) {
      await store.claim(PROJECTOR)
      const shared = sharedOf(store)
      equal(await shared.askForRebuild(2, 'swap'), false)
      await shared.lead('one', LONG_MS)
      await shared.showRebuild('one', progressOf(2, 1))
      equal(await shared.askForRebuild(1, 'swap'), false)
      deepEqual([await shared.askForRebuild(2, 'swap'), await shared.askForRebuild(2, 'swap')], [true, true])
      equal(await shared.askForRebuild(2, 'cancel'), false)
      await shared.showRebuild('one', progressOf(2, 3))
      equal((await seen(shared)).rebuild?.asked, 'swap')
      await shared.answered('two')
      equal((await seen(shared)).rebuild?.asked, 'swap')
      await shared.answered('one')
      equal((await seen(shared)).rebuild?.asked, undefined)
      equal(await shared.askForRebuild(2, 'cancel'), true)
      await shared.showRebuild('one', progressOf(3, 0))
      equal((await seen(shared)).rebuild?.asked, undefined)
    },
  },
]

/** A handle on the projector as another process would have it. */
function sharedOf<Tx, Handle>(store: ReadModelStore<Tx, Handle>): SharedReadModel<Tx, Handle> {
  const shared = store.share?.(PROJECTOR)
  if (shared === undefined) throw new TypeError('a store that supports sharing has share()')
  return shared
}

async function seen(shared: SharedReadModel): Promise<Sight> {
  const sight = await shared.look()
  if (sight === undefined) throw new TypeError('nobody has claimed the projector')
  return sight
}

async function entering<Tx, Handle>(shared: SharedReadModel<Tx, Handle>): Promise<ReadModel<Tx, Handle>> {
  const entered = await shared.enter()
  if (entered === undefined) throw new TypeError('nobody leads and nothing is paused, and still nobody can enter')
  return entered
}

/** What a member works with that has just got a partition. */
async function tenure<Tx, Handle>(
  store: ReadModelStore<Tx, Handle>,
  number: number,
  partition: TopicPartition,
): Promise<Generation<Tx, Handle>> {
  const generation = await (await entering(sharedOf(store))).openGeneration(number)
  await generation.claim([partition])
  return generation
}

/** A generation that serves. */
async function served<Tx, Handle>(harness: ReadModelStoreHarness<Tx, Handle>): Promise<Generation<Tx, Handle>> {
  const generation = await opened(harness)
  await (await harness.store.claim(PROJECTOR)).activate(generation.generation)
  return generation
}

function progressOf(generation: number, done: number): Progress {
  const partitions = [{ ...PARTITION, done, total: 9 }]
  const rates = { eventsPerSecond: 3, etaSeconds: 1.5 }
  return { projector: PROJECTOR, generation, phase: 'replaying', done, total: 9, events: done, ...rates, partitions }
}
