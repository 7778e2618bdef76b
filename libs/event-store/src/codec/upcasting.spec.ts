import { dropped, upcast, type UpcasterDescriptor } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { openEventStore } from '../event-store.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import {
  Commented,
  Discounted,
  Do,
  OrderBefore,
  orderNow,
  orderUpcasters,
  ordersTopic,
  ParcelSent,
  Placed,
  PlacedV1,
  Reduced,
  Sent,
} from '../testing/orders.ts'
import { RegistryEventCodec } from './registry-event-codec.ts'

const id = 'o-1'

/** A log that the first code wrote, and the code of today on it. */
async function shop(register: 'all' | 'initial' = 'all') {
  const kafka = new InMemoryKafka()
  const registry = new MemorySchemaRegistry()
  const open = async (aggregate: typeof OrderBefore, policy: 'all' | 'initial' = 'all') => {
    const codec = new RegistryEventCodec({ url: registry.url, registry, register: policy })
    const options = { application: 'shop', kafka: new InMemoryKafka(kafka.log), codec, aggregates: [aggregate] }
    return { codec, store: await openEventStore({ ...options, partitions: 1 }) }
  }
  const { store } = await open(OrderBefore)
  for (const event of [
    PlacedV1({ cents: 250 }),
    Commented({ text: 'hurry' }),
    Reduced({ percent: 70 }),
    Sent({ parcels: 2 }),
  ])
    await store.execute(new Do({ id, event }), { commandId: event.type })
  await store.close()
  return { kafka, registry, open, ...(await open(orderNow(), register)) }
}

describe('upcasters on the way from the log', () => {
  it('turn what is stored into the events of today, one, several or none', async () => {
    const { store } = await shop()
    const events = await store.readEvents({ topic: ordersTopic, key: id })
    expect(
      events.map(({ type, data, aggregateVersion, subIndex }) => [aggregateVersion, subIndex, type, data]),
    ).toEqual([
      [1, 0, 'shop.Placed', { cents: 250, currency: 'EUR', mills: 2500n }],
      [3, 0, 'shop.Discounted', { percent: 70, reason: 'clearance' }],
      [4, 0, 'shop.ParcelSent', { number: 1 }],
      [4, 1, 'shop.ParcelSent', { number: 2 }],
    ])
    expect(events[1]).toMatchObject({
      offset: events[1]?.offset,
      schemaVersion: 1,
      schema: { subject: 'shop.order-shop.Reduced', name: 'shop.Reduced', version: 1, id: expect.any(Number) },
    })
    expect(events[2]?.offset).toBe(events[3]?.offset)
    expect(events[0]?.schema.guid).toMatch(/^[0-9a-f]{8}-/)
  })

  it('leave the versions of an aggregate as they were stored', async () => {
    const { store } = await shop()
    const outcome = await store.execute(new Do({ id, event: ParcelSent({ number: 3 }) }), { expectedVersion: 4 })
    expect(outcome).toMatchObject({ kind: 'committed', version: 5 })
  })

  it('answer a repeated command with what its events are today', async () => {
    const { store } = await shop()
    const event = Sent({ parcels: 2 })
    expect(await store.execute(new Do({ id, event }), { commandId: event.type })).toMatchObject({
      kind: 'committed',
      duplicate: true,
      version: 4,
      events: [ParcelSent({ number: 1 }), ParcelSent({ number: 2 })],
    })
  })

  it('tell readers under which names the events of today may be stored', async () => {
    const { codec } = await shop()
    expect([...codec.storedTypesOf(['shop.Discounted', 'shop.ParcelSent'])].sort()).toEqual([
      'shop.Discounted',
      'shop.ParcelSent',
      'shop.Reduced',
      'shop.Sent',
    ])
  })

  it('are not asked for what was written in the newest shape', async () => {
    const { store } = await shop()
    await store.execute(new Do({ id, event: Placed({ cents: 1, currency: 'CHF', mills: 5n }) }))
    const events = await store.readEvents({ topic: ordersTopic, key: id })
    expect(events.at(-1)).toMatchObject({ data: { cents: 1, currency: 'CHF', mills: 5n }, schemaVersion: 3 })
  })
})

describe('writing beside upcasters', () => {
  it('uses an older version only for what an upcaster makes the very same of', async () => {
    const { store } = await shop('initial')
    const write = (event: object) => store.execute(new Do({ id, event }))
    // Version 1 says 250 and an upcaster makes 2500 mills of it: written and read it is the same.
    await write(Placed({ cents: 250, currency: 'EUR', mills: 2500n }))
    expect((await store.readEvents({ topic: ordersTopic, key: id })).at(-1)).toMatchObject({
      schemaVersion: 1,
      data: { cents: 250, mills: 2500n },
    })
    expect(await write(Placed({ cents: 250, currency: 'EUR', mills: 0n }))).toMatchObject({
      kind: 'failed',
      error: { code: 'SCHEMA_NOT_REGISTERED', details: { version: 3, registered: 1 } },
    })
  })

  it('refuses an event that no reader would see again', async () => {
    const { store, open } = await shop()
    await store.close()
    const { store: again } = await open(orderNow([...orderUpcasters, dropped(ParcelSent)]))
    const outcome = await again.execute(new Do({ id, event: ParcelSent({ number: 1 }) }))
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'EVENT_UNKNOWN' } })
    expect(String((outcome as { error: Error }).error)).toContain('an upcaster takes it away when it is read')
  })
})

describe('a wrong upcaster', () => {
  const opening = async (...upcasters: readonly UpcasterDescriptor[]) => {
    const { open } = await shop()
    return await open(orderNow(upcasters)).then(
      () => 'it started',
      (error: unknown) => String(error),
    )
  }

  it('keeps the store from starting, with everything that is wrong', async () => {
    const found = await opening(
      upcast(Placed, { from: 1, to: 3 }, (data) => data),
      dropped('shop.Gone', { from: 2 }),
    )
    expect(found).toMatch(/^UPCASTERS_INVALID: shop\.order: .*shop\.Gone by text.*; .*1 → 3 leaves a gap/)
  })

  it('is found when its result fits no schema, with the field', async () => {
    const rest = orderUpcasters.slice(1)
    const found = await opening(
      upcast(Placed, { from: 2 }, ({ cents }) => ({ cents: String(cents), mills: 1n })),
      ...rest,
    )
    expect(found).toContain('GATE_REFUSED')
    expect(found).toContain('shop.order-shop.Placed version 1 at shop.order/0/0')
    expect(found).toContain('the upcaster shop.Placed 2 → 3 gave something that is no version 3 of shop.Placed')
    expect(found).toContain('cents must be whole number of 32 bits, but is string "250"')
  })

  it('is found when it throws', async () => {
    const rest = orderUpcasters.slice(1)
    const found = await opening(
      upcast(Placed, { from: 2 }, () => {
        throw new Error('there is no such year')
      }),
      ...rest,
    )
    expect(found).toContain('the upcaster shop.Placed 2 → 3: there is no such year')
  })

  it('is found when the new name has no alias', async () => {
    const [, , , splitSent, dropComment] = orderUpcasters
    const upcasters = [splitSent, dropComment].flatMap((upcaster) => upcaster ?? [])
    const { open } = await shop()
    const renaming = {
      ...orderUpcasters[1],
      step: { kind: 'rename', to: ParcelSent, version: 1 },
    } as (typeof upcasters)[0]
    await expect(open(orderNow([...upcasters, renaming]))).rejects.toMatchObject({
      code: 'UPCASTERS_INVALID',
      message: expect.stringContaining('version 1 of shop.Reduced does not lead to the newest shape'),
    })
    expect(Discounted.newest.version).toBe(2)
  })
})
