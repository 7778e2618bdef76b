import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { startTestBroker, type TestBroker } from '@keyfold/testing'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { type EventStore, openEventStore } from '../event-store.ts'
import type { EventStoreOptions } from '../event-store-options.ts'
import type { SharedOwnership } from '../ownership/ownership-options.ts'
import { counterOn } from './counter.ts'
import { MemorySchemaRegistry } from './memory-schema-registry.ts'

/** Several instances of one application over one broker, in one process. */
export class SharedCounters {
  readonly logged: string[] = []
  readonly #registry = new MemorySchemaRegistry()
  readonly #clients: KafkaClient[] = []
  readonly #stores: EventStore[] = []
  readonly #broker: TestBroker
  #looks: Promise<KafkaClient> | undefined

  private constructor(broker: TestBroker) {
    this.#broker = broker
  }

  static async start(config: Readonly<Record<string, number>> = {}): Promise<SharedCounters> {
    return new SharedCounters(await startTestBroker(config))
  }

  get broker(): string {
    return this.#broker.address
  }

  /** How many partitions each instance has, as the group was told, from few to many. */
  async shares(topic: string): Promise<readonly number[]> {
    this.#looks ??= this.client()
    const { groups } = await this.#looks
    const members = (await groups?.members(`test.${topic}.writers`)) ?? []
    return members.map(({ partitions }) => partitions.length).sort((left, right) => left - right)
  }

  async client(): Promise<KafkaClient> {
    const kafka = await connectKafka({ brokers: [this.#broker.address], clientId: 'test' })
    this.#clients.push(kafka)
    return kafka
  }

  /** One more instance. */
  async open(
    topic: string,
    ownership: SharedOwnership = {},
    more: Partial<EventStoreOptions> = {},
  ): Promise<EventStore> {
    const store = await openEventStore({
      application: 'test',
      kafka: await this.client(),
      codec: new RegistryEventCodec({ url: this.#registry.url, registry: this.#registry }),
      aggregates: [counterOn(topic)],
      partitions: 6,
      ownership: { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 50, ...ownership },
      logger: (level, message) => this.logged.push(`${level} ${message}`),
      ...more,
    })
    this.#stores.push(store)
    return store
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
    await Promise.all(this.#clients.map((client) => client.close()))
    await this.#broker.close()
  }
}
