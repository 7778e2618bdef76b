import type { ChildProcess } from 'node:child_process'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PostgresReader, ProgressPhase, Projections } from '../index.ts'
import { findPostgres } from '../testdata/postgres-server.ts'
import { sharedBalances } from '../testdata/shared-balances.ts'
import { PARTITIONS, said, SharingWorld } from '../testdata/sharing-world.ts'
import { projectorsGroup } from './sharing-options.ts'

const topic = 'shared'
const patience = { timeout: 60_000, interval: 20 }
const timeout = 90_000

describe.skipIf(findPostgres() === undefined)('processes that share a projector (skipped without PostgreSQL)', () => {
  let world: SharingWorld
  /** Up; those that have started are in `members`. */
  let spare: ChildProcess[] = []
  const members: ChildProcess[] = []
  let onlooker: Projections
  let written = 0

  beforeAll(async () => {
    world = await SharingWorld.start()
    await world.kafka.ensureTopics([{ name: topic, partitions: PARTITIONS }])
    await deposit(8)
    const names = Array.from({ length: 4 }, (_, index) => `i${index + 1}`)
    const up = names.map((name) => world.startProcess(topic, name))
    const watching = { application: 'test', instanceId: 'onlooker', role: 'api' as const }
    onlooker = await world.open(watching, { projectors: [sharedBalances(topic)] })
    spare = await Promise.all(up)
    await join()
  }, 60_000)

  afterAll(() => world?.close())

  it('divide the partitions as they come, and any of them can wait and tell of all', { timeout }, async () => {
    await join()
    await shares([3, 3])
    await join()
    await shares([2, 2, 2])
    await expectAllOnce()
    const [status] = onlooker.status()
    expect(status).toMatchObject({ state: 'live', error: undefined })
    expect(status?.partitions.map(({ partition, lag }) => [partition, lag])).toEqual(
      Array.from({ length: PARTITIONS }, (_, partition) => [partition, expect.any(Number)]),
    )
  })

  it('go on when one is killed, with nothing lost and nothing twice', { timeout }, async () => {
    const writing = deposit(8)
    members.pop()?.kill('SIGKILL')
    await writing
    await expectAllOnce()
    await shares([3, 3])
  })

  it('refuse what one writes that stood still past its session', { timeout }, async () => {
    const writing = deposit(8)
    const [frozen] = members
    frozen?.kill('SIGSTOP')
    await writing
    await shares([6])
    await expectAllOnce()
    frozen?.kill('SIGCONT')
    await shares([3, 3])
    await expectAllOnce()
  })

  it('are rebuilt by one while the others come and go', { timeout }, async () => {
    const before = onlooker.status()[0]?.generation
    const building = onlooker.rebuild('balances')
    const writing = deposit(8)
    await join()
    const report = await building
    await writing
    expect(report.verified.equal).toBe(true)
    await expectAllOnce()
    await vi.waitUntil(() => onlooker.status()[0]?.generation !== before, patience)
    await shares([2, 2, 2])
  })

  it('end the rebuild of one that was killed in the middle of it', { timeout }, async () => {
    const before = onlooker.status()[0]?.generation
    const [builder] = members.splice(0, 1)
    if (builder === undefined) throw new TypeError('there are members')
    builder.send('rebuild')
    await said(builder, 'building')
    builder.kill('SIGKILL')
    await vi.waitUntil(() => onlooker.status()[0]?.generation !== before, patience)
    await expectAllOnce()
    await shares([3, 3])
  })

  it('are paused and resumed by any of them', { timeout }, async () => {
    await onlooker.pause('balances')
    expect(onlooker.status()[0]?.state).toBe('paused')
    const rows = await count()
    const position = await deposit(1)
    expect(await onlooker.waitFor('balances', position, { deadlineMs: 300 })).toBe('timeout')
    expect(await count()).toBe(rows)
    await onlooker.resume('balances')
    await expectAllOnce()
  })

  it('see what has halted elsewhere, and start it again', { timeout }, async () => {
    const name = 'halting'
    const { broken, worker, reader } = await fragile(name, 'halt')
    await vi.waitUntil(() => reader.status()[0]?.state === 'failed', patience)
    expect(String(reader.status()[0]?.error)).toContain('not yet')
    broken.is = false
    await reader.startProjector(name)
    expect(reader.status()[0]).toMatchObject({ state: 'live', error: undefined })
    await expectApplied(name, worker, reader)
  })

  it('free parked events from any process, and no key is passed over', { timeout }, async () => {
    const name = 'parking'
    const { broken, worker, reader } = await fragile(name, 'park-key')
    await vi.waitUntil(async () => (await reader.parked(name)).length > 0, patience)
    await worker.caughtUp(name)
    await vi.waitUntil(() => reader.status()[0]?.partitions.every(({ lag }) => lag === 0), patience)
    expect(reader.status()[0]?.partitions.every(({ parked }) => parked > 0)).toBe(true)
    broken.is = false
    expect(await reader.retryParked(name)).toMatchObject({ left: 0, errors: [] })
    await expectApplied(name, worker, reader)
  })

  it('see how far a rebuild is that another one leads, and can end it or let it serve', { timeout }, async () => {
    const name = 'led'
    const { worker: leader, reader: other, phases } = await fragile(name, 'halt', { isBroken: false })
    const stateOf = (projections: Projections) => projections.status()[0]
    await expect(other.swap(name)).rejects.toMatchObject({ code: 'REBUILD_MISSING' })
    const given = expect(leader.rebuild(name, { switch: 'manual' })).rejects.toMatchObject({
      code: 'PROJECTIONS_CLOSED',
    })
    await vi.waitUntil(() => stateOf(other)?.rebuild?.phase === 'ready', patience)
    expect(stateOf(other)).toMatchObject({ state: 'rebuilding', generation: 1 })
    await expect(other.pause(name)).rejects.toThrow(/the process worker has projector led as a whole/)
    await other.cancelRebuild(name)
    await given
    expect(stateOf(other)).toMatchObject({ generation: 1, rebuild: undefined })
    await expect(other.cancelRebuild(name)).rejects.toMatchObject({ code: 'REBUILD_MISSING' })
    const [report, second] = [leader.rebuild(name, { switch: 'manual' }), leader.rebuild(name)]
    await expect(second).rejects.toMatchObject({ code: 'PROJECTOR_LED' })
    await vi.waitUntil(() => stateOf(other)?.rebuild?.phase === 'ready', patience)
    await deposit(1, name)
    await other.swap(name)
    expect(await report).toMatchObject({ generation: 3, verified: { equal: true } })
    expect(stateOf(other)).toMatchObject({ generation: 3 })
    expect(phases).toContain('ready')
    await expectApplied(name, leader, other, 4)
  })

  it('show nothing older than what was waited for, also before they have noticed a switch', { timeout }, async () => {
    const name = 'noticing'
    // The worker looks when it has to.
    const { worker, reader } = await fragile(name, 'halt', { isBroken: false, lookEveryMs: 60_000 })
    await worker.caughtUp(name)
    await reader.rebuild(name)
    const last = await deposit(1, name)
    expect(await reader.waitFor(name, last, { deadlineMs: 30_000 })).toBe('visible')
    expect(await worker.waitFor(name, last, { deadlineMs: 30_000 })).toBe('visible')
    const [sql, place] = ['SELECT place FROM audit WHERE place = $1', `${last.partition}/${last.offset}`]
    expect(await worker.read<PostgresReader>(name).get(sql, place)).toEqual({ place })
  })

  it('go on by themselves when Kafka was away', { timeout }, async () => {
    const name = 'waiting'
    const { worker, reader } = await fragile(name, 'halt', { isBroken: false })
    await Promise.all([worker, reader].map((each) => each.caughtUp(name)))
    const lost = new KeyfoldError('KAFKA_UNREACHABLE', { retriable: true, fix: 'wait' }, 'connection lost')
    const asked = vi.spyOn(world.kafka, 'endOffsets').mockRejectedValue(lost)
    await vi.waitUntil(() => asked.mock.calls.length > 5, patience)
    asked.mockRestore()
    expect([worker, reader].map((each) => each.status()[0]?.state)).toEqual(['live', 'live'])
    await expectApplied(name, worker, reader)
  })

  /** A worker and a process that only reads, with a projector whose handler throws for as long as `broken` says. */
  async function fragile(
    name: string,
    onError: 'halt' | 'park-key',
    { isBroken = true, lookEveryMs = 50 }: { readonly isBroken?: boolean; readonly lookEveryMs?: number } = {},
  ) {
    const broken = { is: isBroken }
    const phases: ProgressPhase[] = []
    await world.kafka.ensureTopics([{ name, partitions: PARTITIONS }])
    await deposit(2, name)
    const projectors = [sharedBalances(name, { name, onError, isBroken: () => broken.is })]
    const as = (role: 'worker' | 'api') => ({ application: name, instanceId: role, role })
    const worker = await world.open({ ...as('worker'), lookEveryMs }, { projectors })
    const reader = await world.open(as('api'), { projectors }, ({ phase }) => phases.push(phase))
    return { broken, worker, reader, phases }
  }

  async function expectApplied(name: string, worker: Projections, reader: Projections, rounds = 3): Promise<void> {
    const last = await deposit(1, name)
    expect(await worker.waitFor(name, last, { deadlineMs: 30_000 })).toBe('visible')
    await reader.caughtUp(name)
    expect(await placesOf(reader, name)).toEqual({ rows: rounds * PARTITIONS, places: rounds * PARTITIONS })
  }

  async function placesOf(projections: Projections, name: string): Promise<object | undefined> {
    const sql = 'SELECT count(*)::integer AS rows, count(DISTINCT place)::integer AS places FROM audit'
    return await projections.read<PostgresReader>(name).get(sql)
  }

  /** One more of the processes that are up starts. */
  async function join(): Promise<void> {
    const [next] = spare.splice(0, 1)
    if (next === undefined) throw new TypeError('as many processes are up as the tests want')
    const ready = said(next, 'ready')
    next.send('start')
    await ready
    members.push(next)
  }

  async function deposit(rounds: number, to = topic) {
    const last = await world.deposit(to, rounds)
    if (to === topic) written += rounds
    return last
  }

  /** Waits for all that was written, on a process that applies nothing, and compares the rows with the log. */
  async function expectAllOnce(): Promise<void> {
    const last = await deposit(1)
    expect(await onlooker.waitFor('balances', last, { deadlineMs: 60_000 })).toBe('visible')
    await vi.waitUntil(async () => (await count()) >= written * PARTITIONS, patience)
    const sql =
      'SELECT account, count(*)::integer AS events, count(DISTINCT place)::integer AS places FROM audit GROUP BY 1 ORDER BY 1'
    expect(await onlooker.read<PostgresReader>('balances').all(sql)).toEqual(
      Array.from({ length: PARTITIONS }, (_, at) => ({ account: `account-${at}`, events: written, places: written })),
    )
  }

  async function count(): Promise<number> {
    const sql = 'SELECT count(*)::integer AS rows FROM audit'
    return (await onlooker.read<PostgresReader>('balances').get<{ rows: number }>(sql))?.rows ?? 0
  }

  async function shares(expected: readonly number[]): Promise<void> {
    const groupId = projectorsGroup('test', 'balances', 1)
    await vi.waitUntil(async () => {
      const seen = (await world.kafka.groups?.members(groupId)) ?? []
      const counts = seen.map(({ partitions }) => partitions.length).sort((left, right) => left - right)
      return JSON.stringify(counts) === JSON.stringify(expected)
    }, patience)
  }
})
