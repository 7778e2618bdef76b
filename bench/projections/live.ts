import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { openProjections, SqliteReadModelStore } from '@keyfold/projections'
import { ascending, percentile } from '../figures.ts'
import { perEvent, type Places } from './contestants.ts'
import { codecOf, record } from './log.ts'

/** From the moment when a commit was due, and from its acknowledgement, until its rows can be read. In milliseconds. */
export interface LiveFigures {
  readonly written: number
  readonly sentP50: number
  readonly sentP99: number
  readonly acknowledgedP50: number
  readonly acknowledgedP99: number
}

const EVENTS_PER_COMMIT = 50
const COMMIT_EVERY_MS = 10
const ACCOUNTS = 1_000
const WRITERS = 4
const WARM_UP_COMMITS = 200

/** 5,000 events per second, in commits of 50, and the balances in SQLite behind them; both in one process. */
async function main(): Promise<void> {
  const [{ address, directory }, seconds] = JSON.parse(process.argv[2] ?? '[]') as [Places, number]
  const { topic, partitions } = address
  const kafka = await connectKafka({ brokers: [address.broker], clientId: 'bench-live' })
  await kafka.ensureTopics([{ name: topic, partitions, configs: { 'retention.ms': '-1' } }])
  const codec = await codecOf(address)
  const projector = { ...perEvent(), topics: [topic] }
  const stores = { bench: new SqliteReadModelStore({ directory }) }
  const projections = await openProjections({ kafka, codec, projectors: [projector], stores })
  await projections.start()
  await projections.caughtUp()
  const commit = await committer(kafka, codec, address)
  const sent: number[] = []
  const acknowledged: number[] = []
  const waits: Promise<void>[] = []
  const lagOf = async (number: number, dueAt: number): Promise<void> => {
    const position = await commit(number)
    const acknowledgedAt = performance.now()
    const outcome = await projections.waitFor(projector.name, position, { deadlineMs: 60_000 })
    if (outcome === 'timeout') throw new Error('rows did not become visible')
    if (number < WARM_UP_COMMITS) return
    sent.push(performance.now() - dueAt)
    acknowledged.push(performance.now() - acknowledgedAt)
  }
  const commits = WARM_UP_COMMITS + (seconds * 1000) / COMMIT_EVERY_MS
  const startedAt = performance.now()
  for (let number = 0; number < commits; number++) {
    const dueAt = startedAt + number * COMMIT_EVERY_MS
    while (performance.now() < dueAt) await new Promise((resolve) => setTimeout(resolve, dueAt - performance.now()))
    waits.push(lagOf(number, dueAt))
  }
  await Promise.all(waits)
  const of = (sample: readonly number[], share: number) => percentile(ascending(sample), share)
  const figures: LiveFigures = {
    written: (commits * EVENTS_PER_COMMIT) / ((performance.now() - startedAt) / 1000),
    sentP50: of(sent, 0.5),
    sentP99: of(sent, 0.99),
    acknowledgedP50: of(acknowledged, 0.5),
    acknowledgedP99: of(acknowledged, 0.99),
  }
  process.stdout.write(JSON.stringify(figures))
  process.exit(0)
}

type Codec = Awaited<ReturnType<typeof codecOf>>

/** Writes one commit to one partition and answers where its last event lies; several writers take turns. */
async function committer(kafka: KafkaClient, codec: Codec, { topic, partitions }: Places['address']) {
  const writers = await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const transactionalId = `bench-live-${topic}-${writer}`
      return await kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 60_000 })
    }),
  )
  /** A producer has one transaction at a time. */
  const idle: Promise<unknown>[] = writers.map(() => Promise.resolve())
  const write = async (number: number) => {
    const partition = number % partitions
    const first = number * EVENTS_PER_COMMIT
    const records = await Promise.all(
      Array.from({ length: EVENTS_PER_COMMIT }, (_, index) => {
        const version = Math.floor((first + index) / ACCOUNTS) + 1
        return record(codec, topic, `account-${(first + index) % ACCOUNTS}`, version)
      }),
    )
    const outcome = await writers[number % WRITERS]?.commit([{ topic, partition, records }])
    if (outcome?.kind !== 'committed') throw outcome?.error ?? new Error('no such writer')
    const [base = 0] = outcome.baseOffsets
    return { topic, partition, offset: base + EVENTS_PER_COMMIT - 1 }
  }
  return async (number: number) => {
    const turn = (idle[number % WRITERS] ?? Promise.resolve()).then(() => write(number))
    idle[number % WRITERS] = turn.catch(() => {})
    return await turn
  }
}

await main()
