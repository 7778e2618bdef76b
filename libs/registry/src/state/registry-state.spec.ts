import { describe, expect, it } from 'vitest'
import { deleteSubject } from '../decisions/delete.ts'
import { deleteConfig } from '../decisions/config.ts'
import { RegistryState } from './registry-state.ts'
import { keyBytes, type LogWrite, parseKey, schemaValueBytes } from './schema-record.ts'

/** Records as other registries wrote them: exact bytes. */
function stateOf(...records: readonly (readonly [key: string, value: string | null])[]): RegistryState {
  const state = new RegistryState('BACKWARD_TRANSITIVE')
  for (const [offset, [key, value]] of records.entries()) {
    state.apply({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), offset, timestampMs: 0 })
  }
  return state
}

const keys = (writes: readonly LogWrite[]) =>
  writes.map(({ key, value }) => key.toString() + (value === null ? '' : ` ${value.toString()}`))
const key = (version: number) => `{"keytype":"SCHEMA","subject":"s","version":${version},"magic":1}`
const value = (version: number, id: number, more = '"deleted":false') =>
  `{"subject":"s","version":${version},"id":${id},"schema":"\\"string\\"",${more}}`

describe('the bytes of records', () => {
  it("are Confluent's, member by member", () => {
    expect(String(keyBytes({ keytype: 'SCHEMA', subject: 'a"b', version: 1 }))).toBe(
      '{"keytype":"SCHEMA","subject":"a\\"b","version":1,"magic":1}',
    )
    expect(String(keyBytes({ keytype: 'CONFIG', subject: 's' }))).toBe('{"keytype":"CONFIG","subject":"s","magic":0}')
    expect(String(keyBytes({ keytype: 'CONFIG', subject: undefined }))).toBe('{"keytype":"CONFIG","magic":0}')
    expect(String(keyBytes({ keytype: 'DELETE_SUBJECT', subject: 's' }))).toBe(
      '{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}',
    )
    const stored = {
      subject: 's',
      version: 2,
      id: 7,
      schemaType: 'AVRO',
      references: [],
      schema: '"int"',
      deleted: false,
    }
    expect(String(schemaValueBytes(stored))).toBe(
      '{"subject":"s","version":2,"id":7,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
    )
    const reference = { name: 'n', subject: 'r', version: 1 }
    expect(String(schemaValueBytes({ ...stored, references: [reference] }))).toContain(
      '"references":[{"name":"n","subject":"r","version":1}],"schema"',
    )
  })

  it('of kinds without effect, and broken ones, are passed over', () => {
    for (const text of ['{"keytype":"ASSOC","tenant":"t","magic":0}', 'x', '[]', '{}']) {
      expect(parseKey(Buffer.from(text))).toBeUndefined()
    }
    expect(stateOf(['x', 'y'], [key(1), 'no json'], [key(2), '{}']).subjectNames()).toEqual([])
  })
})

describe('the state', () => {
  it('reads what older registries wrote: no schemaType, a global level with "subject":null', () => {
    const state = stateOf(
      [key(1), value(1, 5)],
      ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'],
    )
    expect(state.version('s', 1)).toMatchObject({
      id: 5,
      schemaType: 'AVRO',
      guid: '095d71cf-1255-6b9d-5e33-0ad575b3df5d',
    })
    expect(state.config('s').compatibilityLevel).toBe('FULL')
  })

  it('deletes under the very bytes that were read, whatever their layout', () => {
    const olderKey = '{"keytype":"SCHEMA","magic":1,"subject":"s","version":1}'
    const state = stateOf(
      [olderKey, value(1, 1)],
      [key(1), value(1, 1)],
      ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
    )
    expect(keys(deleteSubject(state, 's', true).writes).slice(0, 2)).toEqual([olderKey, key(1)])
    expect(keys(deleteConfig(state, undefined).writes)).toEqual(['{"keytype":"CONFIG","subject":null,"magic":0}'])
  })

  it('keeps a version until all its keys are deleted', () => {
    const olderKey = '{"keytype":"SCHEMA","magic":1,"subject":"s","version":1}'
    const once = [
      [olderKey, value(1, 1)],
      [key(1), value(1, 1)],
      [key(1), null],
    ] as const
    expect(stateOf(...once).versionsOf('s')).toHaveLength(1)
    expect(stateOf(...once, [olderKey, null]).versionsOf('s')).toHaveLength(0)
  })

  it('never lets an id mean something else', () => {
    const other = value(1, 1).replace('string', 'int').replaceAll('"s"', '"t"')
    const state = stateOf([key(1), value(1, 1)], [key(1).replace('"s"', '"t"'), other])
    expect(state.versionsOf('t')).toEqual([])
    expect(state.ids('s').usedIdOf('095d71cf-1255-6b9d-5e33-0ad575b3df5d')).toBe(1)
  })

  it('knows what CLEAR_SUBJECT and soft deletion leave', () => {
    const soft = stateOf(
      [key(1), value(1, 1)],
      [key(2), value(2, 1)],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
    )
    expect(soft.liveVersionsOf('s').map(({ version }) => version)).toEqual([2])
    expect(soft.nextVersion('s')).toBe(3)
    const cleared = stateOf(
      [key(1), value(1, 1, '"deleted":true')],
      ['{"keytype":"CLEAR_SUBJECT","subject":"s","magic":0}', '{"subject":"s"}'],
    )
    expect(cleared.subjectNames()).toEqual([])
  })

  it('knows the contexts that were written down, and forgets them', () => {
    const context = '{"keytype":"CONTEXT","tenant":"default","context":".ctx","magic":0}'
    const records = [[context, '{"tenant":"default","context":".ctx"}']] as const
    expect(stateOf(...records).contexts()).toEqual(['.', '.ctx'])
    expect(stateOf(...records, [context, null]).contexts()).toEqual(['.'])
  })

  it('remembers of an id what the ledger says, and takes no NOOP of others for one', () => {
    const ledger = '{"idMax":{".":7,".ctx":2},"retired":{".":{"095d71cf-1255-6b9d-5e33-0ad575b3df5d":5}}}'
    const noop = '{"keytype":"NOOP","magic":0}'
    const state = stateOf(['{"magic":0,"keytype":"NOOP"}', ledger], [noop, null], [noop, '[]'])
    expect([state.ids('s').idMax, state.ids(':.ctx:s').idMax, state.ids(':.other:s').idMax]).toEqual([7, 2, 0])
    expect(state.ids('s').retired.get('095d71cf-1255-6b9d-5e33-0ad575b3df5d')).toBe(5)
    const used = stateOf(['{"magic":0,"keytype":"NOOP"}', ledger], [key(1), value(1, 5)])
    expect(used.ids('s').retired.size).toBe(0)
    expect(used.ids('s').usedIdOf('095d71cf-1255-6b9d-5e33-0ad575b3df5d')).toBe(5)
  })

  it('reads metadata, rules and configuration of other registries as far as they can be read', () => {
    const attached = `"deleted":false,"metadata":{"properties":{"b":"1","a":"2"},"x":1},"ruleSet":{"domainRules":"?"}`
    const state = stateOf(
      [key(1), value(1, 1, attached)],
      ['{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","compatibilityLevel":"ODD","normalize":true}'],
      ['{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"ODD"}'],
    )
    expect(state.version('s', 1)?.metadata).toEqual({ properties: { a: '2', b: '1' } })
    expect(state.version('s', 1)?.ruleSet).toBeUndefined()
    expect(state.config('s')).toEqual({ normalize: true, compatibilityLevel: 'BACKWARD_TRANSITIVE' })
    expect(state.mode('s')).toBe('READWRITE')
  })
})
