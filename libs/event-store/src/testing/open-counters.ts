import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import type { KafkaClient } from '@keyfold/kafka'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { type EventStore, openEventStore } from '../event-store.ts'
import type { EventStoreLimits } from '../event-store-options.ts'
import type { PreflightMode } from '../preflight/preflight-findings.ts'
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
  readonly registry?: MemorySchemaRegistry
  /** Of the local stores; without one they are in memory. */
  readonly dataDirectory?: string
  /** Default: a counter. */
  readonly aggregate?: AggregateDescriptor
  readonly clock?: () => Date
  readonly gate?: GateOptions
  /** Default `off`: tests of writers count what is read and written. */
  readonly preflight?: PreflightMode
  /** Wraps the client that the store gets. */
  readonly wrap?: (kafka: KafkaClient) => KafkaClient
}

/** An event store of counters on a cluster in memory. */
export async function openCounters(options: CountersOptions = {}): Promise<Counters> {
  const { partitions = 1, limits = {}, wrap = (client: KafkaClient) => client, dataDirectory, clock } = options
  const kafka = options.kafka ?? new InMemoryKafka()
  const registry = options.registry ?? new MemorySchemaRegistry()
  const logged: string[] = []
  const open = (client: KafkaClient, gate: GateOptions = options.gate ?? {}) =>
    openEventStore({
      application: 'test',
      kafka: client,
      codec: new RegistryEventCodec({ url: registry.url, registry }),
      aggregates: [options.aggregate ?? counterOn(topic)],
      partitions,
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
      ...(clock === undefined ? {} : { clock }),
      limits,
      gate,
      preflight: options.preflight ?? 'off',
      startRetry: { attempts: 1 },
      logger: (level, message) => logged.push(`${level} ${message}`),
    })
  const store = await open(wrap(kafka))
  return { store, kafka, registry, logged, openAnother: (gate) => open(new InMemoryKafka(kafka.log), gate) }
}
