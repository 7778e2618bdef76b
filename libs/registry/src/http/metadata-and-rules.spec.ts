import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { record, refusal, RegistryUnderTest } from '../testing/registry-under-test.ts'

let registry: RegistryUnderTest

beforeEach(async () => {
  registry = await RegistryUnderTest.start()
})

afterEach(() => registry.close())

const owner = (name: string) => ({ metadata: { properties: { owner: name } } })
const lookUp = async (subject: string, body: object) => (await registry.call('POST', `/subjects/${subject}`, body)).body

describe('metadata', () => {
  it('belongs to the identity of a schema, in whatever order it is sent', async () => {
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
    const metadata = { properties: { b: '2', a: '1' }, tags: { y: ['T', 'S'], x: ['P'] }, sensitive: ['b'] }
    const sorted = { tags: { x: ['P'], y: ['S', 'T'] }, properties: { a: '1', b: '2' }, sensitive: ['b'] }
    expect(await registry.register('s', record(1), { metadata })).toMatchObject({ id: 2, version: 2, metadata: sorted })
    expect(await registry.register('t', record(1), { metadata: sorted })).toMatchObject({ id: 2 })
    expect(await registry.get('/schemas/ids/2')).toMatchObject({ metadata: sorted })
  })

  it('is inherited from the version before when none is sent', async () => {
    await registry.register('s', record(1), owner('a'))
    expect(await registry.register('s', record(1))).toMatchObject({ version: 1 })
    expect(await registry.register('s', record(2))).toMatchObject({ version: 2, ...owner('a') })
    expect(await registry.register('s', record(3), owner('b'))).toMatchObject({ version: 3, ...owner('b') })
    expect(await lookUp('s', { schema: record(3) })).toMatchObject({ version: 3 })
    // Completed from the newest version, which has another owner.
    expect(await lookUp('s', { schema: record(2) })).toEqual(refusal(40403, 'Schema not found'))
    expect(await lookUp('s', { schema: record(2), ...owner('a') })).toMatchObject({ version: 2 })
  })

  it('is merged between what is set as default and as override', async () => {
    await registry.call('PUT', '/config/s', {
      defaultMetadata: { properties: { owner: 'nobody', team: 'x' } },
      overrideMetadata: { properties: { level: '9' } },
    })
    expect(await registry.register('s', record(1), owner('a'))).toMatchObject({
      metadata: { properties: { level: '9', owner: 'a', team: 'x' } },
    })
    expect(await registry.register('s', record(1), owner('a'))).toMatchObject({ version: 1 })
  })

  it('finds the newest version that has all the properties asked for', async () => {
    await registry.register('s', record(1), owner('a'))
    await registry.register('s', record(2), owner('a'))
    await registry.register('s', record(3), owner('b'))
    expect(await registry.get('/subjects/s/metadata?key=owner&value=a')).toMatchObject({ version: 2 })
    expect(await registry.get('/subjects/s/metadata?key=owner&value=a&key=x&value=y')).toEqual(
      refusal(40403, 'Schema not found'),
    )
    expect(await registry.get('/subjects/t/metadata?key=owner&value=a')).toEqual(
      refusal(40401, "Subject 't' not found."),
    )
    await registry.call('DELETE', '/subjects/s/versions/2')
    expect(await registry.get('/subjects/s/metadata?key=owner&value=a')).toMatchObject({ version: 1 })
    expect(await registry.get('/subjects/s/metadata?key=owner&value=a&deleted=true')).toMatchObject({ version: 2 })
  })

  it('of another shape is refused', async () => {
    for (const metadata of ['x', [], { properties: { a: {} } }, { tags: { a: 'b' } }, { sensitive: [1] }]) {
      expect(await registry.register('s', record(1), { metadata })).toMatchObject({ error_code: 400 })
    }
  })

  it('cannot reach what every object has', async () => {
    const metadata = '{"properties":{"__proto__":"x","constructor":"y"}}'
    const body = `{"schema":${JSON.stringify(record(1))},"metadata":${metadata}}`
    const answer = await registry.call('POST', '/subjects/s/versions', body)
    expect(answer.text).toContain(`"metadata":${metadata}`)
    expect(await registry.get('/subjects/s/metadata?key=toString&value=x')).toMatchObject({ error_code: 40403 })
  })
})

describe('a version in the request', () => {
  it('must be the next one, and is written into the metadata', async () => {
    expect(await registry.register('s', record(1), { version: 1 })).toMatchObject({
      version: 1,
      metadata: { properties: { 'confluent:version': '1' } },
    })
    expect(await registry.register('s', record(2), { version: 5 })).toEqual(
      refusal(42201, 'Version is not one more than previous version'),
    )
    expect(await registry.register('s', record(2), { version: -1 })).toMatchObject({ version: 2 })
    expect(await registry.register('s', record(3), { version: '3' })).toMatchObject({ version: 3 })
  })

  it('does not make another schema of one that is looked up without it', async () => {
    await registry.register('s', record(1), { version: 1 })
    expect(await lookUp('s', { schema: record(1) })).toMatchObject({ version: 1 })
    expect(await registry.register('s', record(1))).toMatchObject({ version: 1 })
  })

  it('lets one of several clients win that build on the same version', async () => {
    await registry.register('s', record(1))
    const answers = await Promise.all(
      [2, 3, 4, 5].map((fields) => registry.register('s', record(fields), { version: 2 })),
    )
    expect(answers.filter(({ version }) => version === 2)).toHaveLength(1)
    expect(answers.filter(({ error_code: code }) => code === 42201)).toHaveLength(3)
  })

  it('-1 or in the metadata means what it says of the newest version', async () => {
    const schema = record(1)
    const inMetadata = (version: string) => ({ metadata: { properties: { 'confluent:version': version } } })
    const remove = (version: number) => registry.call('DELETE', `/subjects/s/versions/${version}`)
    const idOf = async (more: object) => (await registry.register('s', schema, more))['id']
    expect(await idOf({})).toBe(1)
    expect(await idOf({ version: -1 })).toBe(1)
    expect(await idOf({ version: 2 })).toBe(2)
    expect(await idOf({ version: -1 })).toBe(2)
    expect(await lookUp('s', { schema })).toMatchObject({ version: 1 })
    expect(await lookUp('s', { schema, ...inMetadata('1') })).toMatchObject({ version: 1 })
    expect(await lookUp('s', { schema, ...inMetadata('2') })).toMatchObject({ version: 2 })
    await remove(1)
    expect(await lookUp('s', { schema })).toMatchObject({ version: 2 })
    expect(await idOf({})).toBe(2)
    expect(await idOf({ version: 3 })).toBe(3)
    expect(await idOf({ version: -1 })).toBe(3)
    expect(await idOf({ version: 3 })).toBeUndefined()
    expect(await idOf({ version: 4 })).toBe(4)
    expect(await lookUp('s', { schema })).toMatchObject({ version: 4 })
    expect(await idOf(inMetadata('-1'))).toBe(5)
    expect(await idOf(inMetadata('2'))).toBe(2)
    expect(await idOf(inMetadata('3'))).toBe(3)
    expect(await idOf(inMetadata('0'))).toBe(6)
    expect(await registry.get('/subjects/s/versions/latest')).toMatchObject({ version: 6, ...inMetadata('6') })
    expect(await idOf({ metadata: {} })).toBe(6)
  })

  it('may send nothing else but new metadata', async () => {
    await registry.register('s', record(1))
    expect(await registry.register('s', '', owner('a'))).toMatchObject({ version: 2, schema: record(1), ...owner('a') })
    expect(await registry.register('t', '')).toEqual(refusal(42201, 'Empty schema'))
  })
})

describe('a rule set', () => {
  const rule = { name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', tags: ['B', 'A'], params: { b: 1, a: 'x' } }
  const stored = { ...rule, tags: ['A', 'B'], params: { a: 'x', b: '1' }, disabled: false }

  it('is stored, shown, hashed and inherited, not executed', async () => {
    const ruleSet = { domainRules: [rule] }
    expect(await registry.register('s', record(1))).toMatchObject({ id: 1 })
    expect(await registry.register('s', record(1), { ruleSet })).toMatchObject({
      id: 2,
      ruleSet: { domainRules: [stored] },
    })
    expect(await registry.register('s', record(2))).toMatchObject({ ruleSet: { domainRules: [stored] } })
    expect(await registry.get('/schemas?ruleType=CEL')).toMatchObject([{ version: 2 }, { version: 3 }])
    expect(await registry.get('/schemas?ruleType=ENCRYPT')).toEqual([])
  })

  it('is merged rule by rule with those that are set', async () => {
    const named = (name: string) => ({ name, kind: 'TRANSFORM', mode: 'WRITEREAD', type: 'CEL', disabled: false })
    await registry.call('PUT', '/config/s', {
      defaultRuleSet: { domainRules: [named('a'), { ...named('r'), type: 'OLD' }] },
      overrideRuleSet: { domainRules: [named('z')] },
    })
    const ruleSet = { domainRules: [named('r')] }
    expect(await registry.register('s', record(1), { ruleSet })).toMatchObject({
      ruleSet: { domainRules: [named('a'), named('r'), named('z')] },
    })
  })

  it.each([
    ['x', 'The rule set must be an object'],
    [{ domainRules: [{ type: 'CEL' }] }, 'Missing rule name'],
    [{ domainRules: [{ name: '', type: 'CEL' }] }, 'Empty rule name'],
    [{ domainRules: [{ name: '1a', type: 'CEL' }] }, 'Illegal initial character in rule name: 1a'],
    [{ domainRules: [{ name: 'a b', type: 'CEL' }] }, 'Illegal character in rule name: a b'],
    [{ domainRules: [{ name: 'x'.repeat(257), type: 'CEL' }] }, 'Rule name too long'],
    [{ domainRules: [{ name: 'a' }] }, 'Missing rule type'],
    [{ domainRules: [rule, rule] }, "Found rule with duplicate name 'r'"],
    [{ migrationRules: [rule] }, 'Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN'],
    [{ domainRules: [{ ...rule, mode: 'UPGRADE' }] }, 'Domain rules can only be WRITE, READ, WRITEREAD'],
    [{ domainRules: [{ ...rule, onFailure: 'a,b' }] }, 'Multiple actions only valid with WRITEREAD and UPDOWN'],
  ])('of another shape is refused: %j', async (ruleSet, reason) => {
    expect(await registry.register('s', record(1), { ruleSet })).toEqual(refusal(42210, reason))
  })
})

describe('tags in a schema', () => {
  it('are found when they are asked for', async () => {
    const field = { name: 'ssn', type: 'string', 'confluent:tags': ['PII'] }
    const schema = { type: 'record', name: 'R', namespace: 'n', fields: [field], 'confluent:tags': ['OTHER'] }
    await registry.register('s', schema)
    const ssn = { schemaEntity: { entityPath: 'n.R.ssn', entityType: 'sr_field' }, tags: ['PII'] }
    const whole = { schemaEntity: { entityPath: 'n.R', entityType: 'sr_record' }, tags: ['OTHER'] }
    expect(await registry.get('/schemas/ids/1?findTags=PII')).toMatchObject({ schemaTags: [ssn] })
    expect(await registry.get('/subjects/s/versions/1?findTags=*')).toMatchObject({ schemaTags: [whole, ssn] })
    expect(await registry.get('/schemas/ids/1')).not.toHaveProperty('schemaTags')
  })
})
