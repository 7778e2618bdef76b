import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const put = async (path: string, body: object) => (await registry.call('PUT', path, body)).body

describe('what is set', () => {
  it('is kept and shown with all its members; those not named stay, and null clears', async () => {
    const given = {
      alias: 'other',
      normalize: true,
      validateFields: true,
      validateNewSchemas: false,
      validateRules: true,
      compatibility: 'FULL',
      compatibilityPolicy: 'STRICT',
      compatibilityGroup: 'major',
      defaultMetadata: { properties: { owner: 'a' } },
      overrideMetadata: { tags: { '**.ssn': ['PII'] }, sensitive: ['owner'] },
      defaultRuleSet: { domainRules: [{ name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', disabled: false }] },
      overrideRuleSet: { domainRules: [{ name: 'q', kind: 'TRANSFORM', mode: 'READ', type: 'CEL', disabled: true }] },
    }
    const { compatibility, ...others } = given
    expect(await put('/config/s', given)).toEqual(given)
    expect(await registry.get('/config/s')).toEqual({ ...others, compatibilityLevel: compatibility })
    expect(await put('/config/s', { compatibility: 'NONE', unknown: 1 })).toEqual({ ...given, compatibility: 'NONE' })
    const { alias: _, compatibilityGroup: __, ...left } = given
    expect(await put('/config/s', { alias: null, compatibilityGroup: null })).toEqual({
      ...left,
      compatibility: 'NONE',
    })
    expect((await registry.call('DELETE', '/config/s')).body).toMatchObject({ compatibilityLevel: 'NONE' })
    expect(await registry.get('/config/s')).toMatchObject({ error_code: 40408 })
  })

  it('survives a restart', async () => {
    await put('/config/s', { normalize: true, defaultMetadata: { properties: { b: '1', a: '2' } } })
    const before = await registry.get('/config/s')
    const topic = registry.compacted()
    await registry.close()
    registry = await RegistryUnderTest.start(topic)
    expect(await registry.get('/config/s')).toEqual(before)
  })

  it.each([
    [{ compatibility: 'UPWARD' }, 42203],
    [{ compatibilityLevel: 'FULL' }, 42203],
    [{}, 42203],
    [{ compatibilityPolicy: 'ODD' }, 42203],
    [{ normalize: 'maybe' }, 400],
    [{ alias: 5 }, 400],
    [{ defaultMetadata: { properties: [] } }, 400],
    [{ defaultRuleSet: { domainRules: [{ name: 'r' }] } }, 42210],
  ])('must be known: %j', async (body, code) => {
    expect(await put('/config', body)).toMatchObject({ error_code: code })
    expect(registry.topic.records).toHaveLength(0)
  })

  it('for a subject is completed from what is set for all', async () => {
    await put('/config', { compatibility: 'FULL', normalize: true, defaultMetadata: { properties: { a: 'b' } } })
    await put('/config/s', { compatibilityGroup: 'g' })
    expect(await registry.get('/config/s?defaultToGlobal=true')).toEqual({
      normalize: true,
      compatibilityLevel: 'FULL',
      compatibilityGroup: 'g',
    })
    expect(await registry.get('/config/t?defaultToGlobal=true')).toMatchObject({ defaultMetadata: {} })
  })
})

describe('an alias', () => {
  it('stands for the subject in every path, except where it is set', async () => {
    await registry.register('real', record(1))
    await put('/config/nick', { alias: 'real' })
    expect(await registry.get('/subjects/nick/versions/latest')).toMatchObject({ subject: 'real' })
    expect(await registry.register('nick', record(2))).toMatchObject({ version: 2 })
    expect(await registry.get('/schemas/ids/1?subject=nick')).toMatchObject({ subject: 'real' })
    const test = { schema: record(3) }
    expect((await registry.call('POST', '/compatibility/subjects/nick/versions/1', test)).body).toEqual({
      is_compatible: true,
    })
    expect(await registry.get('/config/nick')).toMatchObject({ alias: 'real' })
    expect(await registry.get('/config/real')).toMatchObject({ error_code: 40408 })
    expect(await registry.get('/schemas?subjectPrefix=nick')).toEqual([])
    expect(await registry.get('/schemas?subjectPrefix=nick&aliases=true&latestOnly=true')).toMatchObject([
      { subject: 'real', version: 2, aliases: ['nick'] },
    ])
  })

  it('is in the context of its own name', async () => {
    await registry.register(':.ctx:real', record(1))
    await put('/config/:.ctx:nick', { alias: 'real' })
    expect(await registry.get('/subjects/:.ctx:nick/versions/1')).toMatchObject({ subject: ':.ctx:real' })
  })
})

describe('normalize', () => {
  const odd = '{"type":"record","name":"x.R","fields":[{"name":"a","type":{"type":"string","b":1,"a":2}}]}'

  it('is asked for in the query or set', async () => {
    const { id: asIs } = await registry.register('s', odd)
    const { id: normalized } = await registry.register('t', odd, {}, '?normalize=true')
    expect(asIs).not.toBe(normalized)
    await put('/config/s', { normalize: true })
    expect(await registry.register('s', odd)).toMatchObject({ id: normalized, version: 2 })
    expect((await registry.call('POST', '/subjects/t', { schema: odd })).body).toMatchObject({ error_code: 40403 })
    expect((await registry.call('POST', '/subjects/t?normalize=true', { schema: odd })).body).toMatchObject({
      version: 1,
    })
  })
})

describe('validateNewSchemas', () => {
  it('false lets names and defaults pass that Avro does not allow', async () => {
    const odd = '{"type":"record","name":"R","fields":[{"name":"f","type":"int","default":"x"}]}'
    expect(await registry.register('s', odd)).toMatchObject({ error_code: 42201 })
    await put('/config/s', { validateNewSchemas: false })
    expect(await registry.register('s', odd)).toMatchObject({ id: 1 })
  })
})

describe('a compatibility group', () => {
  it('compares only versions with the same value of the property', async () => {
    await put('/config/s', { compatibilityGroup: 'major' })
    const major = (value: string) => ({ metadata: { properties: { major: value } } })
    await registry.register('s', '"string"', major('1'))
    expect(await registry.register('s', '"int"', major('1'))).toMatchObject({ error_code: 409 })
    expect(await registry.register('s', '"int"', major('2'))).toMatchObject({ version: 2 })
    expect(await registry.register('s', '"long"', major('2'))).toMatchObject({ version: 3 })
    const test = { schema: '"string"', ...major('2') }
    expect((await registry.call('POST', '/compatibility/subjects/s/versions', test)).body).toEqual({
      is_compatible: false,
    })
  })
})

describe('force', () => {
  it('registers what is not compatible', async () => {
    await registry.register('s', '"string"')
    expect(await registry.register('s', '"int"')).toMatchObject({ error_code: 409 })
    expect(await registry.register('s', '"int"', {}, '?force=true')).toMatchObject({ version: 2 })
  })
})

describe('levels', () => {
  it('name themselves in the messages, together with validateFields', async () => {
    await registry.register('s', '"string"')
    await put('/config/s', { compatibility: 'FORWARD', validateFields: true })
    expect(await registry.register('s', '"int"')).toEqual(
      refusal(409, expect.stringContaining("{validateFields: 'true', compatibility: 'FORWARD'}")),
    )
  })
})

describe('reserved fields', () => {
  it('may neither be used nor given up when fields are validated', async () => {
    const reserved = (names: string) => ({ metadata: { properties: { 'confluent:reserved': names } } })
    await registry.register('s', record(1), reserved('f5, f6'))
    await put('/config/s', { validateFields: true })
    expect(await registry.register('s', record(6))).toEqual(
      refusal(409, expect.stringContaining('The new schema has field that conflicts with the reserved field f5.')),
    )
    expect(await registry.register('s', record(2), reserved('f5'))).toEqual(
      refusal(409, expect.stringContaining('The new schema has reserved field f6 removed from its metadata')),
    )
    expect(await registry.register('s', record(2), reserved('f5,f6,f7'))).toMatchObject({ version: 2 })
  })
})
