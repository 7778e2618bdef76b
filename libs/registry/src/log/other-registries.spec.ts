import { InMemoryKafka } from '@keyfold/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningRegistry, startRegistry } from '../http/start-registry.ts'

/*
 * Topics as Confluent's registry leaves them: the bytes of keys and values, version by version.
 */

type Written = readonly (readonly [key: string | null, value: string | null])[]

const v1 = '{"type":"record","name":"Paid","namespace":"bank","fields":[{"name":"amount","type":"int"}]}'
const v2 =
  '{"type":"record","name":"Paid","namespace":"bank","fields":[{"name":"amount","type":"int"},{"name":"memo","type":"string","default":""}]}'
const v3 = v2.replace('"memo"', '"note"')
const q = (schema: string) => JSON.stringify(schema)
const schemaKey = (version: number, subject = 'paid') =>
  `{"keytype":"SCHEMA","subject":"${subject}","version":${version},"magic":1}`
const NOOP = '{"keytype":"NOOP","magic":0}'

/** No schemaType, no references; global settings under "subject":null. */
const confluent5: Written = [
  [NOOP, null],
  ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL_TRANSITIVE"}'],
  [schemaKey(1), `{"subject":"paid","version":1,"id":1,"schema":${q(v1)},"deleted":false}`],
  ['{"keytype":"CONFIG","subject":"paid","magic":0}', '{"subject":"paid","compatibilityLevel":"BACKWARD"}'],
  [schemaKey(2), `{"subject":"paid","version":2,"id":2,"schema":${q(v2)},"deleted":false}`],
  ['{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}', '{"subject":"gone","version":1}'],
  [NOOP, null],
]

/** The hash in the value, references; global settings without a subject. */
const confluent7: Written = [
  ...confluent5.slice(0, 3),
  ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"BACKWARD"}'],
  [schemaKey(2), `{"subject":"paid","version":2,"id":2,"md5":"bXkgaGFzaA==","schema":${q(v2)},"deleted":false}`],
  [
    schemaKey(1, 'uses'),
    `{"subject":"uses","version":1,"id":3,"md5":"eQ==","references":[{"name":"bank.Paid","subject":"paid","version":2}],"schema":${q('{"type":"array","items":"bank.Paid"}')},"deleted":false}`,
  ],
  ['{"keytype":"MODE","subject":"uses","magic":0}', '{"subject":"uses","mode":"READONLY"}'],
]

/** The schema type is there for Avro, too; metadata, rules, contexts, members and records of kinds yet to come. */
const confluent8: Written = [
  ['{"keytype":"CONTEXT","tenant":"default","context":".eu","magic":0}', '{"tenant":"default","context":".eu"}'],
  ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"BACKWARD"}'],
  [
    schemaKey(1),
    `{"subject":"paid","version":1,"id":1,"guid":"2c4d4b4e","md5":"eA==","schemaType":"AVRO","metadata":{"properties":{"owner":"x"}},"schema":${q(v1)},"deleted":false,"ofTomorrow":{"a":[1]}}`,
  ],
  [schemaKey(2), `{"subject":"paid","version":2,"id":2,"schemaType":"AVRO","schema":${q(v2)},"deleted":false}`],
  ['{"keytype":"ASSOC","tenant":"default","subject":"paid","magic":0}', '{"resourceName":"t"}'],
  [
    schemaKey(1, ':.eu:paid'),
    `{"subject":":.eu:paid","version":1,"id":1,"schemaType":"AVRO","schema":${q(v2)},"deleted":false}`,
  ],
]

/** What no registry should write, and what keeps none from starting: each with the reason that is counted. */
const foreign: readonly (readonly [key: string | null, value: string | null, reason: string])[] = [
  [null, '{"subject":"paid"}', 'no-key'],
  ['not JSON', '{}', 'key-unreadable'],
  ['[]', '{}', 'key-unreadable'],
  ['{"subject":"paid"}', '{}', 'key-unreadable'],
  ['{"keytype":"OF_TOMORROW","subject":"paid","magic":3}', '{}', 'key-unknown'],
  ['{"keytype":"SCHEMA","subject":"paid","magic":1}', '{}', 'key-incomplete'],
  ['{"keytype":"SCHEMA","subject":"paid","version":-4,"magic":1}', '{}', 'key-incomplete'],
  ['{"keytype":"DELETE_SUBJECT","magic":0}', '{"version":1}', 'key-incomplete'],
  [schemaKey(7), 'half a val', 'value-unreadable'],
  [schemaKey(8), '[1,2]', 'value-unreadable'],
  [schemaKey(9), '{"subject":"paid","version":9}', 'value-incomplete'],
  [schemaKey(10), `{"subject":"paid","version":10,"id":0,"schema":${q(v3)}}`, 'value-incomplete'],
  [schemaKey(1, 'thief'), `{"subject":"thief","version":1,"id":1,"schema":${q(v3)},"deleted":false}`, 'id-taken'],
  ['{"keytype":"CONFIG","subject":"paid","magic":0}', '\u0000', 'value-unreadable'],
]

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A registry on a topic that somebody else wrote. */
async function startOn(...written: Written) {
  const kafka = new InMemoryKafka()
  await kafka.ensureTopics([{ name: '_schemas', partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
  const records = written.map(([key, value]) => ({ key: bytes(key), value: bytes(value) }))
  kafka.log.append({ topic: '_schemas', partition: 0, records })
  const told: unknown[] = []
  const registry = await startRegistry({ kafka, port: 0, tell: (...about) => told.push(about) })
  closers.push(() => registry.close())
  return { kafka, registry, told, call: callOf(registry) }
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

function callOf({ url }: RunningRegistry) {
  return async (method: string, path: string, body?: object): Promise<unknown> => {
    const content = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return (await fetch(url + path, { method, ...content })).json()
  }
}

/** Keys and values that were written since, of kinds that have an effect. */
function writtenSince(kafka: InMemoryKafka, count: number): readonly string[] {
  const { records } = kafka.log.partition('_schemas', 0).read(count, 'committed', 1e6)
  return records
    .map(({ key, value }) => `${String(key)} ${String(value)}`)
    .filter((text) => !text.includes('"keytype":"NOOP"'))
}

describe("a topic that Confluent's registry wrote", () => {
  it.each<readonly [string, Written]>([
    ['5.x', confluent5],
    ['7.x', confluent7],
    ['8.x', confluent8],
  ])('in version %s is read and continued, with its ids, versions and settings', async (_, written) => {
    const { call, registry } = await startOn(...written)
    expect(await call('GET', '/subjects/paid/versions')).toEqual([1, 2])
    expect(await call('GET', '/schemas/ids/1')).toMatchObject({ schema: v1, schemaType: 'AVRO' })
    expect(await call('POST', '/subjects/paid', { schema: v2 })).toMatchObject({ id: 2, version: 2 })
    expect(await call('POST', '/subjects/paid/versions', { schema: v2 })).toMatchObject({ id: 2, version: 2 })
    const fresh = await call('POST', '/subjects/paid/versions', { schema: v3 })
    expect(fresh).toMatchObject({ version: 3, id: written === confluent7 ? 4 : 3 })
    expect(await call('GET', '/config/paid?defaultToGlobal=true')).toMatchObject({ compatibilityLevel: 'BACKWARD' })
    expect(registry.registry.skipped.total).toBe(0)
  })

  it('keeps references, read-only subjects and contexts', async () => {
    const seven = await startOn(...confluent7)
    expect(await seven.call('GET', '/subjects/paid/versions/2/referencedby')).toEqual([3])
    expect(await seven.call('DELETE', '/subjects/paid/versions/2')).toMatchObject({ error_code: 42206 })
    expect(await seven.call('POST', '/subjects/uses/versions', { schema: '"int"' })).toMatchObject({
      error_code: 42205,
    })
    const eight = await startOn(...confluent8)
    expect(await eight.call('GET', '/contexts')).toEqual(['.', '.eu'])
    expect(await eight.call('GET', '/schemas/ids/1?subject=:.eu:paid')).toMatchObject({ schema: v2 })
  })

  it('is written to in the same bytes, with members of other registries left as they are', async () => {
    const { kafka, call } = await startOn(...confluent8)
    await call('POST', '/subjects/paid/versions', { schema: v3 })
    expect(await call('DELETE', '/subjects/paid/versions/1')).toBe(1)
    await call('PUT', '/config/other', { compatibility: 'NONE' })
    await call('PUT', '/config', { compatibility: 'FULL' })
    await call('PUT', '/mode/other', { mode: 'READONLY' })
    const [registered, deleted = '', ...settings] = writtenSince(kafka, confluent8.length)
    expect(registered).toBe(
      `${schemaKey(3)} {"subject":"paid","version":3,"id":3,"schemaType":"AVRO","schema":${q(v3)},"deleted":false}`,
    )
    expect(deleted.startsWith(schemaKey(1))).toBe(true)
    expect(JSON.parse(deleted.slice(schemaKey(1).length))).toEqual({
      ...JSON.parse(confluent8[2]?.[1] ?? ''),
      deleted: true,
    })
    expect(settings).toEqual([
      '{"keytype":"CONFIG","subject":"other","magic":0} {"subject":"other","compatibilityLevel":"NONE"}',
      '{"keytype":"CONFIG","magic":0} {"compatibilityLevel":"FULL"}',
      '{"keytype":"MODE","subject":"other","magic":0} {"subject":"other","mode":"READONLY"}',
    ])
  })

  it('has settings under an older key deleted under that very key, so that compaction cannot bring them back', async () => {
    const { kafka, call } = await startOn(...confluent5)
    expect(await call('DELETE', '/config')).toMatchObject({ compatibilityLevel: 'FULL_TRANSITIVE' })
    expect(writtenSince(kafka, confluent5.length)).toEqual(['{"keytype":"CONFIG","subject":null,"magic":0} null'])
  })
})

describe('records that are foreign or broken', () => {
  it('are passed over, counted by reason and told, and take nothing else with them', async () => {
    const { call, registry, told } = await startOn(
      ...confluent5,
      ...foreign.map(([key, value]) => [key, value] as const),
    )
    const counts: Record<string, number> = {}
    for (const [, , reason] of foreign) counts[reason] = (counts[reason] ?? 0) + 1
    expect(registry.registry.skipped.counts).toEqual(counts)
    expect(await call('GET', '/health')).toMatchObject({ status: 'up', skippedRecords: counts })
    expect(await call('GET', '/subjects')).toEqual(['paid'])
    expect(await call('GET', '/schemas/ids/1')).toMatchObject({ schema: v1 })
    expect(await call('POST', '/subjects/paid/versions', { schema: v3 })).toMatchObject({ id: 3, version: 3 })
    expect(told).toContainEqual([
      'warn',
      'a record of the log is passed over: it has no key, and can belong to no subject',
      { offset: confluent5.length, reason: 'no-key' },
    ])
  })

  it('are told one by one only at first, however many there are', async () => {
    const many = Array.from({ length: 500 }, (_, index) => [`broken ${index}`, null] as const)
    const { registry, told } = await startOn(...many)
    expect(registry.registry.skipped.total).toBe(500)
    expect(told.filter((about) => JSON.stringify(about).includes('passed over'))).toHaveLength(20)
  })
})
