import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { avroType, generateEvents } from '@keyfold/avro'
import { eventAt, upcast } from '@keyfold/eventsourcing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  Cancelled,
  Placed,
  type PlacedInput,
  type PlacedV1,
  type ShopCatalogueTopicEvents,
  type ShopEvents,
  type ShopTopics,
  type Upcaster,
} from '../testdata/generated/shop.ts'
import { shopSchemas, shopTopics } from '../testdata/shop-schemas.ts'

const generatedPath = fileURLToPath(new URL('../testdata/generated/shop.ts', import.meta.url))
const ordered = { lines: [{ sku: 'a', kind: 'SERVICE' as const }], total: '12.30' }

describe('generated code', () => {
  it('is what the schemas give, and compiles with the rest of this package', async () => {
    const [file] = generateEvents({ schemas: shopSchemas, topics: shopTopics })
    expect(file?.path).toBe('shop.ts')
    await expect(file?.text).toMatchFileSnapshot(generatedPath)
  })

  it('is formatted as the formatter would leave it', async () => {
    const [file] = generateEvents({ schemas: shopSchemas, topics: shopTopics })
    const root = fileURLToPath(new URL('../../../../', import.meta.url))
    const formatting = promisify(execFile)('node_modules/.bin/oxfmt', ['--stdin-filepath', 'generated-shop.ts'], {
      cwd: root,
    })
    formatting.child.stdin?.end(file?.text)
    expect((await formatting).stdout).toBe(file?.text)
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
