import { connectKafka } from '@keyfold/kafka'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { openEventStore } from '../event-store.ts'
import { counterOn } from './counter.ts'
import { MemorySchemaRegistry } from './memory-schema-registry.ts'

/** A worker that shares the partitions of a topic of counters, as a process of its own: `broker topic sessionTimeoutMs`. */
const [broker = '', topic = '', sessionTimeoutMs = ''] = process.argv.slice(2)
// Every process registers the same schemas in the same order, so each registry gives them the same ids.
const registry = new MemorySchemaRegistry()
const kafka = await connectKafka({ brokers: [broker], clientId: 'instance' })
const store = await openEventStore({
  application: 'test',
  kafka,
  codec: new RegistryEventCodec({ url: registry.url, registry }),
  aggregates: [counterOn(topic)],
  partitions: 6,
  ownership: { role: 'worker', sessionTimeoutMs: Number(sessionTimeoutMs), heartbeatIntervalMs: 100 },
})
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  void store
    .close()
    .then(() => kafka.close())
    .then(() => process.exit(0))
})
