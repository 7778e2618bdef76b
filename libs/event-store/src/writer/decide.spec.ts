import type { DomainEvent } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { fail } from '../errors.ts'
import type { EncodedEvent } from '../event-codec.ts'
import { openEventStore } from '../event-store.ts'
import { Add, counterOn } from '../testing/counter.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'

const topic = 'test.counter'

/** Has to ask for a schema at every third event, counted from the second. */
class AskingCodec extends RegistryEventCodec {
  #encoded = 0

  override encode(of: string, event: DomainEvent): EncodedEvent | Promise<EncodedEvent> {
    const { amount } = event.data as { readonly amount: number }
    this.#encoded += 1
    if (amount === 13) return Promise.reject(fail('SCHEMA_NOT_REGISTERED', 'thirteen has no schema'))
    const encoded = super.encode(of, event)
    return this.#encoded % 3 === 2 ? Promise.resolve(encoded) : encoded
  }
}

describe('events whose schema has to be asked for', () => {
  it('keep their order, within a command and among commands that come together', async () => {
    const store = await opened()
    const outcomes = await Promise.all([1, 2, 3, 4].map((times) => store.execute(add(times, times))))
    expect(outcomes).toMatchObject([{ version: 1 }, { version: 3 }, { version: 6 }, { version: 10 }])
    const stored = await store.readEvents({ topic })
    expect(stored.map(({ data }) => (data as { readonly amount: number }).amount)).toEqual([
      1, 2, 2, 3, 3, 3, 4, 4, 4, 4,
    ])
    expect(stored.map(({ aggregateVersion }) => aggregateVersion)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    await store.close()
  })

  it('fail their command alone when nobody has it', async () => {
    const store = await opened()
    const outcomes = await Promise.all([1, 13, 2].map((amount) => store.execute(add(amount, 2))))
    expect(outcomes).toMatchObject([
      { kind: 'committed', version: 2 },
      { kind: 'failed', error: { code: 'SCHEMA_NOT_REGISTERED' } },
      { kind: 'committed', version: 4 },
    ])
    await store.close()
  })
})

function opened() {
  const registry = new MemorySchemaRegistry()
  return openEventStore({
    application: 'test',
    kafka: new InMemoryKafka(),
    codec: new AskingCodec({ url: registry.url, registry }),
    aggregates: [counterOn(topic)],
    partitions: 1,
  })
}

function add(amount: number, times: number): Add {
  return new Add({ id: 'a', amount, times })
}
