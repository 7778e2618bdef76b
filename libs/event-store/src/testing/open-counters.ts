import { InMemoryKafka } from '@keyfold/testing'
import type { KafkaClient } from '@keyfold/kafka'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { type EventStore, openEventStore } from '../event-store.ts'
import type { EventStoreLimits } from '../event-store-options.ts'
import type { GateOptions } from '../gate/gate-options.ts'
import { counterOn } from './counter.ts'
import { MemorySchemaRegistry } from './memory-schema-registry.ts'

export const topic = 'test.counter'

export interface Counters {
  readonly store: EventStore
  readonly kafka: InMemoryKafka
  readonly registry: MemorySchemaRegistry
  readonly logged: string[]
  /** Another process: its own client and codec, the same cluster and registry. */
  readonly openAnother: (gate?: GateOptions) => Promise<EventStore>
}

export interface CountersOptions {
  readonly partitions?: number
  readonly limits?: Partial<EventStoreLimits>
  readonly kafka?: InMemoryKafka
  /** Wraps the client that the store gets. */
  readonly wrap?: (kafka: KafkaClient) => KafkaClient
}

/** An event store of counters on a cluster in memory. */
export async function openCounters(options: CountersOptions = {}): Promise<Counters> {
  const { partitions = 1, limits = {}, wrap = (client: KafkaClient) => client } = options
  const kafka = options.kafka ?? new InMemoryKafka()
  const registry = new MemorySchemaRegistry()
  const logged: string[] = []
  const open = (client: KafkaClient, gate: GateOptions = {}) =>
    openEventStore({
      application: 'test',
      kafka: client,
      codec: new RegistryEventCodec({ url: registry.url, registry }),
      aggregates: [counterOn(topic)],
      partitions,
      limits,
      gate,
      startRetry: { attempts: 1 },
      logger: (level, message) => logged.push(`${level} ${message}`),
    })
  const store = await open(wrap(kafka))
  return { store, kafka, registry, logged, openAnother: (gate) => open(new InMemoryKafka(kafka.log), gate) }
}
