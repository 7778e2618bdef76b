import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const setMode = async (path: string, mode: string | null) => (await registry.call('PUT', path, { mode })).body

describe('READONLY', () => {
  it('of a subject, a context, the default context or all of them refuses changes', async () => {
    for (const [scope, subject] of [
      ['/mode/s', 's'],
      ['/mode/:.ctx:', ':.ctx:s'],
      ['/mode', 's'],
      ['/mode/:.__GLOBAL:', ':.ctx:s'],
    ] as const) {
      expect(await setMode(scope, 'READONLY')).toEqual({ mode: 'READONLY' })
      const context = subject === 's' ? '' : ':.ctx:'
      const reason = refusal(42205, `Subject ${subject} in context ${context} is in read-only mode`)
      expect(await registry.register(subject, record(1))).toEqual(reason)
      expect((await registry.call('PUT', `/config/${subject}`, { compatibility: 'NONE' })).body).toEqual(reason)
      expect(await registry.get(`/mode/${subject}?defaultToGlobal=true`)).toEqual({ mode: 'READONLY' })
      expect(await setMode(scope, null)).toEqual({})
    }
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
  })

  it('still answers whoever registers what is there', async () => {
    await registry.register('s', record(1))
    await setMode('/mode', 'READONLY')
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1, version: 1 })
    expect(await registry.register('s', record(2))).toMatchObject({ error_code: 42205 })
  })

  it('of a subject wins over the mode of everything, unless that is READONLY_OVERRIDE', async () => {
    await setMode('/mode', 'READONLY')
    await setMode('/mode/s', 'READWRITE')
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
    await setMode('/mode', 'READONLY_OVERRIDE')
    expect(await registry.register('s', record(2))).toMatchObject({ error_code: 42205 })
  })
})

describe('IMPORT', () => {
  it('lets the caller say id and version, and asks for no compatibility', async () => {
    expect(await setMode('/mode/s', 'IMPORT')).toEqual({ mode: 'IMPORT' })
    expect(await registry.register('s', '"string"', { id: 100, version: 5 })).toMatchObject({ id: 100, version: 5 })
    expect(await registry.register('s', '"int"', { id: 7, version: 2 })).toMatchObject({ id: 7, version: 2 })
    expect(await registry.get('/subjects/s/versions')).toEqual([2, 5])
    await setMode('/mode/s', 'READWRITE')
    await registry.call('PUT', '/config/s', { compatibility: 'NONE' })
    expect(await registry.register('s', '"long"')).toMatchObject({ id: 101, version: 6 })
  })

  it('does not judge and does not normalize what another registry had', async () => {
    await setMode('/mode', 'IMPORT')
    const odd = '{"type":"record","name":"a-b","fields":[{"name":"f","type":"int","default":"x"}]}'
    expect(await registry.register('s', odd, { id: 3, version: 1 }, '?normalize=true')).toMatchObject({ schema: odd })
  })

  it('needs an id, and an id needs IMPORT', async () => {
    const reason = (mode: string) => refusal(42205, `Subject s in context  is not in ${mode} mode`)
    expect(await registry.register('s', record(1), { id: 1 })).toEqual(reason('import'))
    await setMode('/mode', 'IMPORT')
    expect(await registry.register('s', record(1))).toEqual(reason('read-write'))
    await registry.register('s', record(1), { id: 1, version: 1 })
    // Clients that register before they write find what was imported.
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
  })

  it('keeps an id for one content', async () => {
    await setMode('/mode', 'IMPORT')
    await registry.register('s', record(1), { id: 1, version: 1 })
    expect(await registry.register('s', record(2), { id: 1, version: 2 })).toEqual(
      refusal(42205, 'Overwrite new schema with id 1 in context  is not permitted.'),
    )
    expect(await registry.register('s', record(1), { id: 2, version: 1 })).toEqual(
      refusal(42207, 'Schema already registered with id 1 instead of input id 2'),
    )
    expect(await registry.register('s', record(1), { id: 2 })).toMatchObject({ error_code: 42207 })
    expect(await registry.register('s', record(1), { id: 2, version: 2 })).toMatchObject({ id: 2, version: 2 })
    expect(await registry.register('s', record(1), { id: 1, version: 1 })).toMatchObject({ id: 1, version: 1 })
    expect(await registry.get('/subjects/s/versions')).toEqual([1, 2])
  })

  it('is entered by an empty subject; what was softly deleted goes for good', async () => {
    await registry.register('s', record(1))
    expect(await setMode('/mode/s', 'IMPORT')).toEqual(refusal(42205, 'Cannot import since found existing subjects'))
    expect(await setMode('/mode', 'IMPORT')).toMatchObject({ error_code: 42205 })
    expect(await setMode('/mode/s?force=true', 'IMPORT')).toEqual({ mode: 'IMPORT' })
    await setMode('/mode/s', null)
    await registry.call('DELETE', '/subjects/s')
    expect(await setMode('/mode/s', 'IMPORT')).toEqual({ mode: 'IMPORT' })
    expect(await registry.get('/subjects?deleted=true')).toEqual([])
    expect(registry.topic.records.map(({ key }) => String(key))).toContain(
      '{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}',
    )
    // The id may be given another meaning by whoever imports.
    expect(await registry.register('s', record(9), { id: 1, version: 1 })).toMatchObject({ id: 1 })
  })
})

describe('other modes', () => {
  it('FORWARD is for all contexts together', async () => {
    const reason = refusal(42204, 'Forward mode only supported on global level')
    expect(await setMode('/mode', 'FORWARD')).toEqual(reason)
    expect(await setMode('/mode/s', 'FORWARD')).toEqual(reason)
    expect(await setMode('/mode/:.__GLOBAL:s', 'FORWARD')).toEqual(reason)
    expect(await setMode('/mode/:.__GLOBAL', 'FORWARD')).toEqual({ mode: 'FORWARD' })
    expect(await registry.get('/mode/:.__GLOBAL:')).toEqual({ mode: 'FORWARD' })
  })

  it.each(['', 'X', 5, true, {}])('%j is none', async (mode) => {
    expect((await registry.call('PUT', '/mode', { mode })).body).toEqual(
      refusal(42204, 'Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.'),
    )
    expect((await registry.call('PUT', '/mode', {})).body).toMatchObject({ error_code: 42204 })
  })
})

describe('taking a mode away', () => {
  it('brings back the one that held before', async () => {
    await setMode('/mode', 'READONLY')
    await setMode('/mode/s', 'READWRITE')
    expect((await registry.call('DELETE', '/mode/s')).body).toEqual({ mode: 'READWRITE' })
    expect(await registry.get('/mode/s?defaultToGlobal=true')).toEqual({ mode: 'READONLY' })
    expect((await registry.call('DELETE', '/mode/s')).body).toEqual(refusal(40401, "Subject 's' not found."))
    expect((await registry.call('DELETE', '/mode')).body).toEqual({ mode: 'READONLY' })
    expect(await registry.get('/mode')).toEqual({ mode: 'READWRITE' })
  })

  it('recursively is done for all subjects of the context', async () => {
    for (const path of ['/mode/:.ctx:', '/mode/:.ctx:a', '/mode/:.ctx:b', '/mode/a', '/mode/:.other:a']) {
      await setMode(path, 'READONLY')
    }
    expect((await registry.call('DELETE', '/mode/:.ctx:')).body).toEqual({ mode: 'READONLY' })
    expect(await registry.get('/mode/:.ctx:a')).toEqual({ mode: 'READONLY' })
    expect((await registry.call('DELETE', '/mode/:.ctx:?recursive=true')).body).toEqual({})
    expect(await registry.get('/mode/:.ctx:b')).toEqual(
      refusal(40409, "Subject ':.ctx:b' does not have subject-level mode configured"),
    )
    expect(await registry.get('/mode/:.other:a')).toEqual({ mode: 'READONLY' })
    await registry.call('DELETE', '/mode?recursive=true')
    expect(await registry.get('/mode/a')).toMatchObject({ error_code: 40409 })
  })
})
