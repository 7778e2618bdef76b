import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { avroType, generateEvents } from '@keyfold/avro'
import { eventAt, type ReadOf, upcast } from '@keyfold/eventsourcing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { inMemoryCodec } from '../events/in-memory-codec.ts'
import { Money, type Money as MoneyOfToday, type MoneyV1 } from '../testdata/generated/common.ts'
import {
  Cancelled,
  Placed,
  type PlacedInput,
  type PlacedV1,
  Refunded,
  type RefundedV1,
  type ShopCatalogueTopicEvents,
  type ShopEvents,
  type ShopTopics,
  type Upcaster,
} from '../testdata/generated/shop.ts'
import { commonSchemas, shopSchemas, shopTopics } from '../testdata/shop-schemas.ts'
import { everyVersionUpcasts } from './every-version-upcasts.ts'

const folder = new URL('../testdata/generated/', import.meta.url)
const generated = () => generateEvents({ schemas: [...shopSchemas, ...commonSchemas], topics: shopTopics })

const ordered = { lines: [{ sku: 'a', kind: 'SERVICE' as const }], total: '12.30' }

describe('generated code', () => {
  it('is what the schemas give, and compiles with the rest of this package', async () => {
    const files = generated()
    expect(files.map(({ path }) => path)).toEqual(['common.ts', 'shop.ts'])
    for (const { path, text } of files) await expect(text).toMatchFileSnapshot(fileURLToPath(new URL(path, folder)))
  })

  it.each(generated())('is formatted as the formatter would leave it: $path', async ({ path, text }) => {
    const root = fileURLToPath(new URL('../../../../', import.meta.url))
    const formatting = promisify(execFile)('node_modules/.bin/oxfmt', ['--stdin-filepath', `generated-${path}`], {
      cwd: root,
    })
    formatting.child.stdin?.end(text)
    expect((await formatting).stdout).toBe(text)
  })

  it('has the schema, the names and the guids', () => {
    expect(Placed.eventName).toBe('shop.Placed')
    for (const { schema, guid } of Placed.versions) expect(avroType(schema as object).fingerprint).toBe(guid)
    const type = avroType(Placed.newest.schema as object)
    expect(type.decode(type.encode(Placed(ordered).data))).toMatchObject({
      lines: [{ sku: 'a', count: 1, kind: 'SERVICE' }],
      aRatherLongNameForTheCurrencyOfThePricesOfTheLines: 'EUR',
    })
  })

  it('has a type that schemas share once, in the versions that each of them uses', () => {
    const [first, second] = Refunded.versions
    expect(first?.references).toEqual([{ subject: 'common.Money', version: 1, type: Money }])
    expect(second?.references?.map(({ type, version }) => `${type.name} ${version}`)).toEqual([
      'common.Money 2',
      'shop.Discount 1',
      'common.IbanDigits 1',
    ])
    expectTypeOf<RefundedV1['amount']>().toEqualTypeOf<MoneyV1>()
    expectTypeOf<MoneyV1['currency']>().toEqualTypeOf<'EUR' | 'CHF'>()
    expectTypeOf<ReadOf<typeof Refunded, 2>['amount']>().toEqualTypeOf<MoneyOfToday>()
    const written = Refunded({ amount: { cents: 5n }, discounts: [{ off: { cents: 1n, currency: 'DKK' } }] })
    const { data } = inMemoryCodec([Refunded]).encode('t', written)
    expect(data).toEqual({
      amount: { cents: 5n, currency: 'EUR', rounding: 'NONE' },
      discounts: [{ off: { cents: 1n, currency: 'DKK', rounding: 'NONE' }, code: '' }],
      to: null,
    })
    everyVersionUpcasts({ events: [Refunded], upcasters: [] }, { print: () => {} })
  })

  it('types every version, so that upcasters go from version to version', () => {
    const later: Upcaster<'shop.Placed', 1, 2> = ({ lines, total, paidWith }) => ({ lines, total, paidWith })
    expect(upcast(Placed, { from: 1, to: 2 }, later).from).toBe(1)
    expect(eventAt(Placed, 1, ordered)).toMatchObject({ version: 1 })
    expectTypeOf<Parameters<Upcaster<'shop.Placed', 1, 2>>>().toEqualTypeOf<[PlacedV1]>()
    expectTypeOf<ReturnType<Upcaster<'shop.Placed', 1, 2>>>().toEqualTypeOf<PlacedInput>()
    expectTypeOf<PlacedV1['lines'][number]['kind']>().toEqualTypeOf<'GOODS' | 'SERVICE'>()
    expectTypeOf<ShopTopics['shop.catalogue']>().toEqualTypeOf<ShopCatalogueTopicEvents>()
    expectTypeOf<ShopEvents['shop.Cancelled']>().toEqualTypeOf<Readonly<Record<string, never>>>()
    // @ts-expect-error version 1 does not say when
    expect(() => eventAt(Placed, 1, { ...ordered, at: new Date() })).not.toThrow()
    // @ts-expect-error there is no version 3
    expect(() => eventAt(Placed, 3, ordered)).toThrow()
    expect(Cancelled({})).toEqual({ type: 'shop.Cancelled', data: {} })
  })
})
