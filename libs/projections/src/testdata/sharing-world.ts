import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connectKafka, type KafkaClient, type TransactionalProducer } from '@keyfold/kafka'
import { startTestBroker, type TestBroker } from '@keyfold/testing'
import {
  openProjections,
  type LogPosition,
  PostgresReadModelStore,
  type ProgressListener,
  type Projections,
  type ProjectionsOptions,
  type Sharing,
} from '../index.ts'
import { codec, Deposited, stored } from './ledger.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { quickSharing } from './shared-balances.ts'

export const PARTITIONS = 6
const program = fileURLToPath(new URL('sharing-process.ts', import.meta.url))

/** A broker, a PostgreSQL, and whoever shares projectors over them: processes that can be killed, and this one. */
export class SharingWorld {
  readonly kafka: KafkaClient
  readonly #server: PostgresServer
  readonly #broker: TestBroker
  readonly #producers: readonly TransactionalProducer[]
  readonly #children = new Set<ChildProcess>()
  readonly #opened: Projections[] = []

  static async start(): Promise<SharingWorld> {
    const [server, broker] = await Promise.all([
      startPostgres({ fsync: 'off' }),
      startTestBroker({ 'group.min.session.timeout.ms': 500 }),
    ])
    const kafka = await connectKafka({ brokers: [broker.address], clientId: 'onlooker' })
    const producers = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, partition) =>
        kafka.openTransactionalProducer({ transactionalId: `w${partition}`, transactionTimeoutMs: 30_000 }),
      ),
    )
    return new SharingWorld(server, broker, kafka, producers)
  }

  private constructor(
    server: PostgresServer,
    broker: TestBroker,
    kafka: KafkaClient,
    producers: readonly TransactionalProducer[],
  ) {
    this.#server = server
    this.#broker = broker
    this.kafka = kafka
    this.#producers = producers
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const projections of this.#opened) await projections.close()
    for (const producer of this.#producers) await producer.close()
    await this.kafka.close()
    await this.#broker.close()
    await this.#server.destroy()
  }

  /** A process that is up and has not started yet: whatever it costs to load is over. */
  async startProcess(topic: string, instanceId: string): Promise<ChildProcess> {
    const { port, database } = this.#server.connection
    const args = [this.#broker.address, topic, `${port}`, database, instanceId]
    const child = fork(program, args, { execArgv: ['--conditions=@keyfold/source', '--no-warnings'] })
    this.#children.add(child)
    await said(child, 'up')
    return child
  }

  /** An instance in this process, started. */
  async open(
    sharing: Pick<Sharing, 'application' | 'instanceId'> & Partial<Sharing>,
    options: Pick<ProjectionsOptions, 'projectors'>,
    onProgress: ProgressListener = () => {},
  ): Promise<Projections> {
    const projections = await openProjections({
      kafka: this.kafka,
      codec,
      stores: { postgres: new PostgresReadModelStore({ connection: this.#server.connection }) },
      retry: { batchAttempts: 1, eventAttempts: 1, firstDelayMs: 1, delayMsMax: 20 },
      // Nobody ends it, and one that is slow for a moment is to keep its lead.
      sharing: { ...quickSharing, sessionTimeoutMs: 60_000, ...sharing },
      ...options,
    })
    this.#opened.push(projections)
    projections.onProgress(onProgress)
    await projections.start()
    return projections
  }

  /** So many deposits into each partition; answers the place of the last one. */
  async deposit(topic: string, rounds: number): Promise<LogPosition> {
    const ends = this.#producers.map(async (producer, partition) => {
      let offset = 0
      for (let round = 0; round < rounds; round++) {
        const records = [stored(`account-${partition}`, round + 1, Deposited({ amount: 1n }))]
        const outcome = await producer.commit([{ topic, partition, records }])
        if (outcome.kind !== 'committed') throw outcome.error
        offset = outcome.baseOffsets[0] ?? 0
      }
      return { topic, partition, offset }
    })
    return (await Promise.all(ends)).at(-1) ?? { topic, partition: 0, offset: 0 }
  }
}

/** Resolves when a process has said it; rejects when it ends before. */
export async function said(child: ChildProcess, what: string): Promise<void> {
  const over = new AbortController()
  const ended = once(child, 'exit', { signal: over.signal }).then(() => {
    throw new Error(`the process ended before it said ${what}`)
  })
  const listening = async (): Promise<void> => {
    for (;;) if (((await once(child, 'message', { signal: over.signal })) as [unknown])[0] === what) return
  }
  try {
    await Promise.race([listening(), ended])
  } finally {
    ended.catch(() => {})
    over.abort()
  }
}
