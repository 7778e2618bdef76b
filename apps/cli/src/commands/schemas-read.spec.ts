import { describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { useMemoryRegistry } from '../testing/memory-registry.ts'
import { deposited, memo, schemaFolder, type SchemaFolder, topics } from '../testing/schema-folder.ts'

const registry = useMemoryRegistry()
const subject = 'bank.account-bank.Deposited'
const withdrawn = { type: 'record', name: 'bank.Withdrawn', fields: [] }
const files = {
  'bank/deposited/v1.avsc': deposited(),
  'bank/deposited/v2.avsc': deposited({ ...memo, doc: 'what it is for' }),
  'bank/withdrawn/v1.avsc': withdrawn,
  'bank/topics.json': topics,
}
const run = (words: string, { schemas }: SchemaFolder) => registry.run([...words.split(' '), '--schemas', schemas])

describe('schemas list', () => {
  it('shows events with their subjects, from the folder', async () => {
    const { code, out } = await run('schemas list', schemaFolder(files))
    expect(code).toBe(0)
    expect(out.map((line) => line.split(/ {2,}/))).toEqual([
      ['SUBJECT', 'TYPE', 'VERSIONS'],
      [subject, 'bank.Deposited', '1, 2'],
      ['bank.Withdrawn', 'bank.Withdrawn', '1'],
    ])
  })

  it('shows the subjects of a registry, with odd names too', async () => {
    await registry.register('odd/name?x=1%', withdrawn)
    const list = await registry.run(['schemas', 'list', '--from', 'registry', '-o', 'json'])
    expect(envelopeOf('schemas list', list)).toMatchObject({
      data: [{ subject: 'odd/name?x=1%', fullName: 'bank.Withdrawn', versions: [1] }],
    })
    const byUrl = await registry.run(['schemas', 'list', '--registry', registry.url(), '-q'])
    expect(byUrl.out).toEqual(['odd/name?x=1%'])
  })
})

describe('schemas show and history', () => {
  it.each(['bank/deposited', 'deposited', 'bank.Deposited', 'Deposited', subject])('finds %s', async (name) => {
    const { code, out } = await run(`schemas show ${name}`, schemaFolder(files))
    expect(code).toBe(0)
    expect(JSON.parse(out.join('\n'))).toEqual(files['bank/deposited/v2.avsc'])
  })

  it('shows the version that is asked for, with the guid that a registry gives it', async () => {
    const folder = schemaFolder(files)
    await registry.register(subject, deposited())
    const { guid } = (await registry.client().get(`/subjects/${subject}/versions/1`)) as { readonly guid: string }
    const shown = await run('schemas show Deposited v1 -o json', folder)
    expect(envelopeOf('schemas show', shown)).toMatchObject({ data: { version: 1, guid, subjects: [subject] } })
    const registered = await run(`schemas show ${subject} 1 --from registry -q`, folder)
    expect(registered.out).toEqual([guid])
  })

  it('tells the history with changes and ids', async () => {
    const folder = schemaFolder(files)
    const history = await run('schemas history Deposited -o json', folder)
    expect(envelopeOf('schemas history', history)).toMatchObject({
      data: {
        versions: [
          { version: 1, id: null, readsAllBefore: true, changes: [] },
          { version: 2, id: null, readsAllBefore: true, changes: ['added field Deposited.memo: "string"'] },
        ],
      },
    })
    await registry.register(subject, deposited())
    const { out } = await run(`schemas history ${subject} --from registry`, folder)
    expect(out[1]).toMatch(/^1 +\d+ +[0-9a-f-]{36} +yes +-$/)
  })

  it('says what there is when a name or a version does not exist', async () => {
    const folder = schemaFolder(files)
    const name = await registry.run(['schemas', 'show', '../../etc/passwd', '--schemas', folder.schemas])
    expect(name.code).toBe(2)
    expect(name.err.join()).toMatch(/^EVENT_NOT_FOUND: .*bank\/deposited, bank\/withdrawn/)
    const version = await run('schemas show Deposited 9', folder)
    expect(version.code).toBe(2)
    expect(version.err.join()).toContain('Its versions are 1, 2, and latest')
    const unknown = await run('schemas history a%2F?b#c --from registry', folder)
    expect(unknown.code).toBe(2)
    expect(unknown.err.join()).toContain('EVENT_NOT_FOUND')
  })

  it('wants the context when two events have the name', async () => {
    const folder = schemaFolder({ ...files, 'shop/deposited/v1.avsc': { ...deposited(), namespace: 'shop' } })
    const { code, err } = await run('schemas show deposited', folder)
    expect(code).toBe(2)
    expect(err.join()).toContain('may be any of bank/deposited, shop/deposited')
  })
})

describe('schemas diff', () => {
  it('shows the meaning of the last step, documentation included, and the levels it satisfies', async () => {
    const folder = schemaFolder(files)
    folder.write({ 'bank/deposited/v3.avsc': deposited({ ...memo, doc: 'why' }) })
    const { code, out } = await run('schemas diff Deposited', folder)
    const all = 'BACKWARD, FORWARD, FULL, BACKWARD_TRANSITIVE, FORWARD_TRANSITIVE, FULL_TRANSITIVE'
    expect({ code, out }).toEqual({
      code: 0,
      out: [
        'bank/deposited version 2 -> 3',
        '  changed doc Deposited.memo: "what it is for" -> "why"',
        `satisfies, compared with version 2: ${all}`,
        `satisfies, compared with all before it: ${all}`,
      ],
    })
  })

  it('compares any two versions, and answers programs with places', async () => {
    const folder = schemaFolder(files)
    const diff = await run('schemas diff bank/deposited 2 1 --exit-code -o json', folder)
    expect(diff.code).toBe(1)
    expect(envelopeOf('schemas diff', diff)).toMatchObject({
      status: 'found',
      data: {
        from: 2,
        to: 1,
        changes: [
          {
            kind: 'removed',
            what: 'field',
            path: 'Deposited.memo',
            beforeAt: `${folder.schemas}/bank/deposited/v2.avsc:10:5`,
          },
        ],
      },
    })
    expect((await run('schemas diff bank/deposited 1 1 --exit-code', folder)).out[1]).toBe('  no difference')
  })

  it('compares versions of a registry', async () => {
    await registry.register(subject, deposited())
    await registry.register(subject, deposited(memo))
    const { out } = await run(`schemas diff ${subject} 1 latest --from registry`, schemaFolder())
    expect(out[1]).toBe('  added field Deposited.memo: "string"')
  })

  it('wants none or two versions', async () => {
    const folder = schemaFolder(files)
    expect((await run('schemas diff Deposited 1', folder)).code).toBe(2)
    expect((await run('schemas diff Withdrawn', folder)).err.join()).toContain('has one version only')
  })
})

describe('schemas lint', () => {
  it('finds what every level accepts, and lists what files except', async () => {
    const price = (lint: object) => ({
      type: 'record',
      name: 'bank.Priced',
      fields: [{ name: 'price', type: 'double' }],
      ...lint,
    })
    const folder = schemaFolder({ 'bank/priced/v1.avsc': price({}) })
    const found = await run('schemas lint', folder)
    expect(found.code).toBe(1)
    expect(found.out[0]).toContain('AVRO_FLOAT_FOR_MONEY')
    const ignore = [{ rule: 'AVRO_FLOAT_FOR_MONEY', path: 'Priced.price', reason: 'a quote, never summed' }]
    folder.write({ 'bank/priced/v1.avsc': price({ 'keyfold.lint': { ignore } }) })
    const excepted = await run('schemas lint -o json', folder)
    expect(excepted.code).toBe(0)
    expect(envelopeOf('schemas lint', excepted)).toMatchObject({
      data: { problems: [], excepted: [{ rule: 'AVRO_FLOAT_FOR_MONEY', reason: 'a quote, never summed' }] },
    })
    expect((await run('schemas lint --explain AVRO_FLOAT_FOR_MONEY', folder)).code).toBe(0)
    expect((await run('schemas lint --format github', schemaFolder({ 'a.avsc': '{' }))).code).toBe(2)
  })
})
