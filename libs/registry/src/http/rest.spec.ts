import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { request as httpRequest } from 'node:http'
import { MemorySchemaLog, MemorySchemaTopic } from '../log/memory-schema-log.ts'
import { type RunningRegistry, startRegistry } from './start-registry.ts'

const TYPE = 'application/vnd.schemaregistry.v1+json'
const TIME_MS = 1_700_000_000_000

let topic: MemorySchemaTopic
let registry: RunningRegistry

const start = () => startRegistry({ log: new MemorySchemaLog(topic, () => TIME_MS), port: 0 })

beforeEach(async () => {
  topic = new MemorySchemaTopic()
  registry = await start()
})

afterEach(() => registry.close())

interface Answer {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
  readonly body: unknown
}

/** One request over a real socket, its path sent as it is. */
function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      registry.url + path,
      { method, headers: { 'content-type': TYPE, ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const parsed: unknown = text.startsWith('{"type"') ? text : JSON.parse(text || 'null')
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], text, body: parsed })
        })
      },
    )
    request.on('error', reject)
    request.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body))
  })
}

/** A record with `fields` int fields, all but the first with a default. */
function record(fields: number, more: object = {}): string {
  const list = Array.from({ length: fields }, (_, index) => ({
    name: `f${index}`,
    type: 'int',
    ...(index === 0 ? {} : { default: 0 }),
  }))
  return JSON.stringify({ type: 'record', name: 'R', fields: list, ...more })
}

const register = (subject: string, schema: string, more: object = {}) =>
  call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema, ...more })
const error = (code: number, message: unknown) => ({ error_code: code, message })

describe('registering', () => {
  it('gives the schema an id and a version', async () => {
    const { status, type, body } = await register('s', record(1))
    expect({ status, type }).toEqual({ status: 200, type: TYPE })
    expect(body).toEqual({
      id: 1,
      version: 1,
      guid: '5fddb9e1-e94c-2e02-c151-b9b7703c9d99',
      schemaType: 'AVRO',
      schema: record(1),
    })
  })

  it('the same schema again changes nothing, and on another subject keeps the id', async () => {
    await register('s', record(1))
    expect((await register('s', JSON.stringify(JSON.parse(record(1)), null, 2))).body).toMatchObject({
      id: 1,
      version: 1,
    })
    expect(topic.records).toHaveLength(1)
    expect((await register('other', record(1))).body).toMatchObject({ id: 1, version: 1 })
    expect((await register('other', record(2))).body).toMatchObject({ id: 2, version: 2 })
  })

  it('takes {"type":"string"} and "string" for the same schema, and another property for another one', async () => {
    await register('s', '"string"')
    expect((await register('s', '{"type": "string"}')).body).toMatchObject({ id: 1 })
    expect((await register('s', '{"type":"string","x":1}')).body).toMatchObject({ id: 2 })
  })

  it('a hundred times at once, gives one id', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => register('s', record(3))))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(topic.records).toHaveLength(1)
  })

  it('refuses what cannot read older versions, saying which field of which version', async () => {
    await register('s', record(1))
    const { status, body } = await register('s', '{"type":"record","name":"R","fields":[{"name":"new","type":"int"}]}')
    expect(status).toBe(409)
    expect(body).toEqual(
      error(
        409,
        `Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'new' at path '/fields/0' in the new schema has no default value and is missing in the old schema', additionalInfo:'new'}, {oldSchemaVersion: 1}, {oldSchema: '${record(1)}'}, {validateFields: 'false', compatibility: 'BACKWARD_TRANSITIVE'}]`,
      ),
    )
  })

  it('looks at every version by default', async () => {
    const withDefault = (text: string) =>
      `{"type":"record","name":"R","fields":[{"name":"f0","type":"int"},{"name":"b","type":"int"${text}}]}`
    await register('s', record(1))
    await register('s', withDefault(',"default":0'))
    expect((await register('s', withDefault(''))).status).toBe(409)
    await call('PUT', '/config/s', { compatibility: 'BACKWARD' })
    expect((await register('s', withDefault(''))).status).toBe(200)
  })

  it('compares and sets when a version is given', async () => {
    expect((await register('s', record(1), { version: 1 })).status).toBe(200)
    expect((await register('s', record(2), { version: 5 })).body).toMatchObject({ error_code: 42201 })
    expect((await register('s', record(2), { version: -1 })).body).toMatchObject({ version: 2 })
    expect((await register('s', record(3), { version: 3 })).body).toMatchObject({ version: 3 })
  })

  it('passes over members it does not know', async () => {
    expect((await register('s', record(1), { metadata: null, ruleSet: { x: 1 }, newer: true })).status).toBe(200)
  })

  it.each([
    ['no JSON', '{', 42201],
    [
      'a default that does not fit',
      '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}',
      42201,
    ],
    ['a name that is none', '{"type":"record","name":"a-b","fields":[]}', 42201],
    ['nothing', '', 42201],
    ['too much', `"${'x'.repeat(300_000)}"`, 42209],
  ])('refuses %s', async (_, schema, code) => {
    const { status, body } = await register('s', schema)
    expect(status).toBe(422)
    expect(body).toEqual(error(code, expect.stringMatching(/./)))
    expect(topic.records).toHaveLength(0)
  })

  it('refuses other schema types and subjects with control characters', async () => {
    expect((await register('s', '{}', { schemaType: 'JSON' })).body).toMatchObject({ error_code: 42201 })
    expect((await register('a\nb', record(1))).body).toEqual(
      error(42208, `The specified subject 'a\nb' is not a valid.`),
    )
  })

  it('is undone when the log does not take it', async () => {
    await new MemorySchemaLog(topic).claim({ id: 'other', url: 'http://127.0.0.1:1' })
    const passedOn = { 'x-forward': 'true' }
    const { body } = await call('POST', '/subjects/s/versions', { schema: record(1) }, passedOn)
    expect(body).toMatchObject({ error_code: 50004 })
    expect((await call('GET', '/subjects')).body).toEqual([])
  })
})

describe('reading', () => {
  beforeEach(async () => {
    await register('s', record(1))
    await register('s', record(2))
    await register('t', record(1))
  })

  it.each([
    ['/', {}],
    ['/subjects', ['s', 't']],
    ['/subjects?subjectPrefix=t', ['t']],
    ['/subjects?subjectPrefix=:*:', ['s', 't']],
    ['/subjects?offset=1&limit=1', ['t']],
    ['/subjects/s/versions', [1, 2]],
    ['/schemas/types', ['AVRO']],
    ['/contexts', ['.']],
    ['/config', { compatibilityLevel: 'BACKWARD_TRANSITIVE' }],
    ['/config/s?defaultToGlobal=true', { compatibilityLevel: 'BACKWARD_TRANSITIVE' }],
    ['/mode', { mode: 'READWRITE' }],
    ['/schemas/ids/1/subjects', ['s', 't']],
    ['/schemas/ids/1/subjects?subject=t', ['s', 't']],
    ['/schemas/ids/2/versions', [{ subject: 's', version: 2 }]],
    ['/subjects/s/versions/1/referencedby', []],
    ['/schemas/guids/5fddb9e1-e94c-2e02-c151-b9b7703c9d99/ids', [{ context: '.', id: 1 }]],
  ])('GET %s', async (path, body) => {
    expect(await call('GET', path)).toMatchObject({ status: 200, type: TYPE, body })
    if (path !== '/' && !path.includes('?')) expect((await call('GET', `${path}/`)).body).toEqual(body)
  })

  it('a version by number, by latest and by -1', async () => {
    const content = { guid: '7c3fd1d5-430f-d406-0459-ebadabaf643b', schemaType: 'AVRO', schema: record(2), ts: TIME_MS }
    const body = { subject: 's', version: 2, id: 2, ...content }
    for (const id of ['2', 'latest', '-1']) expect((await call('GET', `/subjects/s/versions/${id}`)).body).toEqual(body)
    expect((await call('GET', '/schemas/ids/2')).body).toEqual(content)
    expect((await call('GET', `/schemas/guids/${content.guid}`)).body).toEqual(content)
    expect((await call('GET', '/schemas/ids/1?fetchMaxId=true&subject=t')).body).toMatchObject({
      subject: 't',
      version: 1,
      maxId: 2,
    })
  })

  it('the raw text of a schema', async () => {
    expect(await call('GET', '/subjects/s/versions/2/schema')).toMatchObject({ status: 200, text: record(2) })
    expect(await call('GET', '/schemas/ids/1/schema')).toMatchObject({ status: 200, text: record(1) })
  })

  it('a version by its schema', async () => {
    expect((await call('POST', '/subjects/s', { schema: record(1) })).body).toMatchObject({
      subject: 's',
      version: 1,
      id: 1,
    })
    expect((await call('POST', '/subjects/s', { schema: record(9) })).body).toEqual(error(40403, 'Schema not found'))
    expect((await call('POST', '/subjects/x', { schema: record(1) })).body).toEqual(
      error(40401, "Subject 'x' not found."),
    )
  })

  it('all schemas, or the newest of every subject', async () => {
    const list = async (query: string) =>
      ((await call('GET', `/schemas${query}`)).body as { subject: string; version: number }[]).map(
        ({ subject, version }) => subject + version,
      )
    expect(await list('')).toEqual(['s1', 's2', 't1'])
    expect(await list('?latestOnly=true')).toEqual(['s2', 't1'])
    expect(await list('?subjectPrefix=t')).toEqual(['t1'])
  })

  it('metadata that tools ask for', async () => {
    expect((await call('GET', '/v1/metadata/id')).body).toMatchObject({
      scope: { clusters: { 'schema-registry-cluster': 'schema-registry' } },
    })
    expect((await call('GET', '/v1/metadata/version')).body).toMatchObject({ version: expect.stringMatching(/\d/) })
  })
})

describe('errors', () => {
  const version = (text: string) =>
    `The specified version '${text}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`

  it.each([
    ['GET', '/nope', 404, 404, 'HTTP 404 Not Found'],
    ['GET', '/associations/resources/ns/topic', 404, 404, 'HTTP 404 Not Found'],
    ['GET', '/schemas/ids/x', 404, 404, 'HTTP 404 Not Found'],
    ['GET', '/subjects/%zz/versions', 404, 404, 'HTTP 404 Not Found'],
    ['PATCH', '/subjects', 405, 405, 'HTTP 405 Method Not Allowed'],
    ['DELETE', '/subjects', 405, 405, 'HTTP 405 Method Not Allowed'],
    ['GET', '/schemas/ids/7', 404, 40403, 'Schema 7 not found'],
    ['GET', '/schemas/ids/7/versions', 404, 40403, 'Schema not found'],
    ['GET', '/subjects/s/versions', 404, 40401, "Subject 's' not found."],
    ['GET', '/subjects/s/versions/latest', 404, 40401, "Subject 's' not found."],
    ['GET', '/subjects/s/versions/0', 422, 42202, version('0')],
    ['GET', '/subjects/s/versions/2147483648', 422, 42202, version('2147483648')],
    ['GET', '/subjects/s/versions/-2', 422, 42202, version('-2')],
    ['GET', '/subjects/s/versions/last', 422, 42202, version('last')],
    ['DELETE', '/subjects/s', 404, 40401, "Subject 's' not found."],
    ['GET', '/config/s', 404, 40408, "Subject 's' does not have subject-level compatibility configured"],
    ['DELETE', '/config/s', 404, 40401, "Subject 's' not found."],
    ['GET', '/mode/s', 404, 40409, "Subject 's' does not have subject-level mode configured"],
  ])('%s %s', async (method, path, status, code, message) => {
    expect(await call(method, path)).toMatchObject({ status, type: TYPE, body: error(code, message) })
  })

  it.each([
    ['malformed JSON', '{"schema":', {}, 400, 400],
    ['a body that is no object', '[1]', {}, 400, 400],
    ['a schema that is no string', '{"schema":{"type":"int"}}', {}, 400, 400],
    ['no body', undefined, {}, 422, 422],
    ['another content type', '<a/>', { 'content-type': 'text/xml' }, 415, 415],
    ['a body beyond the limit', `"${'x'.repeat(1_100_000)}"`, {}, 413, 413],
  ])('%s', async (_, body, headers, status, code) => {
    const answer = await call('POST', '/subjects/s/versions', body, headers)
    expect(answer).toMatchObject({ status, type: TYPE, body: { error_code: code } })
    expect(Object.keys(answer.body as object)).toEqual(['error_code', 'message'])
  })

  it.each([
    'application/json',
    'application/vnd.schemaregistry+json',
    'application/octet-stream',
    `${TYPE}; charset=utf-8`,
  ])('%s is a content type of the API', async (type) => {
    expect((await call('POST', '/subjects/s/versions', { schema: record(1) }, { 'content-type': type })).status).toBe(
      200,
    )
  })
})

describe('subjects', () => {
  it.each(['a/b', 'a:b', 'a b', '%', 'ü', 'x'.repeat(400), 'versions'])('may be called %s', async (subject) => {
    const path = `/subjects/${encodeURIComponent(subject)}`
    expect((await call('POST', `${path}/versions`, { schema: record(1) })).status).toBe(200)
    expect((await call('GET', '/subjects')).body).toEqual([subject])
    expect((await call('GET', `${path}/versions`)).body).toEqual([1])
  })
})

describe('deleting', () => {
  beforeEach(async () => {
    await register('s', record(1))
    await register('s', record(2))
  })

  it('a version is soft first and final second', async () => {
    expect(await call('DELETE', '/subjects/s/versions/1?permanent=true')).toMatchObject({
      status: 404,
      body: error(40407, "Subject 's' Version 1 was not deleted first before being permanently deleted"),
    })
    expect(await call('DELETE', '/subjects/s/versions/1')).toMatchObject({ status: 200, text: '1' })
    expect((await call('DELETE', '/subjects/s/versions/1')).body).toEqual(
      error(40406, "Subject 's' Version 1 was soft deleted.Set permanent=true to delete permanently"),
    )
    expect((await call('GET', '/subjects/s/versions')).body).toEqual([2])
    expect((await call('GET', '/subjects/s/versions?deleted=true')).body).toEqual([1, 2])
    expect((await call('GET', '/subjects/s/versions?deletedOnly=true')).body).toEqual([1])
    expect((await call('GET', '/subjects/s/versions?deletedAsNegative=true')).body).toEqual([-1, 2])
    expect((await call('GET', '/subjects/s/versions/1')).body).toEqual(error(40402, 'Version 1 not found.'))
    expect((await call('GET', '/subjects/s/versions/1?deleted=true')).body).toMatchObject({ version: 1, deleted: true })
    expect((await call('GET', '/schemas/ids/1')).status).toBe(200)
    expect(await call('DELETE', '/subjects/s/versions/1?permanent=true')).toMatchObject({ status: 200, text: '1' })
    expect((await call('GET', '/subjects/s/versions?deleted=true')).body).toEqual([2])
    expect((await call('GET', '/schemas/ids/1')).body).toEqual(error(40403, 'Schema 1 not found'))
  })

  it('a subject is soft first and final second', async () => {
    expect((await call('DELETE', '/subjects/s?permanent=true')).body).toEqual(
      error(40405, "Subject 's' was not deleted first before being permanently deleted"),
    )
    expect(await call('DELETE', '/subjects/s')).toMatchObject({ status: 200, text: '[1,2]' })
    expect((await call('DELETE', '/subjects/s')).body).toEqual(
      error(40404, "Subject 's' was soft deleted.Set permanent=true to delete permanently"),
    )
    expect((await call('GET', '/subjects')).body).toEqual([])
    expect((await call('GET', '/subjects?deleted=true')).body).toEqual(['s'])
    expect((await call('GET', '/subjects?deletedOnly=true')).body).toEqual(['s'])
    expect(await call('DELETE', '/subjects/s?permanent=true')).toMatchObject({ status: 200, text: '[1,2]' })
    expect((await call('GET', '/subjects?deleted=true')).body).toEqual([])
  })

  it('latest falls back to the highest version that is left, and then there is none', async () => {
    await call('DELETE', '/subjects/s/versions/latest')
    expect((await call('GET', '/subjects/s/versions/latest')).body).toMatchObject({ version: 1 })
    await call('DELETE', '/subjects/s/versions/latest')
    expect((await call('GET', '/subjects/s/versions/latest')).body).toMatchObject({ error_code: 40401 })
  })

  it('a schema that comes back gets a new version and its old id', async () => {
    await call('DELETE', '/subjects/s/versions/2')
    expect((await call('POST', '/subjects/s', { schema: record(2) })).body).toMatchObject({ error_code: 40403 })
    expect((await call('POST', '/subjects/s?deleted=true', { schema: record(2) })).body).toMatchObject({ version: 2 })
    expect((await register('s', record(2))).body).toMatchObject({ id: 2, version: 3 })
    expect((await call('GET', '/subjects/s/versions?deleted=true')).body).toEqual([1, 3])
  })

  it('for good does not free the id, not even after a restart', async () => {
    await call('DELETE', '/subjects/s')
    await call('DELETE', '/subjects/s?permanent=true')
    expect((await register('s', record(3))).body).toMatchObject({ id: 3, version: 1 })
    await registry.close()
    registry = await start()
    expect((await register('t', record(4))).body).toMatchObject({ id: 4 })
    expect((await register('t', record(1))).body).toMatchObject({ id: 1 })
  })

  it('the last version for good takes level and mode with it', async () => {
    await call('PUT', '/config/s', { compatibility: 'NONE' })
    await call('PUT', '/mode/s', { mode: 'READWRITE' })
    await call('DELETE', '/subjects/s')
    expect((await call('GET', '/config/s')).status).toBe(200)
    await call('DELETE', '/subjects/s?permanent=true')
    expect((await call('GET', '/config/s')).status).toBe(404)
    expect((await call('GET', '/mode/s')).status).toBe(404)
  })

  it('deleted versions are not compared', async () => {
    await call('DELETE', '/subjects/s')
    expect((await register('s', '"string"')).body).toMatchObject({ version: 3 })
  })
})

describe('levels and modes', () => {
  it('are asked for as compatibility and answered as compatibilityLevel', async () => {
    expect((await call('PUT', '/config', { compatibility: 'full' })).body).toEqual({ compatibility: 'FULL' })
    expect((await call('GET', '/config')).body).toEqual({ compatibilityLevel: 'FULL' })
    expect((await call('PUT', '/config/not-there', { compatibility: 'NONE' })).body).toEqual({ compatibility: 'NONE' })
    expect((await call('GET', '/config/not-there')).body).toEqual({ compatibilityLevel: 'NONE' })
    expect((await call('DELETE', '/config/not-there')).body).toEqual({ compatibilityLevel: 'NONE' })
    expect((await call('DELETE', '/config')).body).toEqual({ compatibilityLevel: 'FULL' })
    expect((await call('GET', '/config')).body).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
  })

  it('must be known', async () => {
    expect((await call('PUT', '/config', { compatibility: 'SIDEWAYS' })).body).toEqual(
      error(
        42203,
        'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
      ),
    )
    expect((await call('PUT', '/mode', { mode: 'X' })).body).toEqual(
      error(42204, 'Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.'),
    )
  })

  it('are not checked against history when they change', async () => {
    await call('PUT', '/config/s', { compatibility: 'NONE' })
    await register('s', '"string"')
    expect((await register('s', '"int"')).status).toBe(200)
    expect((await call('PUT', '/config/s', { compatibility: 'BACKWARD' })).status).toBe(200)
  })

  it('READONLY allows no change', async () => {
    await call('PUT', '/mode/s', { mode: 'READONLY' })
    const refusal = error(42205, 'Subject s in context  is in read-only mode')
    expect((await register('s', record(1))).body).toEqual(refusal)
    expect((await call('PUT', '/config/s', { compatibility: 'NONE' })).body).toEqual(refusal)
    expect((await register('t', record(1))).status).toBe(200)
    expect((await call('DELETE', '/mode/s')).body).toEqual({ mode: 'READONLY' })
    expect((await register('s', record(1))).status).toBe(200)
  })
})

describe('testing compatibility', () => {
  const test = (path: string, schema: string) => call('POST', `/compatibility/subjects/s/versions${path}`, { schema })
  const breaking = '{"type":"record","name":"R","fields":[{"name":"b","type":"int"}]}'

  it('against one version or the whole history, with or without reasons', async () => {
    await register('s', record(1))
    await register('s', record(2))
    expect((await test('/latest', record(3))).body).toEqual({ is_compatible: true })
    expect((await test('/latest', breaking)).body).toEqual({ is_compatible: false })
    expect((await test('/1?verbose=true', record(3))).body).toEqual({ is_compatible: true, messages: [] })
    expect((await test('/?verbose=true', breaking)).body).toEqual({
      is_compatible: false,
      messages: expect.arrayContaining([
        expect.stringContaining("The field 'b' at path '/fields/0'"),
        '{oldSchemaVersion: 2}',
      ]),
    })
    expect(topic.records).toHaveLength(2)
  })

  it('a subject that is not there is compatible with everything, but has no version 1', async () => {
    expect((await test('/latest', record(1))).body).toEqual({ is_compatible: true })
    expect((await test('', record(1))).body).toEqual({ is_compatible: true })
    expect((await test('/1', record(1))).body).toEqual(error(40402, 'Version 1 not found.'))
  })

  it('a schema that cannot be parsed is an error, or a reason when reasons are asked for', async () => {
    expect((await test('/latest', '{')).body).toMatchObject({ error_code: 42201 })
    expect((await test('/latest?verbose=true', '{')).body).toEqual({
      is_compatible: false,
      messages: [expect.stringContaining('not valid JSON')],
    })
  })
})

describe('a restart', () => {
  it('changes nothing', async () => {
    await register('s', record(1))
    await register('s', record(2))
    await call('DELETE', '/subjects/s/versions/1')
    await call('PUT', '/config/s', { compatibility: 'FULL' })
    const paths = ['/schemas?deleted=true', '/config/s', '/schemas/ids/1', '/schemas/ids/2?fetchMaxId=true']
    const before = await Promise.all(paths.map((path) => call('GET', path)))
    await registry.close()
    registry = await start()
    expect(await Promise.all(paths.map((path) => call('GET', path)))).toEqual(before)
  })
})

describe('a port that is in use', () => {
  it('is named, and does not take the log away from the registry that has it', async () => {
    const port = Number(new URL(registry.url).port)
    const second = startRegistry({ log: new MemorySchemaLog(topic), port })
    await expect(second).rejects.toThrow(expect.objectContaining({ code: 'PORT_IN_USE' }))
    expect((await register('s', record(1))).status).toBe(200)
  })
})
