import { type AnyEventType, aggregate, applies, defineEvent, handles, upcast } from '@keyfold/eventsourcing'
import { InMemoryKafka } from '@keyfold/testing'
import { describe, expect, it } from 'vitest'
import { RegistryEventCodec } from '../codec/registry-event-codec.ts'
import { openEventStore } from '../event-store.ts'
import { MemorySchemaRegistry } from '../testing/memory-schema-registry.ts'
import { Deposited, moneyOf, Withdrawn } from '../testing/money.ts'
import { Do, OrderBefore, orderNow, ordersTopic, PlacedV1, Sent } from '../testing/orders.ts'
import type { GateOptions, StartRetry } from './gate-options.ts'

const fields = (...more: readonly object[]) => ({ type: 'record', name: 'Placed', namespace: 'shop', fields: more })
const placedAs = (...schemas: readonly object[]) =>
  defineEvent<'shop.Placed', object>({
    name: 'shop.Placed',
    versions: schemas.map((schema, index) => ({ version: index + 1, schema })),
  })
const orderOf = (...events: readonly AnyEventType[]) =>
  aggregate<object>({
    name: 'order',
    topic: ordersTopic,
    initialState: () => ({}),
    decide: [handles(Do, ({ event }) => event as never)],
    evolve: events.map((event) => applies(event, (state: object) => state)),
  })

/** A shop that has run, to be opened by other code. */
async function shop(...events: readonly object[]) {
  const kafka = new InMemoryKafka()
  const registry = new MemorySchemaRegistry()
  const logged: string[] = []
  const open = (order: typeof OrderBefore, gate: GateOptions = {}, startRetry: StartRetry = { attempts: 1 }) => {
    const codec = new RegistryEventCodec({ url: registry.url, registry })
    const logger = (level: string, message: string) => void logged.push(`${level} ${message}`)
    const shared = { application: 'shop', kafka: new InMemoryKafka(kafka.log), codec, logger, gate, startRetry }
    return openEventStore({ ...shared, aggregates: [order], partitions: 2 })
  }
  const store = await open(OrderBefore)
  for (const [index, event] of events.entries()) await store.execute(new Do({ id: `o-${index}`, event }))
  await store.close()
  return { kafka, registry, logged, open }
}

describe('the gate at start', () => {
  it('lets code pass that reads everything', async () => {
    const { open, logged } = await shop(PlacedV1({ cents: 1 }), Sent({ parcels: 3 }))
    const store = await open(orderNow())
    await store.close()
    expect(logged.filter((line) => line.includes('the gate'))).toEqual([])
  })

  it('refuses a schema that cannot read what its subject holds, before it registers anything', async () => {
    const { open, registry } = await shop()
    const before = registry.calls.register
    const Changed = placedAs(
      fields({ name: 'amount', type: 'string' }),
      fields({ name: 'amount', type: 'string' }, { name: 'cents', type: 'string', default: '' }),
    )
    const error: unknown = await open(orderOf(Changed)).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'GATE_REFUSED',
      details: {
        findings: [
          {
            subject: 'shop.order-shop.Placed',
            version: 1,
            field: expect.stringContaining('amount'),
            fix: expect.stringMatching(/default/),
          },
          { version: 1, field: expect.stringContaining('cents'), reason: expect.stringContaining('STRING') },
        ],
      },
    })
    expect(String(error)).toMatch(/^GATE_REFUSED: .*shop\.order-shop\.Placed version 1: .*amount.*Fix: /)
    expect(registry.calls.register).toBe(before)
  })

  it('looks at every version that is registered, not just the last one', async () => {
    const { open, registry } = await shop()
    const later = fields({ name: 'cents', type: 'int' }, { name: 'memo', type: 'string', default: '' })
    await registry.register('shop.order-shop.Placed', { schema: JSON.stringify(later), references: [] })
    const Required = placedAs(fields({ name: 'cents', type: 'int' }, { name: 'memo', type: 'string' }))
    await expect(open(orderOf(Required))).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      details: {
        findings: [
          { version: 1, reason: expect.stringContaining('memo is new and has no default') },
          { version: 2, reason: expect.stringContaining('AVRO_DEFAULT_CHANGED') },
        ],
      },
    })
  })

  it('refuses what a registry lets pass and readers would misread, unless the file or an upcaster says it is right', async () => {
    const { open, registry } = await shop()
    const at = (logicalType: string) => ({ name: 'at', type: { type: 'long', logicalType } })
    const Timed = (logicalType: string, more: object = {}) =>
      defineEvent<'shop.Timed', object>({
        name: 'shop.Timed',
        versions: ['timestamp-millis', logicalType]
          .slice(0, logicalType === 'timestamp-millis' ? 1 : 2)
          .map((type, index) => ({
            version: index + 1,
            schema: { type: 'record', name: 'Timed', namespace: 'shop', fields: [at(type)] },
            ...(index === 1 ? more : {}),
          })),
      })
    const others = OrderBefore.events
    await (await open(orderOf(...others, Timed('timestamp-millis')))).close()
    const Micros = Timed('timestamp-micros')
    await expect(open(orderOf(...others, Micros))).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      details: {
        findings: [
          {
            subject: 'shop.order-shop.Timed',
            version: 1,
            field: 'Timed.at',
            reason: expect.stringContaining('AVRO_LOGICAL_TYPE_CHANGED'),
          },
        ],
      },
    })
    const upcasters = [
      upcast(Micros, { from: 1 }, ({ at: time }: { at: Date }) => ({ at: BigInt(time.getTime()) * 1000n })),
    ]
    const before = registry.calls.register
    await (await open({ ...orderOf(...others, Micros), upcasters })).close()
    expect(registry.calls.register).toBe(before + 1)
    const ignore = [{ rule: 'AVRO_LOGICAL_TYPE_CHANGED', reason: 'nothing was ever stored' }]
    await (await open(orderOf(...others, Timed('timestamp-micros', { lint: { ignore } })))).close()
  })

  it('sees what becomes of a type that events share: a new field with a default passes, one without does not', async () => {
    const { open, registry } = await shop()
    const others = OrderBefore.events
    const subject = 'bank.Money'
    const Money = moneyOf(1, subject)
    const store = await open(orderOf(...others, Deposited(Money, 1), Withdrawn(Money, 1)))
    const stored = { type: 'bank.Deposited', data: { amount: { cents: 5n } } }
    expect(await store.execute(new Do({ id: 'o-1', event: stored }))).toMatchObject({ kind: 'committed' })
    await store.close()

    const Later = moneyOf(2, subject)
    const later = await open(orderOf(...others, Deposited(Later, 1, 2), Withdrawn(Later, 1, 2)))
    await later.close()
    expect(await registry.versions(subject)).toHaveLength(2)

    const before = registry.calls.register
    const Broken = moneyOf(2, subject, { name: 'currency', type: 'string' })
    await expect(open(orderOf(...others, Deposited(Broken, 1, 2), Withdrawn(Broken, 2)))).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      details: {
        findings: [
          {
            subject: 'shop.order-bank.Deposited',
            version: 1,
            field: expect.stringContaining('currency'),
            fix: expect.stringMatching(/default/),
          },
          { subject: 'shop.order-bank.Deposited', version: 2, reason: expect.stringContaining('AVRO_DEFAULT_CHANGED') },
          { subject: 'shop.order-bank.Withdrawn', version: 1, field: expect.stringContaining('currency') },
          { subject: 'shop.order-bank.Withdrawn', version: 2 },
        ],
      },
    })
    expect(registry.calls.register).toBe(before)
  })

  it('lets older code read what newer code has registered, as after a rollback', async () => {
    const { open, registry } = await shop(PlacedV1({ cents: 1 }))
    const [cents, tip] = ['cents', 'tip'].map((name) => ({ name, type: 'int', default: 0 }))
    await registry.register('shop.order-shop.Placed', {
      schema: JSON.stringify(fields(cents ?? {}, tip ?? {})),
      references: [],
    })
    await (await open(OrderBefore)).close()
  })

  it('refuses to guess where upcasters start when the code has lost an old version', async () => {
    const { open, registry } = await shop(PlacedV1({ cents: 1 }))
    const cents = { name: 'cents', type: 'int' }
    const tip = { name: 'tip', type: 'int', default: 0 }
    const memo = { name: 'memo', type: 'string', default: '' }
    for (const schema of [fields(cents, tip), fields(cents, memo)])
      await registry.register('shop.order-shop.Placed', { schema: JSON.stringify(schema), references: [] })
    const Placed = placedAs(fields(cents), fields(cents, memo))
    const [, ...others] = OrderBefore.events
    const order = orderOf(...others, Placed)
    const upcasters = [upcast(Placed, { from: 1 }, (data: object) => ({ ...data, memo: 'old' }))]
    await (await open(order)).close()
    await expect(open({ ...order, upcasters })).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      details: { findings: [{ version: 2, reason: expect.stringContaining('no such version of the event') }] },
    })
  })

  it('refuses code that has forgotten an event that is stored, naming the record', async () => {
    const { open } = await shop(PlacedV1({ cents: 1 }), Sent({ parcels: 3 }))
    const refused = open(orderOf(PlacedV1))
    await expect(refused).rejects.toMatchObject({
      code: 'GATE_REFUSED',
      details: {
        findings: [
          {
            subject: 'shop.order-shop.Sent',
            version: 1,
            place: expect.stringMatching(/^shop\.order\/[01]\/\d+$/),
            fix: expect.stringContaining('dropped'),
          },
        ],
      },
    })
  })

  it('finds the first event of a schema far before the newest ones', async () => {
    const many = Array.from({ length: 40 }, (_, index) => PlacedV1({ cents: index }))
    const { open } = await shop(Sent({ parcels: 3 }), ...many)
    await expect(open(orderOf(PlacedV1), { newestPerPartition: 1 })).rejects.toMatchObject({ code: 'GATE_REFUSED' })
    const store = await open(orderOf(PlacedV1), { newestPerPartition: 1, scannedPerPartition: 0 })
    await store.close()
  })

  it('warns or keeps quiet when it is told to', async () => {
    const { open, logged } = await shop(Sent({ parcels: 3 }))
    await (await open(orderOf(PlacedV1), { mode: 'warn' })).close()
    expect(logged.filter((line) => line.startsWith('warn the gate: shop.order-shop.Sent version 1 at'))).toHaveLength(1)
    logged.length = 0
    await (await open(orderOf(PlacedV1), { mode: 'off' })).close()
    expect(logged.filter((line) => line.includes('the gate'))).toEqual([])
  })

  it('waits for a registry as long as it is told to, and then names it', async () => {
    const { open, registry, logged } = await shop()
    registry.reachable = false
    await expect(open(orderNow(), {}, { attempts: 3, delayMs: 0 })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('memory:'),
    })
    expect(logged.filter((line) => line.includes('trying again'))).toHaveLength(2)
    logged.length = 0
    const versions = registry.versions.bind(registry)
    registry.versions = (subject) => {
      registry.reachable = logged.length > 0
      return versions(subject)
    }
    await (await open(orderNow(), {}, { attempts: 3, delayMs: 0 })).close()
    expect(logged.filter((line) => line.includes('trying again'))).toHaveLength(1)
  })
})
