import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest, TYPE } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const nested = (depth: number) => `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`
const field = (name: string) => JSON.stringify({ type: 'record', name: 'R', fields: [{ name, type: 'int' }] })

/** Schemas that older registries may have stored: looking for one is no mistake. */
const storable = [
  ['empty', ''],
  ['blank', ' \n'],
  ['named to be injected', JSON.stringify({ type: 'record', name: "R'); process.exit(); ('", fields: [] })],
  ['with a field that is code', field('constructor; while(1);//')],
  ['with a field named like a path', field('../../etc/passwd')],
  ['with a default of another type', '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"0"}]}'],
] as const

const twoFields = '{"name":"a","type":"int"},{"name":"a","type":"int"}'

describe('a schema that is', () => {
  it.each([
    ['no JSON', '{"type":', 42201],
    ['followed by something', '"int" "int"', 42201],
    ['a number', '5', 42201],
    ['of an unknown type', '"Nowhere"', 42201],
    ['with a field twice', `{"type":"record","name":"R","fields":[${twoFields}]}`, 42201],
    ['300 KB long', JSON.stringify({ type: 'record', name: 'R', doc: 'x'.repeat(300_000), fields: [] }), 42209],
    ['10,000 fields wide', record(10_000), 42209],
    ['1,000 levels deep', nested(1000), 42209],
    ['100,000 brackets deep', '['.repeat(100_000), 42209],
  ])('%s is refused wherever it is sent', async (_, schema, code) => {
    for (const path of ['/subjects/s/versions', '/compatibility/subjects/s/versions/latest', '/subjects/s']) {
      const { status, type, body } = await registry.call('POST', path, { schema })
      expect([status, type, body]).toEqual([422, TYPE, refusal(code, expect.stringMatching(/./))])
    }
    expect(registry.topic.records).toHaveLength(0)
  })

  it.each(storable)('%s is refused when it is new', async (_, schema) => {
    for (const path of ['/subjects/s/versions', '/compatibility/subjects/s/versions/latest']) {
      const { status, body } = await registry.call('POST', path, { schema })
      expect([status, body]).toEqual([422, refusal(42201, expect.stringMatching(/./))])
    }
    expect((await registry.call('POST', '/subjects/s', { schema })).body).toEqual(
      refusal(40401, "Subject 's' not found."),
    )
    expect(registry.topic.records).toHaveLength(0)
  })

  it('named like what every object has is stored as it is', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(await registry.register(`s-${name}`, field(name))).toMatchObject({ schema: field(name) })
    }
    expect(await registry.register('s-__proto__', field('other'))).toMatchObject({ error_code: 409 })
  })
})

describe('a body that is', () => {
  const path = '/subjects/s/versions'

  it.each([
    ['cut off', '{"schema":"\\"int\\""', 400],
    ['a list', '[]', 400],
    ['a text', '"x"', 400],
    ['null', 'null', 422],
    ['missing', undefined, 422],
    ['blank', '  ', 422],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400],
    ['twice of two minds', '{"schema":"\\"int\\"","schema":"\\"long\\""}', 400],
    ['of two minds inside', '{"schema":"\\"int\\"","metadata":{"properties":{"a":"1","a":"2"}}}', 400],
    ['too large', `{"schema":"${'x'.repeat(1_100_000)}"}`, 413],
    [
      'deeper than anybody looks',
      `{"schema":"\\"int\\"","metadata":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      400,
    ],
  ])('%s is refused', async (_, body, status) => {
    expect(await registry.call('POST', path, body)).toMatchObject({ status, type: TYPE, body: { error_code: status } })
    expect(registry.topic.records).toHaveLength(0)
  })

  it.each([
    [{ schema: 5 }],
    [{ schema: {} }],
    [{ schema: '"int"', schemaType: 5 }],
    [{ schema: '"int"', version: 'one' }],
    [{ schema: '"int"', version: 1.5 }],
    [{ schema: '"int"', version: 2 ** 31 }],
    [{ schema: '"int"', id: true }],
    [{ schema: '"int"', references: {} }],
  ])('of the wrong types is refused: %j', async (body) => {
    expect((await registry.call('POST', path, body)).body).toEqual(refusal(400, expect.stringMatching(/must/)))
  })

  it('of numbers in quotes is taken, as other registries take it', async () => {
    expect((await registry.call('POST', path, { schema: '"int"', version: '1', id: '-1' })).body).toMatchObject({
      version: 1,
    })
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json', 'multipart/form-data'])(
    'called %s is refused',
    async (type) => {
      expect(await registry.call('POST', path, { schema: '"int"' }, { 'content-type': type })).toMatchObject({
        status: 415,
        type: TYPE,
        body: refusal(415, 'HTTP 415 Unsupported Media Type'),
      })
    },
  )
})

describe('a path that', () => {
  it.each(['/subjects/%zz/versions', '/subjects/%E0%A4%A/versions', '/%', '/subjects/%', '/config/%c3%28'])(
    'is not encoded properly leads nowhere: %s',
    async (path) => {
      expect(await registry.call('GET', path)).toMatchObject({
        status: 404,
        type: TYPE,
        body: refusal(404, 'HTTP 404 Not Found'),
      })
    },
  )

  it.each(['a\u0000b', 'a\nb', '\u007f', '\u0085', '__GLOBAL', ':.ctx:__EMPTY', 'x'.repeat(5000)])(
    'names the subject %j is refused where something would be written',
    async (subject) => {
      const name = encodeURIComponent(subject)
      const invalid = {
        error_code: 42208,
        message: expect.stringMatching(/^The specified subject '[^]+' is not a valid\.$/),
      }
      expect(await registry.register(subject, '"int"')).toEqual(invalid)
      expect((await registry.call('PUT', `/config/${name}`, { compatibility: 'NONE' })).body).toEqual(invalid)
      expect((await registry.call('PUT', `/mode/${name}`, { mode: 'READONLY' })).body).toEqual(invalid)
      expect(await registry.get(`/subjects/${name}/versions`)).toMatchObject({ error_code: 40401 })
    },
  )

  it.each([
    "'; DROP TABLE subjects; --",
    '../../etc/passwd',
    '<script>',
    '${jndi:x}',
    '{"keytype":"CONFIG"}',
    '\u202eabc',
  ])('names a subject to be injected gets just that: %j', async (subject) => {
    const name = encodeURIComponent(subject)
    expect(await registry.register(subject, '"int"')).toMatchObject({ version: 1 })
    expect(await registry.get('/subjects')).toEqual([subject])
    expect(await registry.get(`/subjects/${name}/versions/latest`)).toMatchObject({ subject })
  })

  it.each(['0', '-2', '2147483648', '1e1', '0x1', 'last', '1.0', '１'])(
    'names version %s is refused',
    async (version) => {
      await registry.register('s', '"int"')
      expect((await registry.call('GET', `/subjects/s/versions/${encodeURIComponent(version)}`)).body).toEqual(
        refusal(
          42202,
          `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
        ),
      )
    },
  )

  it.each(['x', '1e3', '99999999999', '1.5'])('names id %s leads nowhere', async (id) => {
    expect(await registry.get(`/schemas/ids/${id}`)).toEqual(refusal(404, 'HTTP 404 Not Found'))
  })

  it('is longer than a server reads is refused in the same form', async () => {
    const { status, body } = await registry.call('GET', `/subjects/${'x'.repeat(20_000)}/versions`)
    expect([status, body]).toEqual([431, refusal(431, 'HTTP 431 Request Header Fields Too Large')])
  })
})
