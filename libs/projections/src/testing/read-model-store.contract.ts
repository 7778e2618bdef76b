import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import type { Offset } from '@keyfold/kafka'
import type { Generation, ReadModelStore } from '../read-model-store.ts'
import { CHANGED_ROWS_MAX } from '../scratch.ts'

type Entries = Readonly<Record<string, string>>

/** How the contract reaches into an implementation: its store, and rows of one table `entries` of texts by key. */
export interface ReadModelStoreHarness<Tx, Handle> {
  readonly store: ReadModelStore<Tx, Handle>
  /** Makes the table. */
  readonly setup: (tx: Tx) => void | Promise<void>
  readonly put: (tx: Tx, key: string, value: string) => void | Promise<void>
  readonly entries: (handle: Handle) => Entries | Promise<Entries>
}

/** One statement about every store: run it on a fresh harness. It throws when the statement does not hold. */
export interface ContractCase {
  readonly title: string
  run<Tx, Handle>(harness: ReadModelStoreHarness<Tx, Handle>): Promise<void>
}

export const PROJECTOR = 'balances'
export const PARTITION = { topic: 'account', partition: 0 }
export const OTHER = { topic: 'account', partition: 1 }

/** What a `ReadModelStore` must do, independent of a test runner. */
export const readModelStoreContract: readonly ContractCase[] = [
  {
    title: 'knows a projector from its first claim on, and raises the owner epoch with each',
    async run({ store }) {
      deepEqual(await store.projectors(), [])
      const first = await store.claim(PROJECTOR)
      const second = await store.claim(PROJECTOR)
      equal(second.ownerEpoch, first.ownerEpoch + 1)
      deepEqual(await store.projectors(), [PROJECTOR])
    },
  },
  {
    title: 'remembers whether a projector was started or paused',
    async run({ store }) {
      const model = await store.claim(PROJECTOR)
      deepEqual(await model.record(), { started: false, paused: false, generations: [] })
      await model.setStarted()
      await model.setPaused(true)
      deepEqual(await (await store.claim(PROJECTOR)).record(), { started: true, paused: true, generations: [] })
      await model.setPaused(false)
      equal((await model.record()).paused, false)
    },
  },
  {
    title: 'switches the serving generation at once, and never uses a number twice',
    async run({ store }) {
      const model = await store.claim(PROJECTOR)
      const { generation: first } = await model.createGeneration(1)
      const { generation: second } = await model.createGeneration(2)
      await model.activate(first)
      await model.activate(second)
      const { generations } = await model.record()
      deepEqual(
        generations.map(({ status }) => status),
        ['retired', 'active'],
      )
      deepEqual(
        generations.map(({ version }) => version),
        [1, 2],
      )
      const { generation: third } = await model.createGeneration(2)
      await model.reject(third)
      equal((await model.record()).generations.at(-1)?.status, 'rejected')
      await model.drop(third)
      notEqual((await model.createGeneration(2)).generation, third)
    },
  },
  {
    title: 'drops a generation with its rows, but not the serving one',
    async run(harness) {
      const { store } = harness
      const generation = await opened(harness)
      const model = await store.claim(PROJECTOR)
      await generation.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'a', 5))
      await generation.close()
      const { generation: next } = await model.createGeneration(1)
      await model.activate(next)
      await model.drop(generation.generation)
      deepEqual(
        (await model.record()).generations.map((record) => record.generation),
        [next],
      )
      await rejects(model.drop(next))
      await rejects(model.openGeneration(generation.generation))
    },
  },
  {
    title: 'does not let an owner switch who has been followed by another',
    async run({ store }) {
      const zombie = await store.claim(PROJECTOR)
      const { generation } = await zombie.createGeneration(1)
      await store.claim(PROJECTOR)
      await rejects(zombie.activate(generation), { code: 'CHECKPOINT_FENCED' })
      equal((await zombie.record()).generations[0]?.status, 'building')
    },
  },
  {
    title: 'runs setup once, and again when it failed',
    async run({ store, setup }) {
      const model = await store.claim(PROJECTOR)
      const generation = await model.openGeneration((await model.createGeneration(1)).generation)
      let runs = 0
      await rejects(
        generation.setup(() => {
          runs += 1
          throw new Error('no')
        }),
        /no/,
      )
      for (let attempt = 0; attempt < 2; attempt++)
        await generation.setup((tx) => {
          runs += 1
          return setup(tx)
        })
      equal(runs, 2)
      await generation.close()
    },
  },
  {
    title: 'changes rows and checkpoint together',
    async run(harness) {
      const generation = await opened(harness)
      equal(await generation.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'a', 5)), 5)
      deepEqual(await harness.entries(generation.handle), { a: 'a' })
      equal(await generation.position(PARTITION), 5)
      equal(await generation.position(OTHER), 0)
      await generation.close()
      const reopened = await (await harness.store.claim(PROJECTOR)).openGeneration(generation.generation)
      equal((await reopened.claim([PARTITION]))[0]?.position, 5)
      deepEqual(await harness.entries(reopened.handle), { a: 'a' })
      await reopened.close()
    },
  },
  {
    title: 'changes neither when the work fails, at once or later',
    async run(harness) {
      const generation = await opened(harness)
      const from = { ...PARTITION, position: 0 }
      const failing = (tx: Parameters<typeof harness.put>[0]): never => {
        Promise.resolve(harness.put(tx, 'a', 'a')).catch(() => {})
        throw new Error('broken')
      }
      await rejects(generation.write(from, failing), /broken/)
      await rejects(
        generation.write(from, async (tx) => {
          await Promise.resolve()
          return failing(tx)
        }),
        /broken/,
      )
      deepEqual(await harness.entries(generation.handle), {})
      equal(await generation.position(PARTITION), 0)
      await generation.close()
    },
  },
  {
    title: 'refuses a write from a position that is not the stored one, and keeps none of it',
    async run(harness) {
      const generation = await opened(harness)
      await generation.write({ ...PARTITION, position: 0 }, () => 5)
      const repeated = generation.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'a', 5))
      await rejects(repeated, { code: 'CHECKPOINT_FENCED' })
      deepEqual(await harness.entries(generation.handle), {})
      equal(await generation.position(PARTITION), 5)
      await generation.close()
    },
  },
  {
    title: 'fences an earlier owner as soon as a later one has claimed, and not the other way round',
    async run(harness) {
      const zombie = await opened(harness)
      const model = await harness.store.claim(PROJECTOR)
      const owner = await model.openGeneration(zombie.generation)
      await owner.claim([PARTITION])
      const late = zombie.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'zombie', 1))
      await rejects(late, { code: 'CHECKPOINT_FENCED' })
      await rejects(zombie.claim([PARTITION]), { code: 'CHECKPOINT_FENCED' })
      await owner.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'owner', 1))
      deepEqual(await harness.entries(owner.handle), { owner: 'owner' })
      await zombie.close()
      await owner.close()
    },
  },
  {
    title: 'keeps concurrent writes apart',
    async run(harness) {
      const generation = await opened(harness)
      const slow = generation.write({ ...PARTITION, position: 0 }, async (tx) => {
        await harness.put(tx, 'slow', 'half')
        await new Promise((resolve) => setTimeout(resolve, 5))
        throw new Error('taken back')
      })
      const quick = generation.write({ ...OTHER, position: 0 }, (tx) => putting(harness, tx, 'quick', 1))
      await rejects(slow, /taken back/)
      await quick
      deepEqual(await harness.entries(generation.handle), { quick: 'quick' })
      await generation.close()
    },
  },
  {
    title: 'parks events and takes them off the list together with the checkpoint',
    async run(harness) {
      const generation = await opened(harness)
      const event = { ...PARTITION, offset: 3, key: "o'k\n", type: null, error: 'no', attempts: 0, parkedAtMs: 1_000 }
      const behind = { ...event, offset: 4, type: 'test.Deposited', error: null }
      await generation.write({ ...PARTITION, position: 0 }, () => ({ position: 4, park: [event] }))
      const from = { ...PARTITION, position: 4 }
      const broken = generation.write(from, () => Promise.reject(new Error('broken')))
      await rejects(broken, /broken/)
      await rejects(generation.write({ ...from, position: 1 }, () => ({ position: 9, unpark: [3] })))
      await generation.write(from, () => ({ position: 5, park: [{ ...event, attempts: 2, error: 'again' }, behind] }))
      deepEqual(await generation.parked(), [{ ...event, attempts: 2, error: 'again' }, behind])
      await generation.write({ ...from, position: 5 }, () => ({ position: 5, unpark: [3] }))
      await generation.close()
      const reopened = await (await harness.store.claim(PROJECTOR)).openGeneration(generation.generation)
      deepEqual(await reopened.parked(), [behind])
      await reopened.close()
    },
  },
  {
    title: 'gives one handle that follows the serving generation',
    async run(harness) {
      const first = await opened(harness)
      const second = await opened(harness)
      await first.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'first', 1))
      await second.write({ ...PARTITION, position: 0 }, (tx) => putting(harness, tx, 'second', 1))
      let serving = first
      const handle = harness.store.handle(() => serving)
      deepEqual(await harness.entries(handle), { first: 'first' })
      serving = second
      deepEqual(await harness.entries(handle), { second: 'second' })
      await first.close()
      await second.close()
    },
  },
  {
    title: 'digests rows whatever their order, and tells different rows apart',
    async run(harness) {
      const digests: unknown[] = []
      for (const keys of [
        ['a', 'b'],
        ['b', 'a'],
        ['a', 'c'],
      ]) {
        const generation = await opened(harness)
        for (const [index, key] of keys.entries())
          await generation.write({ ...PARTITION, position: index }, (tx) => putting(harness, tx, key, index + 1))
        const tables = await generation.tables()
        deepEqual(
          tables.map(({ name, rows }) => [name, rows]),
          [['entries', 2]],
        )
        digests.push(tables[0]?.checksum)
        await generation.flush()
        await generation.close()
      }
      equal(digests[0], digests[1])
      notEqual(digests[0], digests[2])
    },
  },
  {
    title: 'tries work on scratch rows, tells what became of each row, and keeps none of it',
    async run(harness) {
      const { store, setup, put } = harness
      equal(store.scratch !== undefined, store.supports.scratch)
      const generation = await opened(harness)
      const told = await store.scratch?.(PROJECTOR, async (scratch) => {
        await scratch.run(setup)
        await scratch.run((tx) => put(tx, 'a', 'old'))
        const broken = scratch.watch(async (tx) => {
          await put(tx, 'a', 'lost')
          throw new Error('broken')
        })
        await rejects(broken, /broken/)
        const steps = [
          ['a', 'new'],
          ['b', 'first'],
          ['a', 'new'],
        ] as const
        const changes = []
        for (const [key, value] of steps) changes.push(await scratch.watch((tx) => put(tx, key, value)))
        return changes
      })
      const row = (key: string, value: string): Entries => ({ key, value })
      const changed = { table: 'entries', key: { key: 'a' }, before: row('a', 'old'), after: row('a', 'new') }
      const made = { table: 'entries', key: { key: 'b' }, before: null, after: row('b', 'first') }
      const expected = [[changed], [made], []].map((rows) => ({ rows, omitted: 0 }))
      deepEqual(told, store.supports.scratch ? expected : undefined)
      deepEqual(await harness.entries(generation.handle), {})
      await generation.close()
    },
  },
  {
    title: 'counts what a transaction on scratch rows changes beyond what it tells',
    async run({ store, setup, put }) {
      const told = await store.scratch?.(PROJECTOR, async (scratch) => {
        await scratch.run(setup)
        return await scratch.watch(async (tx) => {
          for (let index = 0; index < CHANGED_ROWS_MAX + 3; index++) await put(tx, String(index), 'x')
        })
      })
      const expected = store.supports.scratch ? [CHANGED_ROWS_MAX, 3] : [undefined, undefined]
      deepEqual([told?.rows.length, told?.omitted], expected)
    },
  },
]

/** A generation of a new owner, set up, with both partitions claimed. */
export async function opened<Tx, Handle>({
  store,
  setup,
}: ReadModelStoreHarness<Tx, Handle>): Promise<Generation<Tx, Handle>> {
  const model = await store.claim(PROJECTOR)
  const generation = await model.openGeneration((await model.createGeneration(1)).generation)
  await generation.setup(setup)
  await generation.claim([PARTITION, OTHER])
  return generation
}

/** The work of a transaction: one row, and where the checkpoint goes. */
export function putting<Tx, Handle>(
  harness: ReadModelStoreHarness<Tx, Handle>,
  tx: Tx,
  key: string,
  position: Offset,
): Offset | Promise<Offset> {
  const put = harness.put(tx, key, key)
  return put instanceof Promise ? put.then(() => position) : position
}
