import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectKafka, type KafkaClient, type TransactionalProducer } from '@keyfold/kafka'
import { startTestBroker, type TestBroker } from '@keyfold/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openProjections, type PostgresReader, PostgresReadModelStore, type Projections } from '../index.ts'
import { codec, Deposited, stored } from '../testdata/ledger.ts'
import { findPostgres, type PostgresServer, startPostgres } from '../testdata/postgres-server.ts'
import { sharedBalances } from '../testdata/shared-balances.ts'
import { projectorsGroup } from './sharing-options.ts'

const PARTITIONS = 6
const topic = 'shared'
const quick = { sessionTimeoutMs: 2_000, heartbeatIntervalMs: 100, lookEveryMs: 50 }
const patience = { timeout: 60_000, interval: 20 }
const program = fileURLToPath(new URL('../testdata/sharing-process.ts', import.meta.url))

describe.skipIf(findPostgres() === undefined)('processes that share a projector (skipped without PostgreSQL)', () => {
  const children: ChildProcess[] = []
  const producers: TransactionalProducer[] = []
  let server: PostgresServer
  let broker: TestBroker
  let kafka: KafkaClient
  let onlooker: Projections
  let written = 0
  let instances = 0
  let databases = 0
  const opened: Projections[] = []

  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' })
    broker = await startTestBroker({ 'group.min.session.timeout.ms': 500, 'group.initial.rebalance.delay.ms': 0 })
    kafka = await connectKafka({ brokers: [broker.address], clientId: 'onlooker' })
    await kafka.ensureTopics([{ name: topic, partitions: PARTITIONS }])
    for (let partition = 0; partition < PARTITIONS; partition++)
      producers.push(
        await kafka.openTransactionalProducer({ transactionalId: `w${partition}`, transactionTimeoutMs: 30_000 }),
      )
    await deposit()
    await startProcess()
    onlooker = await openProjections({
      kafka,
      codec,
      projectors: [sharedBalances(topic)],
      stores: { postgres: new PostgresReadModelStore({ connection: server.connection }) },
      sharing: { application: 'test', instanceId: 'onlooker', role: 'api', lookEveryMs: 50 },
    })
    await onlooker.start()
  }, 60_000)

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await onlooker?.close()
    for (const projections of opened) await projections.close()
    for (const producer of producers) await producer.close()
    await kafka?.close()
    await broker?.close()
    await server?.destroy()
  })

  it('divide the partitions as they come, and any of them can wait and tell of all', { timeout: 90_000 }, async () => {
    await startProcess()
    await shares([3, 3])
    await startProcess()
    await shares([2, 2, 2])
    await expectAllOnce()
    const [status] = onlooker.status()
    expect(status).toMatchObject({ state: 'live', error: undefined })
    expect(status?.partitions.map(({ partition, lag }) => [partition, lag])).toEqual(
      Array.from({ length: PARTITIONS }, (_, partition) => [partition, expect.any(Number)]),
    )
  })

  it('go on when one is killed, with nothing lost and nothing twice', { timeout: 90_000 }, async () => {
    const writing = deposit()
    const victim = children.pop()
    victim?.kill('SIGKILL')
    await writing
    await expectAllOnce()
    await shares([3, 3])
  })

  it('refuse what one writes that stood still past its session', { timeout: 90_000 }, async () => {
    const writing = deposit()
    const [frozen] = children
    frozen?.kill('SIGSTOP')
    await writing
    await shares([6])
    await expectAllOnce()
    frozen?.kill('SIGCONT')
    await shares([3, 3])
    await expectAllOnce()
  })

  it('are rebuilt by one while the others come and go', { timeout: 90_000 }, async () => {
    const before = onlooker.status()[0]?.generation
    const building = onlooker.rebuild('balances')
    const writing = deposit()
    await startProcess()
    const report = await building
    await writing
    expect(report.verified.equal).toBe(true)
    await expectAllOnce()
    await vi.waitUntil(() => onlooker.status()[0]?.generation !== before, patience)
    await shares([2, 2, 2])
  })

  it('end the rebuild of one that was killed in the middle of it', { timeout: 90_000 }, async () => {
    const before = onlooker.status()[0]?.generation
    const [builder] = children.splice(0, 1)
    builder?.kill('SIGUSR2')
    const [said] = (await once(builder?.stdout ?? process.stdin, 'data')) as [unknown]
    expect(String(said)).toContain('building')
    builder?.kill('SIGKILL')
    await vi.waitUntil(() => onlooker.status()[0]?.generation !== before, patience)
    await expectAllOnce()
    await shares([3, 3])
  })

  it('are paused and resumed by any of them', { timeout: 90_000 }, async () => {
    await onlooker.pause('balances')
    expect(onlooker.status()[0]?.state).toBe('paused')
    const rows = await count()
    const position = await deposit()
    expect(await onlooker.waitFor('balances', position, { deadlineMs: 300 })).toBe('timeout')
    expect(await count()).toBe(rows)
    await onlooker.resume('balances')
    await expectAllOnce()
  })

  it('see what has halted elsewhere, and start it again', { timeout: 60_000 }, async () => {
    const { own, broken, worker, reader } = await fragile('halt')
    await vi.waitUntil(() => reader.status()[0]?.state === 'failed', patience)
    expect(String(reader.status()[0]?.error)).toContain('not yet')
    broken.is = false
    await reader.startProjector('fragile')
    expect(reader.status()[0]).toMatchObject({ state: 'live', error: undefined })
    await expectApplied(own, worker, reader)
  })

  it('free parked events from any process, and no key is passed over', { timeout: 60_000 }, async () => {
    const { own, broken, worker, reader } = await fragile('park-key')
    await vi.waitUntil(async () => (await reader.parked('fragile')).length > 0, patience)
    await worker.caughtUp('fragile')
    await vi.waitUntil(() => reader.status()[0]?.partitions.every(({ lag }) => lag === 0), patience)
    expect(reader.status()[0]?.partitions.every(({ parked }) => parked > 0)).toBe(true)
    broken.is = false
    expect(await reader.retryParked('fragile')).toMatchObject({ left: 0, errors: [] })
    await expectApplied(own, worker, reader)
  })

  it('enter only while nobody leads, and lose a lead by its time', { timeout: 60_000 }, async () => {
    const store = new PostgresReadModelStore({ connection: { ...server.connection, database: await newDatabase() } })
    await store.open()
    await store.claim('p')
    const shared = store.share('p')
    const first = await shared.enter()
    expect(await shared.lead('one', 60_000)).toBe(true)
    expect([await shared.enter(), await shared.lead('two', 60_000)]).toEqual([undefined, false])
    expect(await shared.lead('one', 1)).toBe(true)
    await vi.waitUntil(() => shared.lead('two', 60_000), patience)
    expect(await shared.lead('one', 60_000)).toBe(false)
    await shared.resign('one')
    expect(await shared.enter()).toBe(undefined)
    await shared.resign('two')
    expect((await shared.enter())?.ownerEpoch).toBeGreaterThan(first?.ownerEpoch ?? 0)
    await store.close()
  })

  /** A worker and a process that only reads, with a projector whose handler throws for as long as `broken` says. */
  async function fragile(onError: 'halt' | 'park-key') {
    const broken = { is: true }
    const connection = { ...server.connection, database: await newDatabase() }
    const own = connection.database
    await kafka.ensureTopics([{ name: own, partitions: PARTITIONS }])
    await deposit(own, 2)
    const descriptor = sharedBalances(own, { name: 'fragile', onError, isBroken: () => broken.is })
    const open = async (role: 'worker' | 'api'): Promise<Projections> => {
      const projections = await openProjections({
        kafka,
        codec,
        projectors: [descriptor],
        stores: { postgres: new PostgresReadModelStore({ connection }) },
        retry: { batchAttempts: 1, eventAttempts: 1, firstDelayMs: 1, delayMsMax: 20 },
        sharing: { application: own, instanceId: role, role, ...quick },
      })
      opened.push(projections)
      await projections.start()
      return projections
    }
    return { own, broken, worker: await open('worker'), reader: await open('api') }
  }

  async function expectApplied(own: string, worker: Projections, reader: Projections): Promise<void> {
    const last = await deposit(own, 1)
    expect(await worker.waitFor('fragile', last, { deadlineMs: 30_000 })).toBe('visible')
    await reader.caughtUp('fragile')
    const sql = 'SELECT count(*)::integer AS rows, count(DISTINCT place)::integer AS places FROM audit'
    expect(await reader.read<PostgresReader>('fragile').get(sql)).toEqual({
      rows: 3 * PARTITIONS,
      places: 3 * PARTITIONS,
    })
  }

  async function newDatabase(): Promise<string> {
    const name = `own${++databases}`
    const administrator = new Client(server.connection)
    await administrator.connect()
    await administrator.query(`CREATE DATABASE ${name}`)
    await administrator.end()
    return name
  }

  async function startProcess(): Promise<void> {
    const { port, database } = server.connection
    const own = [broker.address, topic, `${port}`, database, `i${++instances}`]
    const args = ['-C', '@keyfold/source', '--no-warnings', program, ...own]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
    expect(String(said)).toBe('ready\n')
  }

  /** Some deposits into each partition; answers the place of the last. */
  async function deposit(to = topic, rounds = 8): Promise<{ topic: string; partition: number; offset: number }> {
    let last = { topic: to, partition: 0, offset: 0 }
    for (let round = 0; round < rounds; round++)
      for (const [partition, producer] of producers.entries()) {
        const records = [stored(`account-${partition}`, round + 1, Deposited({ amount: 1n }))]
        const outcome = await producer.commit([{ topic: to, partition, records }])
        if (outcome.kind !== 'committed') throw outcome.error
        if (to === topic) written++
        last = { topic: to, partition, offset: outcome.baseOffsets[0] ?? 0 }
      }
    return last
  }

  /** Waits for all that was written, on a process that applies nothing, and compares the rows with the log. */
  async function expectAllOnce(): Promise<void> {
    const last = await deposit()
    expect(await onlooker.waitFor('balances', last, { deadlineMs: 60_000 })).toBe('visible')
    await vi.waitUntil(async () => (await count()) >= written, patience)
    const sql =
      'SELECT account, count(*)::integer AS events, count(DISTINCT place)::integer AS places FROM audit GROUP BY 1 ORDER BY 1'
    const each = written / PARTITIONS
    expect(await onlooker.read<PostgresReader>('balances').all(sql)).toEqual(
      Array.from({ length: PARTITIONS }, (_, at) => ({ account: `account-${at}`, events: each, places: each })),
    )
  }

  async function count(): Promise<number> {
    const sql = 'SELECT count(*)::integer AS rows FROM audit'
    return (await onlooker.read<PostgresReader>('balances').get<{ rows: number }>(sql))?.rows ?? 0
  }

  async function shares(expected: readonly number[]): Promise<void> {
    const groupId = projectorsGroup('test', 'balances', 1)
    await vi.waitUntil(async () => {
      const members = (await kafka.groups?.members(groupId)) ?? []
      const counts = members.map(({ partitions }) => partitions.length).sort((left, right) => left - right)
      return JSON.stringify(counts) === JSON.stringify(expected)
    }, patience)
  }
})
