import { describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { useMemoryRegistry } from '../testing/memory-registry.ts'
import { deposited, memo, schemaFolder, type SchemaFolder, topics } from '../testing/schema-folder.ts'

const registry = useMemoryRegistry()
const subject = 'bank.account-bank.Deposited'
const path = (version: number) => `bank/deposited/v${version}.avsc`
const twoVersions = { [path(1)]: deposited(), [path(2)]: deposited(memo), 'bank/topics.json': topics }

const push = ({ schemas }: SchemaFolder, ...more: readonly string[]) =>
  registry.run(['schemas', 'push', '--schemas', schemas, ...more])
const pull = ({ schemas }: SchemaFolder, ...more: readonly string[]) =>
  registry.run(['schemas', 'pull', '--schemas', schemas, ...more])
const versions = (name: string) => registry.client().get(`/subjects/${encodeURIComponent(name)}/versions`)

describe('schemas push', () => {
  it('shows a plan, sets the level first, registers every version in order, and prints ids', async () => {
    const folder = schemaFolder(twoVersions)
    const plan = await push(folder, '--dry-run')
    expect(plan.code).toBe(0)
    expect(plan.out).toEqual([
      `set the level of ${subject}: BACKWARD_TRANSITIVE`,
      `register bank/deposited v1 as version 1 of ${subject}`,
      `register bank/deposited v2 as version 2 of ${subject}`,
      'Set 1 level and register 2 versions; 0 registered already.',
    ])
    expect(await versions(subject)).toBeUndefined()
    const done = await push(folder, '--yes', '-q')
    expect(done.code).toBe(0)
    const registered = [1, 2].map((version) => registry.client().get(`/subjects/${subject}/versions/${version}`))
    const ids = (await Promise.all(registered)).map((answer) => (answer as { readonly id: number }).id)
    expect(done.out).toEqual(ids.map(String))
    expect(await registry.client().get(`/config/${subject}`)).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
  })

  it('does nothing the second time', async () => {
    const folder = schemaFolder(twoVersions)
    await push(folder, '--yes')
    const { code, out } = await push(folder)
    expect({ code, out }).toEqual({ code: 0, out: ['Nothing to do: 2 registered already.'] })
  })

  it('asks a person, and refuses where nobody can be asked', async () => {
    const folder = schemaFolder(twoVersions)
    const alone = await push(folder)
    expect(alone.code).toBe(5)
    expect(alone.err.join()).toContain('CONFIRMATION_NEEDED')
    expect(await versions(subject)).toBeUndefined()
    const args = ['schemas', 'push', '--schemas', folder.schemas]
    expect((await registry.run(args, { terminal: true, answer: 'y' })).code).toBe(0)
    expect(await versions(subject)).toEqual([1, 2])
  })

  it('answers programs, with ids', async () => {
    const run = await push(schemaFolder(twoVersions), '--yes', '-o', 'json')
    expect(envelopeOf('schemas push', run)).toMatchObject({
      status: 'ok',
      data: {
        applied: true,
        levels: [{ subject, level: 'BACKWARD_TRANSITIVE' }],
        registrations: [
          { version: 1, expectedVersion: 1, id: expect.any(Number) as number },
          { version: 2, expectedVersion: 2, id: expect.any(Number) as number },
        ],
      },
    })
  })

  it('refuses to lower a level, keeps a stricter one, and raises one when told to', async () => {
    const folder = schemaFolder(twoVersions)
    await registry.client().send('PUT', `/config/${subject}`, { compatibility: 'FULL_TRANSITIVE' })
    const lower = await push(folder, '--yes', '--level', 'backward')
    expect(lower.code).toBe(5)
    expect(lower.err.join()).toMatch(/^LEVEL_LOWERED: .*FULL_TRANSITIVE/)
    expect((await push(folder, '--yes')).code).toBe(0)
    expect(await registry.client().get(`/config/${subject}`)).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
    await registry.client().send('PUT', `/config/${subject}`, { compatibility: 'FORWARD' })
    expect((await push(folder, '--yes')).code).toBe(5)
    expect((await push(folder, '--yes', '--level', 'full-transitive')).code).toBe(0)
    await registry.client().send('DELETE', `/config/${subject}`)
  })

  it('changes nothing when a version does not go together with its history', async () => {
    const folder = schemaFolder({ ...twoVersions, [path(3)]: deposited({ name: 'memo', type: 'long', default: 0 }) })
    const run = await push(folder, '--yes')
    expect(run.code).toBe(1)
    expect(run.out.join('\n')).toContain('TYPE_MISMATCH')
    expect(run.out.at(-1)).toBe('Nothing was changed.')
    expect(await versions(subject)).toBeUndefined()
    const json = await push(folder, '--yes', '-o', 'json')
    expect(envelopeOf('schemas push', json)).toMatchObject({ status: 'found', data: { applied: false } })
  })

  it('refuses when the registry holds a version that the folder lacks', async () => {
    await registry.register(subject, deposited({ ...memo, name: 'other' }))
    const { code, err } = await push(schemaFolder(twoVersions), '--yes')
    expect(code).toBe(5)
    expect(err.join()).toMatch(/^SCHEMAS_DIVERGED: the folder lacks version 1 .*schemas pull/)
  })

  it('does not register over somebody who was faster: the number was planned', async () => {
    const folder = schemaFolder(twoVersions)
    const args = ['schemas', 'push', '--schemas', folder.schemas]
    const run = await registry.run(args, {
      terminal: true,
      answer: 'y',
      onAsk: () => registry.register(subject, deposited({ ...memo, name: 'faster' })),
    })
    expect(run.code).toBe(4)
    expect(run.err.join()).toContain('Version is not one more than previous version')
    expect(await versions(subject)).toEqual([1])
  })

  it('registers what others refer to first, with the numbers of the registry', async () => {
    const money = { type: 'record', name: 'bank.Money', fields: [{ name: 'cents', type: 'long' }] }
    const paid = { type: 'record', name: 'bank.APaid', fields: [{ name: 'amount', type: 'bank.Money' }] }
    const reference = { name: 'bank.Money', subject: 'bank.Money', version: 1 }
    const folder = schemaFolder({
      'bank/a-paid/v1.avsc': paid,
      'bank/a-paid/v1.references.json': [reference],
      'bank/money/v1.avsc': money,
    })
    await registry.register('bank.Money', { ...money, fields: [] })
    await registry.client().send('DELETE', '/subjects/bank.Money/versions/1')
    const { code, out } = await push(folder, '--yes')
    expect(code).toBe(0)
    expect(out.map((line) => line.split(':')[0])).toEqual([
      'bank/money v1 as version 2 of bank.Money',
      'bank/a-paid v1 as version 1 of bank.APaid',
    ])
    expect(await registry.client().get('/subjects/bank.APaid/versions/1')).toMatchObject({
      references: [{ ...reference, version: 2 }],
    })
    expect((await push(folder)).out).toEqual(['Nothing to do: 2 registered already.'])
    await registry.client().send('DELETE', '/subjects/bank.APaid')
    await registry.client().send('DELETE', '/subjects/bank.APaid?permanent=true')
  })

  it('leaves notes for the linter out of what it registers', async () => {
    const lint = { ignore: [{ rule: 'AVRO_DEFAULT_CHANGED', reason: 'nothing was stored' }] }
    const changed = { ...deposited({ ...memo, default: '-' }), 'keyfold.lint': lint }
    const folder = schemaFolder({ ...twoVersions, [path(3)]: changed })
    expect((await push(folder, '--yes')).code).toBe(0)
    const answer = await registry.client().get(`/subjects/${subject}/versions/3`)
    expect((answer as { readonly schema: string }).schema).not.toContain('keyfold.lint')
    expect((await push(folder)).out).toEqual(['Nothing to do: 3 registered already.'])
  })

  it('warns of an event that is on no topic', async () => {
    const { code, err } = await push(schemaFolder({ [path(1)]: deposited() }), '--dry-run')
    expect(code).toBe(0)
    expect(err.join()).toMatch(/^warning EVENT_WITHOUT_TOPIC: .*bank\/topics\.json/)
  })

  it('says which file cannot be used, and when the registry is down', async () => {
    const broken = await push(schemaFolder({ [path(1)]: '{' }), '--yes')
    expect(broken.code).toBe(2)
    expect(broken.err.join()).toMatch(/^SCHEMAS_INVALID: .*v1\.avsc:1:2 /)
    const down = await push(schemaFolder(twoVersions), '--registry', 'http://127.0.0.1:9')
    expect(down.code).toBe(3)
  })
})

describe('schemas pull', () => {
  it('writes a folder that check and push find complete', async () => {
    await push(schemaFolder(twoVersions), '--yes')
    const folder = schemaFolder()
    const { code, out } = await pull(folder)
    expect(code).toBe(0)
    expect(out).toEqual([
      ...[path(1), path(2), 'bank/topics.json'].map((file) => `written: ${folder.schemas}/${file}`),
      '0 unchanged',
    ])
    expect(JSON.parse(folder.read(path(2)))).toEqual(deposited(memo))
    expect(JSON.parse(folder.read('bank/topics.json'))).toEqual(topics)
    expect((await registry.run(['schemas', 'check', '--schemas', folder.schemas])).code).toBe(0)
    expect((await push(folder)).out).toEqual(['Nothing to do: 2 registered already.'])
    expect((await pull(folder)).out).toEqual(['3 unchanged'])
  })

  it('says what it would write, and leaves other subjects out by prefix', async () => {
    await push(schemaFolder(twoVersions), '--yes')
    const folder = schemaFolder()
    expect((await pull(folder, '--prefix', 'other')).out).toEqual(['0 unchanged'])
    const run = await pull(folder, '--dry-run', '-o', 'json')
    expect(envelopeOf('schemas pull', run)).toMatchObject({ status: 'ok', data: { left: [] } })
    expect(() => folder.read(path(1))).toThrow('ENOENT')
  })

  it('keeps files that mean the same, with their layout, and versions of the folder alone', async () => {
    await registry.register(subject, deposited())
    const text = `// how much\n${JSON.stringify(deposited())}`
    const folder = schemaFolder({ ...twoVersions, [path(1)]: text })
    expect((await pull(folder)).out).toEqual(['2 unchanged'])
    expect(folder.read(path(1))).toBe(text)
  })

  it('does not overwrite what differs, unless told to', async () => {
    await registry.register(subject, deposited(memo))
    const folder = schemaFolder({ [path(1)]: deposited(), 'bank/topics.json': topics })
    const { code, err } = await pull(folder)
    expect(code).toBe(5)
    expect(err.join()).toContain('SCHEMAS_DIVERGED')
    expect(JSON.parse(folder.read(path(1)))).toEqual(deposited())
    expect((await pull(folder, '--overwrite')).code).toBe(0)
    expect(JSON.parse(folder.read(path(1)))).toEqual(deposited(memo))
  })

  it('pulls softly deleted versions, and leaves out what has no place, with the reason', async () => {
    await registry.register(subject, deposited())
    await registry.register(subject, deposited(memo))
    await registry.client().send('DELETE', `/subjects/${subject}/versions/1`)
    await registry.register('odd/name?x=1%-value', deposited())
    await registry.register('t-bank.Gone', { type: 'record', name: 'bank.Gone', fields: [] })
    await registry.register('t-bank.Gone', { type: 'record', name: 'bank.Gone', fields: [], doc: 'again' })
    await registry.client().send('DELETE', '/subjects/t-bank.Gone/versions/1')
    await registry.client().send('DELETE', '/subjects/t-bank.Gone/versions/1?permanent=true')
    await registry.register('t-bank.My_Event', { type: 'record', name: 'bank.My_Event', fields: [] })
    const folder = schemaFolder()
    const run = await pull(folder)
    expect(run.code).toBe(4)
    expect(JSON.parse(folder.read(path(1)))).toEqual(deposited())
    expect(run.err.map((line) => line.split(' is left out: ')[1]?.split(':')[0])).toEqual([
      'it is not called <topic>-bank.Deposited, so no topic and event can be told',
      'version 1 was deleted for good',
      'bank/my_event cannot be the folder of an event; name another context with --context',
    ])
  })

  it('keeps numbers that JavaScript cannot hold', async () => {
    const schema =
      '{"type":"record","name":"bank.Big","fields":[{"name":"n","type":"long","default":9007199254740993}]}'
    await registry.client().send('POST', '/subjects/t-bank.Big/versions', { schema })
    const folder = schemaFolder()
    expect((await pull(folder)).code).toBe(0)
    expect(folder.read('bank/big/v1.avsc')).toContain('9007199254740993')
  })

  it('pulls references beside what refers to them', async () => {
    await registry.register('bank.Money', { type: 'record', name: 'bank.Money', fields: [] })
    const references = [{ name: 'bank.Money', subject: 'bank.Money', version: 1 }]
    const paid = { type: 'record', name: 'bank.APaid', fields: [{ name: 'amount', type: 'bank.Money' }] }
    await registry.register('bank.pay-bank.APaid', paid, { references })
    const folder = schemaFolder()
    expect((await pull(folder)).code).toBe(0)
    expect(JSON.parse(folder.read('bank/a-paid/v1.references.json'))).toEqual(references)
    expect((await push(folder, '--dry-run')).out.at(-1)).toMatch(/2 registered already/)
    await registry.client().send('DELETE', '/subjects/bank.pay-bank.APaid')
    await registry.client().send('DELETE', '/subjects/bank.pay-bank.APaid?permanent=true')
  })
})
