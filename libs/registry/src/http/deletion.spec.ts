import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const remove = async (path: string) => (await registry.call('DELETE', path)).body

/** The same registry after its topic was compacted and all its processes started again. */
async function restartCompacted(): Promise<void> {
  const topic = registry.compacted()
  await registry.close()
  registry = await RegistryUnderTest.start(topic)
}

describe('an id that was given once', () => {
  it('is never given again, also when nothing with it is left in the topic', async () => {
    await registry.register('s', record(1))
    await registry.register('s', record(2))
    await remove('/subjects/s')
    await remove('/subjects/s?permanent=true')
    await restartCompacted()
    expect(await registry.get('/schemas/ids/2')).toEqual(refusal(40403, 'Schema 2 not found'))
    expect(await registry.register('s', record(3))).toMatchObject({ id: 3, version: 1 })
  })

  it('returns with its content, before and after compaction', async () => {
    for (const fields of [1, 2, 3]) await registry.register('s', record(fields))
    for (const version of [1, 2, 3]) {
      await remove(`/subjects/s/versions/${version}`)
      await remove(`/subjects/s/versions/${version}?permanent=true`)
    }
    expect(await registry.register('t', record(3))).toMatchObject({ id: 3 })
    await restartCompacted()
    expect(await registry.register('t', record(2))).toMatchObject({ id: 2 })
    expect(await registry.register('t', record(4))).toMatchObject({ id: 4 })
    await restartCompacted()
    expect(await registry.register('t', record(1))).toMatchObject({ id: 1 })
  })

  it('is remembered in a record that other registries take for a NOOP', async () => {
    await registry.register('s', record(1))
    await remove('/subjects/s')
    await remove('/subjects/s?permanent=true')
    const last = registry.topic.records.at(-1)
    expect(String(last?.key)).toBe('{"magic":0,"keytype":"NOOP"}')
    expect(JSON.parse(String(last?.value))).toEqual({
      idMax: { '.': 1 },
      retired: { '.': { '5fddb9e1-e94c-2e02-c151-b9b7703c9d99': 1 } },
    })
  })

  it('stays while another version or subject has it', async () => {
    await registry.register('s', record(1))
    await registry.register('t', record(1))
    await remove('/subjects/s')
    await remove('/subjects/s?permanent=true')
    expect(registry.topic.records.some(({ key }) => String(key).includes('NOOP'))).toBe(false)
    expect(await registry.get('/schemas/ids/1/versions')).toEqual([{ subject: 't', version: 1 }])
  })

  it('leaves the same behind whether the topic was compacted or not', async () => {
    for (const fields of [1, 2, 3]) await registry.register('s', record(fields))
    await remove('/subjects/s/versions/2')
    await remove('/subjects/s/versions/2?permanent=true')
    const paths = ['/schemas?deleted=true', '/schemas/ids/2', '/schemas/ids/3?fetchMaxId=true', '/contexts']
    const before = await Promise.all(paths.map((path) => registry.get(path)))
    await restartCompacted()
    expect(await Promise.all(paths.map((path) => registry.get(path)))).toEqual(before)
  })
})

describe('a version number', () => {
  it('is given again after the highest one was deleted for good', async () => {
    await registry.register('s', record(1))
    await registry.register('s', record(2))
    await remove('/subjects/s/versions/2')
    expect(await registry.register('s', record(3))).toMatchObject({ version: 3 })
    await remove('/subjects/s/versions/3')
    await remove('/subjects/s/versions/3?permanent=true')
    expect(await registry.register('s', record(4))).toMatchObject({ version: 3 })
  })

  it('moves on when the content of a deleted version comes back, which that one makes room for', async () => {
    await registry.register('s', record(1))
    await registry.register('s', record(2))
    await remove('/subjects/s/versions/1')
    await remove('/subjects/s/versions/2')
    expect(await registry.register('s', record(2))).toMatchObject({ id: 2, version: 3 })
    expect(await registry.get('/subjects/s/versions?deleted=true')).toEqual([1, 3])
    expect(await registry.get('/subjects/s/versions/2?deleted=true')).toEqual(refusal(40402, 'Version 2 not found.'))
  })
})

describe('deleting', () => {
  it('says what is missing before it says what is forbidden', async () => {
    await registry.register('s', record(1))
    await remove('/subjects/s')
    await registry.call('PUT', '/mode', { mode: 'READONLY' })
    expect(await remove('/subjects/t')).toEqual(refusal(40401, "Subject 't' not found."))
    expect(await remove('/subjects/s')).toMatchObject({ error_code: 40404 })
    expect(await remove('/subjects/s?permanent=true')).toEqual(
      refusal(42205, 'Subject s in context  is in read-only mode'),
    )
    expect(await remove('/subjects/s/versions/1')).toMatchObject({ error_code: 40406 })
    expect(await remove('/subjects/s/versions/latest')).toEqual(refusal(40402, 'Version -1 not found.'))
  })

  it('twice for good finds nothing any more', async () => {
    await registry.register('s', record(1))
    await registry.register('s', record(2))
    for (const query of ['', '?permanent=true']) await remove(`/subjects/s/versions/1${query}`)
    expect(await remove('/subjects/s/versions/1?permanent=true')).toEqual(refusal(40402, 'Version 1 not found.'))
    await remove('/subjects/s/versions/2')
    await remove('/subjects/s/versions/2?permanent=true')
    expect(await remove('/subjects/s?permanent=true')).toEqual(refusal(40401, "Subject 's' not found."))
  })

  it('leaves a subject listed as deleted only when nothing of it is live', async () => {
    await registry.register('s', record(1))
    await registry.register('s', record(2))
    await registry.register('t', record(1))
    await remove('/subjects/s/versions/1')
    await remove('/subjects/t')
    expect(await registry.get('/subjects')).toEqual(['s'])
    expect(await registry.get('/subjects?deletedOnly=true')).toEqual(['t'])
    expect(await registry.get('/subjects?deleted=true&deletedOnly=true')).toEqual(['t'])
    expect(await registry.get('/subjects?deleted=true')).toEqual(['s', 't'])
    expect(await registry.get('/subjects/s/versions?deletedOnly=true')).toEqual([1])
    expect(await registry.get('/schemas/ids/1/subjects?deleted=true')).toEqual(['s', 't'])
    expect(await registry.get('/schemas/ids/1/subjects')).toEqual([])
  })
})
