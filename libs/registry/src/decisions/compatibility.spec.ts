import { describe, expect, it } from 'vitest'
import { RegistryState } from '../state/registry-state.ts'
import { keyBytes, schemaValueBytes } from '../state/schema-record.ts'
import { record } from '../testing/registry-under-test.ts'
import { type CompatibilityTest, prepareTest, testCompatibility } from './compatibility.ts'
import { candidateOf } from './schema-request.ts'

const VERSIONS = 20

/** A subject with many versions of some 20 KB; what they are called keeps the cases apart. */
function longHistory(name: string) {
  const state = new RegistryState('FULL_TRANSITIVE')
  for (let version = 1; version <= VERSIONS; version++) {
    const schema = record(500, name, { doc: `version ${version}` })
    const value = { subject: 's', version, id: version, schemaType: 'AVRO', references: [], schema, deleted: false }
    const key = keyBytes({ keytype: 'SCHEMA', subject: 's', version })
    state.apply({ key, value: schemaValueBytes(value), offset: version, timestampMs: 0 })
  }
  return state
}

function candidate(state: RegistryState, schema: string) {
  const request = { schema, schemaType: 'AVRO', references: [], metadata: undefined, ruleSet: undefined, version: 0 }
  return candidateOf(state, 's', { ...request, id: undefined, normalize: false }, { isNew: true, normalize: false })
}

function testOf(state: RegistryState, schema: string): CompatibilityTest {
  return { config: state.config('s'), candidate: candidate(state, schema), history: state.liveVersionsOf('s') }
}

async function pausesOf(state: RegistryState, schema: string): Promise<number> {
  let pauses = 0
  const pause = () => {
    pauses++
    return Promise.resolve()
  }
  await prepareTest(state, testOf(state, schema), pause)
  return pauses
}

describe('a test against a long history of large schemas', () => {
  it('is done in portions beforehand, and comes to the same', async () => {
    const state = longHistory('Portions')
    const schema = record(501, 'Portions')
    expect(await pausesOf(state, schema)).toBeGreaterThanOrEqual(VERSIONS / 4)
    expect(testCompatibility(state, testOf(state, schema))).toEqual({ isCompatible: true, messages: [] })
  })

  it('ends at the first version that fails', async () => {
    const state = longHistory('Failing')
    expect(await pausesOf(state, '"string"')).toBe(0)
    const { messages } = testCompatibility(state, testOf(state, '"string"'))
    expect(messages).toContain(`{oldSchemaVersion: ${VERSIONS}}`)
  })

  it('need not be done under NONE, nor for versions that do not count', async () => {
    const state = longHistory('None')
    const test = testOf(state, record(501, 'None'))
    const never = () => Promise.reject(new Error('there is nothing to pause from'))
    for (const compatibilityLevel of ['NONE', 'FULL'] as const) {
      await prepareTest(state, { ...test, config: { ...test.config, compatibilityLevel } }, never)
    }
  })
})
