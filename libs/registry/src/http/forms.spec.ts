import { afterEach, describe, expect, it } from 'vitest'
import type { StartRegistryOptions } from './start-registry.ts'
import { record, refusal, RegistryUnderTest, TIME_MS, TYPE } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

async function start(answers?: StartRegistryOptions['answers']): Promise<void> {
  registry = await RegistryUnderTest.start(undefined, answers ? { answers } : {})
}

afterEach(() => registry.close())

describe('HTTP', () => {
  it('HEAD answers as GET does, without the body', async () => {
    await start()
    expect(await registry.call('HEAD', '/subjects')).toMatchObject({ status: 200, type: TYPE, text: '' })
    expect(await registry.call('HEAD', '/subjects/s/versions')).toMatchObject({ status: 404, text: '' })
  })

  it('OPTIONS says which methods a path has; other methods are refused', async () => {
    await start()
    expect((await registry.call('OPTIONS', '/subjects/s/versions')).headers['allow']).toBe('GET, HEAD, POST, OPTIONS')
    expect((await registry.call('OPTIONS', '/nope')).body).toEqual(refusal(404, 'HTTP 404 Not Found'))
    for (const method of ['PATCH', 'DELETE', 'PUT']) {
      expect(await registry.call(method, '/schemas/types')).toMatchObject({
        status: 405,
        type: TYPE,
        body: refusal(405, 'HTTP 405 Method Not Allowed'),
      })
    }
  })

  it.each([
    [undefined, TYPE],
    ['', TYPE],
    ['*/*', TYPE],
    ['application/*', TYPE],
    ['application/json', 'application/json'],
    ['application/vnd.schemaregistry+json, application/json', 'application/vnd.schemaregistry+json'],
    [
      'application/vnd.schemaregistry.v2+json;q=0.1, application/vnd.schemaregistry+json; q=0.9',
      'application/vnd.schemaregistry+json',
    ],
    ['application/json;q=0.2, */*;q=0.9', TYPE],
  ])('Accept: %s is answered with %s', async (accept, type) => {
    await start()
    expect((await registry.call('GET', '/subjects', undefined, accept === undefined ? {} : { accept })).type).toBe(type)
  })

  it.each(['text/html', 'text/*', 'application/octet-stream', 'application/json;q=0'])(
    'Accept: %s is not',
    async (accept) => {
      await start()
      expect(await registry.call('GET', '/subjects', undefined, { accept })).toMatchObject({
        status: 406,
        type: TYPE,
        body: refusal(406, 'HTTP 406 Not Acceptable'),
      })
    },
  )

  it('slashes at the end count for nothing, and in the middle for something', async () => {
    await start()
    await registry.register('s', record(1))
    const test = { schema: record(2) }
    expect((await registry.call('POST', '/compatibility/subjects/s/versions/', test)).body).toEqual({
      is_compatible: true,
    })
    expect(await registry.get('/subjects/s/versions//')).toEqual([1])
    expect(await registry.get('/subjects//versions')).toEqual(refusal(404, 'HTTP 404 Not Found'))
    expect((await registry.call('POST', '//subjects//versions', test)).status).toBe(404)
  })

  it('unknown members are passed over, whatever a newer client asks for', async () => {
    await start()
    const body = { schema: record(1), newer: { x: 1 }, schemaTagsToAdd: null, propagateSchemaTags: false }
    const headers = { 'Confluent-Accept-Unknown-Properties': 'true' }
    expect((await registry.call('POST', '/subjects/s/versions?newer=1', body, headers)).status).toBe(200)
  })

  it.each(['utf-8', 'utf-16le'] as const)('a body may be in %s', async (encoding) => {
    await start()
    const mark = encoding === 'utf-8' ? '' : '\ufeff'
    const body = Buffer.from(`${mark}{"compatibility":"NONE"}`, encoding)
    expect((await registry.call('PUT', '/config', body)).body).toEqual({ compatibility: 'NONE' })
  })

  it.each([
    '/associations/resources/ns/topic',
    '/exporters',
    '/dek-registry/v1/keks',
    '/v1/metadata/deployment',
    '/a/b/c/d/e',
  ])('what is not there answers as Confluent would: %s', async (path) => {
    await start()
    for (const method of ['GET', 'POST']) {
      expect(await registry.call(method, path, method === 'GET' ? undefined : {})).toMatchObject({
        status: 404,
        type: TYPE,
        body: refusal(404, 'HTTP 404 Not Found'),
      })
    }
  })
})

describe('lists', () => {
  it('are cut by offset and limit, where no positive limit is none', async () => {
    await start()
    for (const subject of ['a', 'b', 'c'])
      for (const fields of [1, 2, 3]) await registry.register(subject, record(fields))
    expect(await registry.get('/subjects?offset=1&limit=1')).toEqual(['b'])
    expect(await registry.get('/subjects?offset=2&limit=0')).toEqual(['c'])
    expect(await registry.get('/subjects?offset=-1&limit=-1')).toEqual(['a', 'b', 'c'])
    expect(await registry.get('/subjects?offset=99')).toEqual([])
    expect(await registry.get('/subjects?offset=x&limit=y')).toEqual(['a', 'b', 'c'])
    expect(await registry.get('/subjects/a/versions?offset=1&limit=1')).toEqual([2])
    expect(await registry.get('/schemas/ids/2/subjects?offset=1')).toEqual(['b', 'c'])
    expect(await registry.get('/schemas/ids/2/versions?limit=1')).toEqual([{ subject: 'a', version: 2 }])
    expect(await registry.get('/schemas?offset=8')).toMatchObject([{ subject: 'c', version: 3 }])
    expect(await registry.get('/schemas?latestOnly=true&subjectPrefix=:*:b')).toMatchObject([
      { subject: 'b', version: 3 },
    ])
  })

  it('of schemas know of no associations', async () => {
    await start()
    await registry.register('s', record(1))
    expect(await registry.get('/schemas?resourceType=topic')).toEqual([])
    expect(await registry.get('/schemas?lifecycle=STRONG')).toEqual([])
    expect(await registry.get('/schemas?lifecycle=NONE')).toHaveLength(1)
  })
})

describe('answers in the style of', () => {
  const content = { guid: '5fddb9e1-e94c-2e02-c151-b9b7703c9d99', schemaType: 'AVRO', schema: record(1), ts: TIME_MS }

  it('8.x have everything', async () => {
    await start()
    await registry.register('s', record(1))
    expect(await registry.get('/schemas/ids/1')).toEqual(content)
    expect(await registry.get('/subjects/s/versions/1')).toEqual({ subject: 's', version: 1, id: 1, ...content })
  })

  it('7.x have less', async () => {
    await start({ members: '7.x' })
    expect(await registry.register('s', record(1))).toEqual({ id: 1 })
    expect(await registry.get('/schemas/ids/1')).toEqual({ schema: record(1) })
    const version = { subject: 's', version: 1, id: 1, schema: record(1) }
    expect(await registry.get('/subjects/s/versions/1')).toEqual(version)
    await registry.call('DELETE', '/subjects/s')
    expect(await registry.get('/subjects/s/versions/1?deleted=true')).toEqual(version)
  })

  it('either name an incompatible schema by 409 or 40901, under the same status', async () => {
    for (const incompatibleCode of [409, 40901] as const) {
      await start({ incompatibleCode })
      await registry.register('s', '"string"')
      const { status, body } = await registry.call('POST', '/subjects/s/versions', { schema: '"int"' })
      expect([status, (body as { error_code: number }).error_code]).toEqual([409, incompatibleCode])
      if (incompatibleCode === 409) await registry.close()
    }
  })
})
