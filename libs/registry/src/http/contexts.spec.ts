import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const path = encodeURIComponent

describe('a context', () => {
  it('counts ids by itself', async () => {
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
    expect(await registry.register('s', record(2))).toMatchObject({ id: 2 })
    expect(await registry.register(':.ctx:s', record(3))).toMatchObject({ id: 1, version: 1 })
    expect(await registry.get('/schemas/ids/1')).toMatchObject({ schema: record(1) })
    expect(await registry.get(`/schemas/ids/1?subject=${path(':.ctx:')}`)).toMatchObject({
      subject: ':.ctx:s',
      version: 1,
      schema: record(3),
    })
    expect(await registry.get('/schemas/ids/2?subject=:.ctx:')).toEqual(refusal(40403, 'Schema 2 not found'))
    expect(await registry.get('/schemas/ids/1?fetchMaxId=true')).toMatchObject({ maxId: 2 })
  })

  it('is listed once it has a schema, and written down in the record of Confluent', async () => {
    expect(await registry.get('/contexts')).toEqual(['.'])
    await registry.register(':.b:s', record(1))
    await registry.register(':.a:s', record(1))
    expect(await registry.get('/contexts')).toEqual(['.', '.a', '.b'])
    expect(await registry.get('/contexts?contextPrefix=.b')).toEqual(['.b'])
    expect(await registry.get('/contexts?offset=1&limit=1')).toEqual(['.a'])
    const [first] = registry.topic.records
    expect(String(first?.key)).toBe('{"keytype":"CONTEXT","tenant":"default","context":".b","magic":0}')
    expect(String(first?.value)).toBe('{"tenant":"default","context":".b"}')
  })

  it('is part of the name of a subject, which has one spelling', async () => {
    await registry.register(':.:s', record(1))
    await registry.register(':.ctx:s', record(1))
    expect(await registry.get('/subjects')).toEqual([':.ctx:s', 's'])
    expect(await registry.get('/subjects?subjectPrefix=')).toEqual(['s'])
    expect(await registry.get('/subjects?subjectPrefix=:.ctx:')).toEqual([':.ctx:s'])
    expect(await registry.get('/subjects?subjectPrefix=:*:s')).toEqual([':.ctx:s', 's'])
    expect(await registry.get('/subjects?subjectPrefix=:*:t')).toEqual([])
    expect(await registry.get('/schemas?subjectPrefix=:.ctx:')).toMatchObject([{ subject: ':.ctx:s' }])
    expect(await registry.get('/subjects/:.:s/versions')).toEqual([1])
  })

  it('may stand before any path', async () => {
    await registry.call('POST', '/contexts/.ctx/subjects/s/versions', { schema: record(1) })
    expect(await registry.get('/contexts/.ctx/subjects')).toEqual([':.ctx:s'])
    expect(await registry.get('/contexts/:.ctx:/subjects/s/versions/latest')).toMatchObject({ subject: ':.ctx:s' })
    expect(await registry.get('/contexts/.ctx/schemas/ids/1')).toMatchObject({ subject: ':.ctx:s' })
    expect(await registry.get('/contexts/.ctx/schemas')).toMatchObject([{ subject: ':.ctx:s' }])
    expect((await registry.call('PUT', '/contexts/.ctx/config', { compatibility: 'NONE' })).status).toBe(200)
    expect(await registry.get('/config/:.ctx:')).toEqual({ compatibilityLevel: 'NONE' })
    expect(await registry.get('/contexts/.ctx/mode?defaultToGlobal=true')).toEqual({ mode: 'READWRITE' })
    expect(await registry.get('/contexts/a:b/subjects')).toMatchObject({ error_code: 400 })
  })

  it('is searched when a subject or schema without one is not in the default context', async () => {
    await registry.register(':.ctx:s', record(1))
    expect(await registry.get('/subjects/s/versions/1')).toMatchObject({ subject: ':.ctx:s' })
    expect((await registry.call('POST', '/subjects/s', { schema: record(1) })).body).toMatchObject({
      subject: ':.ctx:s',
    })
    expect(await registry.get('/schemas/ids/1?subject=s')).toMatchObject({ subject: ':.ctx:s' })
    expect(await registry.get('/subjects/s/versions')).toEqual(refusal(40401, "Subject 's' not found."))
  })

  it('is known by guid together with the others', async () => {
    const { guid } = await registry.register('s', record(1))
    await registry.register(':.ctx:s', record(9))
    await registry.register(':.ctx:s', record(1), {}, '?force=true')
    expect(await registry.get(`/schemas/guids/${String(guid)}/ids`)).toEqual([
      { context: '.', id: 1 },
      { context: '.ctx', id: 2 },
    ])
    expect(await registry.get('/schemas/guids/nope')).toEqual(refusal(40403, 'Schema nope not found'))
    expect(await registry.get('/schemas/guids/nope/ids')).toEqual([])
  })

  it('can be deleted when it is empty', async () => {
    await registry.register(':.ctx:s', record(1))
    expect((await registry.call('DELETE', '/contexts/.ctx')).body).toEqual(
      refusal(42211, "The specified context ':.ctx:' is not empty."),
    )
    await registry.call('DELETE', '/subjects/:.ctx:s')
    await registry.call('DELETE', '/subjects/:.ctx:s?permanent=true')
    expect(await registry.call('DELETE', '/contexts/.ctx')).toMatchObject({ status: 204, text: '' })
    expect(await registry.get('/contexts')).toEqual(['.'])
    // Its ids are used up all the same.
    expect(await registry.register(':.ctx:s', record(2))).toMatchObject({ id: 2 })
  })

  it('that stands for all of them holds settings and no schemas', async () => {
    expect(await registry.register(':.__GLOBAL:s', record(1))).toEqual(
      refusal(42208, "The specified subject ':.__GLOBAL:s' is not a valid."),
    )
    await registry.call('PUT', '/config/:.__GLOBAL:', { compatibility: 'FULL' })
    expect(await registry.get('/config/s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FULL' })
    expect(await registry.get('/config/:.ctx:s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FULL' })
    await registry.call('PUT', '/config/:.ctx:', { compatibility: 'FORWARD' })
    expect(await registry.get('/config/:.ctx:s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FORWARD' })
    expect(await registry.get('/config/s?defaultToGlobal=true')).toEqual({ compatibilityLevel: 'FULL' })
  })
})
