import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

const MONEY = { type: 'record', name: 'Money', namespace: 'shop', fields: [{ name: 'amount', type: 'long' }] }
const ORDER = { type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'total', type: 'shop.Money' }] }
const TO_MONEY = { name: 'shop.Money', subject: 'money', version: 1 }
const RESOLVED = { ...ORDER, fields: [{ name: 'total', type: MONEY }] }

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
  await registry.register('money', MONEY)
})

afterEach(() => registry.close())

const remove = async (path: string) => (await registry.call('DELETE', path)).body
const held = (subject: string, version: number) =>
  refusal(
    42206,
    `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
  )

describe('a reference', () => {
  it('lets a schema use the types of another subject, and belongs to its identity', async () => {
    const registered = await registry.register('order', ORDER, { references: [TO_MONEY] })
    expect(registered).toMatchObject({ id: 2, version: 1, references: [TO_MONEY] })
    expect(await registry.get('/subjects/order/versions/1')).toMatchObject({ references: [TO_MONEY] })
    expect(await registry.get('/schemas/ids/2')).toMatchObject({ references: [TO_MONEY] })
    const elsewhere = { ...TO_MONEY, subject: 'other-money' }
    await registry.register('other-money', MONEY)
    expect(await registry.register('order', ORDER, { references: [elsewhere] })).toMatchObject({ id: 3, version: 2 })
  })

  it('with version -1 means the newest, and is stored as that', async () => {
    const latest = { references: [{ ...TO_MONEY, version: -1 }] }
    expect(await registry.register('order', ORDER, latest)).toMatchObject({ references: [TO_MONEY] })
    expect(await registry.register('order', ORDER, latest)).toMatchObject({ version: 1 })
  })

  it('must lead somewhere', async () => {
    const nowhere = { references: [{ ...TO_MONEY, version: 7 }] }
    expect(await registry.register('order', ORDER, nowhere)).toEqual(
      refusal(
        42201,
        'Invalid schema of type AVRO, details: No schema reference found for subject "money" and version 7',
      ),
    )
    expect(await registry.register('order', ORDER)).toMatchObject({ error_code: 42201 })
    expect(await registry.register('order', ORDER, { references: [{ name: 'x' }] })).toMatchObject({
      error_code: 42201,
    })
    expect(await registry.register('order', ORDER, { references: 'x' })).toMatchObject({ error_code: 400 })
  })

  it('without a context is looked for in that of the schema', async () => {
    const references = [TO_MONEY]
    expect(await registry.register(':.ctx:order', ORDER, { references })).toMatchObject({ error_code: 42201 })
    await registry.register(':.ctx:money', MONEY)
    expect(await registry.register(':.ctx:order', ORDER, { references })).toMatchObject({ references })
    const qualified = { ...TO_MONEY, subject: ':.ctx:money' }
    expect(await registry.get('/subjects/:.ctx:order/versions/1?referenceFormat=qualified')).toMatchObject({
      references: [qualified],
    })
    expect(await registry.get('/subjects/:.ctx:money/versions/1/referencedby')).toEqual([2])
    expect(await registry.get('/subjects/money/versions/1/referencedby')).toEqual([])
  })

  it('finds the schema also when it is sent with everything in it', async () => {
    await registry.register('order', ORDER, { references: [TO_MONEY] })
    expect((await registry.call('POST', '/subjects/order', { schema: JSON.stringify(RESOLVED) })).body).toMatchObject({
      version: 1,
    })
    expect(await registry.register('order', RESOLVED)).toMatchObject({ version: 1 })
    const { schema } = (await registry.get('/subjects/order/versions/1?format=resolved')) as { schema: string }
    expect(JSON.parse(schema)).toEqual({
      ...RESOLVED,
      fields: [{ name: 'total', type: { type: 'record', name: 'Money', fields: MONEY.fields } }],
    })
    expect((await registry.call('GET', '/schemas/ids/2/schema?format=resolved')).text).toBe(schema)
  })

  it('is followed when schemas are compared', async () => {
    await registry.register('order', ORDER, { references: [TO_MONEY] })
    const wider = { ...MONEY, fields: [{ name: 'amount', type: 'string' }] }
    await registry.call('PUT', '/config/money', { compatibility: 'NONE' })
    await registry.register('money', wider)
    const changed = { schema: JSON.stringify(ORDER), references: [{ ...TO_MONEY, version: 2 }] }
    const test = await registry.call('POST', '/compatibility/subjects/order/versions/latest?verbose=true', changed)
    expect(test.body).toMatchObject({
      is_compatible: false,
      messages: expect.arrayContaining([expect.stringContaining("The type (path '/fields/0/type/fields/0/type')")]),
    })
    expect((await registry.call('POST', '/subjects/order/versions', changed)).status).toBe(409)
  })

  it('keeps what it leads to from being deleted, softly or for good', async () => {
    await registry.register('order', ORDER, { references: [TO_MONEY] })
    expect(await remove('/subjects/money/versions/1')).toEqual(held('money', 1))
    expect(await remove('/subjects/money')).toEqual(held('money', 1))
    await remove('/subjects/order')
    expect(await registry.get('/subjects/money/versions/1/referencedby')).toEqual([])
    expect(await registry.get('/subjects/money/versions/1/referencedby?deleted=true')).toEqual([2])
    expect(await remove('/subjects/money')).toEqual([1])
    expect(await remove('/subjects/money?permanent=true')).toEqual(held('money', 1))
    await remove('/subjects/order?permanent=true')
    expect(await remove('/subjects/money?permanent=true')).toEqual([1])
  })

  it('within a subject keeps the version, and not the subject', async () => {
    await registry.call('PUT', '/config/s', { compatibility: 'NONE' })
    await registry.register('s', MONEY)
    await registry.register('s', ORDER, { references: [{ ...TO_MONEY, subject: 's' }] })
    expect(await remove('/subjects/s/versions/1')).toEqual(held('s', 1))
    expect(await remove('/subjects/s')).toEqual([1, 2])
    expect(await remove('/subjects/s?permanent=true')).toEqual([1, 2])
  })

  it('to a deleted version is no reason to forget it when its content comes back', async () => {
    await registry.call('PUT', '/config', { compatibility: 'NONE' })
    await registry.register('order', ORDER, { references: [TO_MONEY] })
    await remove('/subjects/order')
    await remove('/subjects/money/versions/1')
    expect(await registry.register('money', MONEY)).toMatchObject({ id: 1, version: 2 })
    expect(await registry.get('/subjects/money/versions?deleted=true')).toEqual([1, 2])
  })

  it('may be normalized: sorted, and each once', async () => {
    const references = [TO_MONEY, { ...TO_MONEY, subject: 'a-money' }, TO_MONEY]
    await registry.register('a-money', MONEY)
    expect(await registry.register('order', ORDER, { references }, '?normalize=true')).toMatchObject({
      references: [references[1], TO_MONEY],
    })
  })

  it('leads to only so much', async () => {
    const references = Array.from({ length: 300 }, () => TO_MONEY)
    expect(await registry.register('order', ORDER, { references })).toMatchObject({ error_code: 42209 })
    const large = Array.from({ length: 6 }, (_, index) => ({ name: `n.L${index}`, subject: `l${index}`, version: 1 }))
    for (const [index, { subject }] of large.entries()) {
      const doc = 'x'.repeat(200_000)
      await registry.register(subject, { type: 'record', name: `L${index}`, namespace: 'n', doc, fields: [] })
    }
    expect(await registry.register('order', '"n.L1"', { references: large })).toMatchObject({ error_code: 42209 })
    expect(await registry.register('order', '"n.L1"', { references: large.slice(0, 2) })).toMatchObject({ version: 1 })
  })
})
