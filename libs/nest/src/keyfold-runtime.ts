import { type EventStore, openEventStore, RegistryEventCodec } from '@keyfold/event-store'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { openProjections, type Projections, SqliteReadModelStore } from '@keyfold/projections'
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common'
import { type Bundled, startBundledBroker, startBundledRegistry } from './bundled.ts'
import { fail } from './errors.ts'
import { KeyfoldFeatures } from './features.ts'
import { type KeyfoldOptions, resolveOptions, type ResolvedOptions } from './keyfold-options.ts'
import { type Log, nestLog } from './logging.ts'
import { KEYFOLD_OPTIONS } from './tokens.ts'

/**
 * Everything that runs beneath an application, in the order it is started: broker (when bundled), Kafka client, registry
 * (when bundled), event store, projections. It stops in reverse: projections finish their batch first, the broker goes last.
 */
@Injectable()
export class KeyfoldRuntime implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #options: KeyfoldOptions
  readonly #features: KeyfoldFeatures
  readonly #log: Log = nestLog()
  #running: Running | undefined
  /** What has been started so far, so that a start that fails half-way leaves nothing behind. */
  readonly #closers: Closer[] = []

  constructor(@Inject(KEYFOLD_OPTIONS) options: KeyfoldOptions, @Inject(KeyfoldFeatures) features: KeyfoldFeatures) {
    this.#options = options
    this.#features = features
  }

  get kafka(): KafkaClient {
    return this.#started.kafka
  }

  get eventStore(): EventStore {
    return this.#started.eventStore
  }

  get projections(): Projections {
    return this.#started.projections
  }

  /** Where everything can be reached. */
  get addresses(): Addresses {
    return this.#started.addresses
  }

  /** Resolves with the error when something beneath stops by itself, such as the bundled broker on a failed disk. */
  get failure(): Promise<Error> {
    return this.#started.failure
  }

  async onModuleInit(): Promise<void> {
    const options = resolveOptions(this.#options, process.env)
    this.#features.check()
    try {
      this.#running = await this.#start(options)
    } catch (error) {
      await this.#close('all')
      throw error
    }
  }

  /** HTTP still answers while this runs: what is being projected is finished, then no more is taken. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#close('workers')
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#close('all')
  }

  async #start(options: ResolvedOptions): Promise<Running> {
    const broker = await this.#startBroker(options)
    const brokers = options.brokers ?? (broker ? [broker.address] : [])
    const kafka = options.kafka ?? (await this.#connect(brokers, options.application))
    if (options.kafka === undefined) this.#opened('base', () => kafka.close())
    const { clusterId } = await kafka.cluster()

    const registry = options.schemaRegistryUrl ? undefined : await startBundledRegistry(kafka, options, this.#log)
    if (registry) this.#opened('base', () => registry.close())
    const registryUrl = options.schemaRegistryUrl ?? registry?.address ?? ''

    const codec = new RegistryEventCodec({ url: registryUrl, register: options.registerSchemas })
    const eventStore = await openEventStore({
      application: options.application,
      kafka,
      codec,
      aggregates: this.#features.aggregates,
      partitions: options.partitions,
      gate: options.gate,
      ...(options.startRetry && { startRetry: options.startRetry }),
      logger: this.#log,
    })
    this.#opened('base', () => eventStore.close())

    // Positions belong to one cluster: read models of another one must not be taken for its own.
    const directory = `${options.dataDirectory}/read-models/${clusterId}`
    const projections = await openProjections({
      kafka,
      codec,
      projectors: this.#features.projectors,
      stores: { sqlite: new SqliteReadModelStore({ directory }), ...options.stores },
      logger: this.#log,
    })
    this.#opened('workers', () => projections.close())
    await projections.start()
    const failure = new Promise<Error>((resolve) => {
      void broker?.stopped.then((error) => error && resolve(error))
    })
    const metricsUrl = broker?.metricsAddress && `http://${broker.metricsAddress}/metrics`
    return {
      kafka,
      eventStore,
      projections,
      failure,
      addresses: { brokers, registryUrl, clusterId, bundledBroker: !!broker, ...(metricsUrl && { metricsUrl }) },
    }
  }

  async #connect(brokers: readonly string[], clientId: string): Promise<KafkaClient> {
    return await connectKafka({
      brokers: [...brokers],
      clientId,
      log: this.#log,
    })
  }

  async #startBroker(options: ResolvedOptions): Promise<Bundled | undefined> {
    if (options.brokers ?? options.kafka) return undefined
    const broker = await startBundledBroker(options, this.#log)
    this.#opened('base', () => broker.close())
    return broker
  }

  #opened(stage: Closer['stage'], close: () => Promise<void>): void {
    this.#closers.push({ stage, close })
  }

  async #close(stage: 'workers' | 'all'): Promise<void> {
    for (let index = this.#closers.length - 1; index >= 0; index -= 1) {
      const closer = this.#closers[index]
      if (closer === undefined || (stage === 'workers' && closer.stage !== 'workers')) continue
      this.#closers.splice(index, 1)
      await closer.close()
    }
  }

  get #started(): Running {
    if (this.#running === undefined) throw fail('NOT_STARTED', 'the Keyfold runtime has not started yet')
    return this.#running
  }
}

export interface Addresses {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly clusterId: string
  readonly bundledBroker: boolean
  /** Metrics of the bundled broker, where they were asked for. */
  readonly metricsUrl?: string
}

interface Running {
  readonly kafka: KafkaClient
  readonly eventStore: EventStore
  readonly projections: Projections
  readonly failure: Promise<Error>
  readonly addresses: Addresses
}

interface Closer {
  readonly stage: 'workers' | 'base'
  readonly close: () => Promise<void>
}
