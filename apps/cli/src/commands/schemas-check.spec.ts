import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { useMemoryRegistry } from '../testing/memory-registry.ts'
import { deposited, memo, schemaFolder, type SchemaFolder, topics } from '../testing/schema-folder.ts'
import { runInTest } from '../testing/test-world.ts'

const path = (version: number) => `bank/deposited/v${version}.avsc`
const check = ({ schemas }: SchemaFolder, ...more: readonly string[]) =>
  runInTest(['schemas', 'check', '--schemas', schemas, ...more])
const ruleOf = (line: string) => / (?:error|warning) ([A-Z_]+): /.exec(line)?.[1]
const rules = (lines: readonly string[]) => lines.flatMap((line) => ruleOf(line) ?? [])

describe('schemas check, offline', () => {
  it('ends with 0 and a count when every version reads all before it', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited(memo) })
    const { code, out, err } = await check(folder)
    expect({ code, out, err }).toEqual({
      code: 0,
      out: ['1 event, 2 versions, level BACKWARD_TRANSITIVE: 0 errors, 0 warnings'],
      err: [],
    })
  })

  it('shows the lines of both versions and the fix, and ends with 1', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(memo) })
    folder.write({
      [path(2)]:
        '{\n  "type": "record", "name": "bank.Deposited", "fields": [\n    { "name": "amountCents", "type": "int" },\n    { "name": "memo", "type": "string", "default": "" }\n  ]\n}\n',
    })
    const { code, out } = await check(folder)
    expect(code).toBe(1)
    expect(out).toEqual([
      `${folder.schemas}/${path(2)}:3:38 error TYPE_MISMATCH: Deposited.amountCents: reader type: INT not compatible with writer type: LONG`,
      '  now 3 | { "name": "amountCents", "type": "int" },',
      `  was ${folder.schemas}/${path(1)}:8:15`,
      '  was 8 | "type": "long"',
      '  fix: Keep the type of the field; add a new field with a default for the new type.',
      '',
      '1 event, 2 versions, level BACKWARD_TRANSITIVE: 1 error, 0 warnings',
    ])
  })

  it('says once, by the rule of the linter, what Avro says of the same place', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited({ name: 'memo', type: 'string' }) })
    const { code, out } = await check(folder)
    expect(code).toBe(1)
    expect(rules(out)).toEqual(['AVRO_FIELD_ADDED_WITHOUT_DEFAULT'])
    expect(out).toContain(`  was ${folder.schemas}/${path(1)}:1:1`)
    expect(out.join('\n')).toMatch(/fix: Add "default": … to memo/)
  })

  it('looks back at all versions, since reading the one before is not enough', async () => {
    const required = { name: 'memo', type: 'string' }
    const folder = schemaFolder({
      [path(1)]: deposited(),
      [path(2)]: deposited(memo),
      [path(3)]: deposited(required),
    })
    const { code, out } = await check(folder)
    expect(code).toBe(1)
    expect(rules(out)).toContain('READER_FIELD_MISSING_DEFAULT_VALUE')
    const unsafe = await check(folder, '--level', 'backward')
    expect(rules(unsafe.out)).not.toContain('READER_FIELD_MISSING_DEFAULT_VALUE')
  })

  it('takes another level, in small letters and with hyphens too, and refuses one that does not exist', async () => {
    const symbols = (...names: readonly string[]) => ({ type: 'enum', name: 'Kind', symbols: names, default: names[0] })
    const kind = (...names: readonly string[]) => ({ name: 'kind', type: symbols(...names), default: names[0] })
    const gone = { name: 'note', type: 'string' }
    const folder = schemaFolder({ [path(1)]: deposited(gone, kind('A')), [path(2)]: deposited(kind('A')) })
    expect((await check(folder)).code).toBe(0)
    const full = await check(folder, '--level', 'full-transitive')
    expect(full.code).toBe(1)
    expect(full.out.join('\n')).toContain('Keep the field note.')
    expect((await check(folder, '--level', 'sideways')).code).toBe(2)
  })

  it('lets a file except itself with a reason, and reports exceptions that nobody needs', async () => {
    const ignore = (rule: string, reason: string) => ({ 'keyfold.lint': { ignore: [{ rule, reason }] } })
    const other = { ...memo, default: 'none' }
    const folder = schemaFolder({ [path(1)]: deposited(memo), [path(2)]: deposited(other) })
    expect(rules((await check(folder)).out)).toEqual(['AVRO_DEFAULT_CHANGED'])
    folder.write({ [path(2)]: { ...deposited(other), ...ignore('AVRO_DEFAULT_CHANGED', 'never stored') } })
    expect((await check(folder)).code).toBe(0)
    folder.write({ [path(2)]: { ...deposited(other), ...ignore('AVRO_DEFAULT_CHANGED', '') } })
    expect(rules((await check(folder)).out)).toEqual(['AVRO_DEFAULT_CHANGED', 'AVRO_LINT_IGNORE_INVALID'])
    folder.write({ [path(2)]: { ...deposited(memo), ...ignore('AVRO_DEFAULT_CHANGED', 'as before') } })
    const unused = await check(folder)
    expect(rules(unused.out)).toEqual(['AVRO_LINT_IGNORE_UNUSED'])
    expect(unused.code).toBe(0)
  })

  it('prints an envelope, and annotations for GitHub', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited({ name: 'memo', type: 'string' }) })
    const json = await check(folder, '--format', 'json')
    expect(json.code).toBe(1)
    expect(envelopeOf('schemas check', json)).toMatchObject({
      status: 'found',
      data: {
        events: 1,
        versions: 2,
        problems: [{ rule: 'AVRO_FIELD_ADDED_WITHOUT_DEFAULT', path: 'Deposited.memo' }],
      },
    })
    expect((await check(folder, '-o', 'json')).out).toEqual(json.out)
    const { out } = await check(folder, '--format', 'github')
    expect(out).toHaveLength(1)
    expect(out[0]).toMatch(/^::error file=.*v2\.avsc,line=\d+,col=\d+,title=AVRO_FIELD_ADDED_WITHOUT_DEFAULT::/)
    expect(out[0]).toContain('%0AFix: Add "default": … to memo')
  })

  it('explains every rule, and says which there are', async () => {
    const { code, out } = await runInTest(['schemas', 'check', '--explain', 'avro_default_changed'])
    expect(code).toBe(0)
    expect(out[0]).toBe('AVRO_DEFAULT_CHANGED (error)')
    const unknown = await runInTest(['schemas', 'check', '--explain', 'NOPE'])
    expect(unknown.code).toBe(2)
    expect(unknown.err.join()).toContain('NAME_MISMATCH')
  })

  it('resolves types of other files that v<n>.references.json names', async () => {
    const money = { type: 'record', name: 'bank.Money', fields: [{ name: 'cents', type: 'long' }] }
    const paid = { type: 'record', name: 'bank.Paid', fields: [{ name: 'amount', type: 'bank.Money' }] }
    const folder = schemaFolder({ 'bank/money/v1.avsc': money, 'bank/paid/v1.avsc': paid })
    const lacking = await check(folder)
    expect(lacking.code).toBe(2)
    expect(lacking.out.join('\n')).toContain('v<n>.references.json')
    const reference = { name: 'bank.Money', subject: 'bank.Money', version: 1 }
    folder.write({ 'bank/paid/v1.references.json': [reference] })
    expect((await check(folder)).code).toBe(0)
    folder.write({ 'bank/paid/v1.references.json': [{ ...reference, version: 9 }] })
    expect((await check(folder)).out.join('\n')).toContain('No schema reference found')
    folder.write({ 'bank/paid/v1.references.json': '{}' })
    expect((await check(folder)).code).toBe(2)
  })
})

describe('schemas check, on what cannot be used', () => {
  const broken = {
    'no JSON': [{ [path(1)]: '{\n  "type": "record"\n  "name": "x"\n}' }, 'SCHEMA_INVALID', ':3:3 '],
    'an empty file': [{ [path(1)]: '' }, 'SCHEMA_INVALID', ':1:1 '],
    'no schema': [{ [path(1)]: { type: 'record', name: 'bank.Deposited' } }, 'SCHEMA_INVALID', ':1:1 '],
    'a gap': [{ [path(1)]: deposited(), [path(3)]: deposited(memo) }, 'SCHEMA_VERSION_MISSING', 'v2.avsc is missing'],
    'a missing beginning': [{ [path(2)]: deposited() }, 'SCHEMA_VERSION_MISSING', 'v1.avsc is missing'],
    'two files of one version': [
      { [path(1)]: deposited(), 'bank/deposited/v01.avsc': deposited() },
      'SCHEMA_VERSION_TWICE',
      'a second file of version 1',
    ],
    'a file that is not in its place': [{ 'deposited.avsc': deposited() }, 'SCHEMA_MISPLACED', 'deposited.avsc:1:1'],
    'odd characters in a name': [{ 'bank/de posited%/v1.avsc': deposited() }, 'SCHEMA_MISPLACED', 'de posited%'],
    'one event in two folders': [
      { [path(1)]: deposited(), 'shop/deposited/v1.avsc': deposited() },
      'SCHEMA_MISPLACED',
      'bank.Deposited is in two folders: bank/deposited and shop/deposited',
    ],
    'an event of a topic that no folder has': [
      { [path(1)]: deposited(), 'bank/topics.json': { 'bank.account': ['Withdrawn'] } },
      'SCHEMA_EVENT_UNKNOWN',
      'bank/topics.json:3:5 ',
    ],
    'another event in the folder': [
      { 'bank/withdrawn/v1.avsc': deposited() },
      'SCHEMA_MISPLACED',
      'Call the folder bank/deposited',
    ],
  } as const
  it.each(Object.entries(broken))('%s: place, rule, fix, exit code 2', async (_name, [files, rule, words]) => {
    const { code, out } = await check(schemaFolder(files))
    expect(code).toBe(2)
    expect(rules(out)).toContain(rule)
    expect(out.join('\n')).toContain(words)
    expect(out.join('\n')).toContain('fix: ')
  })

  it('more than a schema may have', async () => {
    const fields = Array.from({ length: 2_001 }, (_, at) => ({ name: `f${at}`, type: 'long' }))
    const { code, out } = await check(schemaFolder({ [path(1)]: deposited(...fields) }))
    expect(code).toBe(2)
    expect(rules(out)).toEqual(['SCHEMA_INVALID'])
  })

  it('goes on with the other files', async () => {
    const folder = schemaFolder({ 'bank/withdrawn/v1.avsc': '{', [path(1)]: deposited() })
    folder.write({ [path(2)]: deposited({ name: 'memo', type: 'string' }) })
    expect(rules((await check(folder)).out)).toEqual(['SCHEMA_INVALID', 'AVRO_FIELD_ADDED_WITHOUT_DEFAULT'])
  })

  it('a folder that is missing, and one without schemas', async () => {
    const folder = schemaFolder()
    const missing = await check(folder)
    expect(missing.code).toBe(2)
    expect(missing.err.join()).toMatch(/^SCHEMAS_MISSING: there is no folder .*--schemas/)
    mkdirSync(folder.schemas)
    expect((await check(folder)).err.join()).toMatch(/^SCHEMAS_MISSING: there is no schema in /)
  })

  it('no JSON, when code is to be generated: the same place', async () => {
    const { home, schemas } = schemaFolder({ [path(1)]: '{\n  "type" "record"\n}' })
    const { code, err } = await runInTest(['schemas', 'gen', '--schemas', schemas, '--out', home])
    expect(code).toBe(2)
    expect(err.join()).toMatch(/^SCHEMAS_INVALID: .*bank\/deposited\/v1\.avsc:2:10 .*expected ':'/)
  })

  it('topics.json that says something else', async () => {
    const { code, err } = await check(schemaFolder({ [path(1)]: deposited(), 'bank/topics.json': '[1' }))
    expect(code).toBe(2)
    expect(err.join()).toContain('SCHEMAS_MISPLACED')
  })
})

describe('schemas check --against git', () => {
  const git = ({ home }: SchemaFolder, ...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false', ...args], {
      cwd: home,
      stdio: 'pipe',
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_DIR: undefined },
    })
  const commit = (folder: SchemaFolder) => {
    git(folder, 'init', '--quiet', '--initial-branch', 'main')
    git(folder, 'add', '.')
    git(folder, 'commit', '--quiet', '-m', 'published')
    return folder
  }
  const published = () => commit(schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited(memo) }))

  it('accepts a new version, another layout, and notes for the linter', async () => {
    const folder = published()
    const note = { ...memo, name: 'note', default: 'x' }
    folder.write({ [path(1)]: JSON.stringify(deposited()), [path(3)]: deposited(memo, note) })
    const { code, out } = await check(folder, '--against', 'git:main')
    expect({ code, out }).toEqual({
      code: 0,
      out: ['1 event, 3 versions, level BACKWARD_TRANSITIVE: 0 errors, 0 warnings'],
    })
  })

  it('refuses to change a published version, documentation included, with both places', async () => {
    const folder = published()
    folder.write({ [path(2)]: deposited({ ...memo, doc: 'what it is for' }) })
    const { code, out } = await check(folder, '--against', 'git:main')
    expect(code).toBe(1)
    expect(rules(out)).toEqual(['SCHEMA_VERSION_CHANGED'])
    expect(out[0]).toContain('added doc Deposited.memo: "what it is for"')
    expect(out.join('\n')).toContain('git show main:schemas/bank/deposited/v2.avsc')
  })

  it('refuses to remove a published version, and a whole event', async () => {
    const folder = published()
    folder.remove(path(2))
    expect(rules((await check(folder, '--against', 'git:main')).out)).toEqual(['SCHEMA_VERSION_REMOVED'])
    folder.remove('bank/deposited')
    const { code, out } = await check(folder, '--against', 'git:HEAD')
    expect(code).toBe(1)
    expect(rules(out)).toEqual(['SCHEMA_VERSION_REMOVED', 'SCHEMA_VERSION_REMOVED'])
  })

  it('reads a commit in which the folder was not there, and says so', async () => {
    const folder = published()
    const elsewhere = schemaFolder({ [path(1)]: deposited() })
    git(folder, 'rm', '-r', '--quiet', 'schemas')
    git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'none')
    folder.write({ [path(1)]: elsewhere.read(path(1)) })
    const { code, err } = await check(folder, '--against', 'git:main')
    expect({ code, err }).toEqual({
      code: 0,
      err: ['There is no schema in main:schemas/: nothing was published there.'],
    })
    expect((await check(folder, '--against', 'git:main~1')).code).toBe(1)
  })

  it('says what is wrong with a commit that does not exist, one that looks like an option, and no repository', async () => {
    const folder = published()
    for (const ref of ['nope', '--upload-pack=x']) {
      const { code, err } = await check(folder, '--against', `git:${ref}`)
      expect(code).toBe(2)
      expect(err.join()).toContain(`GIT_UNUSABLE: git has no ${ref}^{commit}`)
    }
    const outside = await check(schemaFolder({ [path(1)]: deposited() }), '--against', 'git:main')
    expect(outside.code).toBe(2)
    expect(outside.err.join()).toContain('GIT_UNUSABLE')
  })

  it('compares with a folder, too, and refuses what is none of these', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(memo) })
    const other = schemaFolder({ [path(1)]: deposited() })
    expect(rules((await check(folder, '--against', `dir:${other.schemas}`)).out)).toEqual(['SCHEMA_VERSION_CHANGED'])
    expect((await check(folder, '--against', 'main')).code).toBe(2)
  })
})

describe('schemas check --against registry', () => {
  const registry = useMemoryRegistry()
  const subject = 'bank.account-bank.Deposited'
  const against = ({ schemas }: SchemaFolder, ...more: readonly string[]) =>
    registry.run(['schemas', 'check', '--schemas', schemas, '--against', 'registry', ...more])

  it('accepts what continues the registered history, and a subject that is not there yet', async () => {
    const folder = schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited(memo), 'bank/topics.json': topics })
    expect((await against(folder)).code).toBe(0)
    await registry.register(subject, deposited())
    expect((await against(folder)).code).toBe(0)
    const byUrl = await runInTest(['schemas', 'check', '--schemas', folder.schemas, '--registry', registry.url()])
    expect(byUrl.code).toBe(0)
  })

  it('misses registered versions in the folder, and checks the new ones against them', async () => {
    await registry.register(subject, deposited())
    await registry.register(subject, deposited({ ...memo, name: 'note' }))
    const note = { name: 'note', type: 'long', default: 0 }
    const folder = schemaFolder({ [path(1)]: deposited(), [path(2)]: deposited(note), 'bank/topics.json': topics })
    const { code, out } = await against(folder)
    expect(code).toBe(1)
    expect(rules(out)).toEqual(['SCHEMA_VERSION_REMOVED', 'TYPE_MISMATCH'])
    expect(out.join('\n')).toContain(`was ${subject} version 2:1:`)
  })

  it('looks at deleted versions when told to: their events may still be stored', async () => {
    await registry.register(subject, deposited())
    await registry.register(subject, deposited({ ...memo, name: 'note' }))
    await registry.client().send('DELETE', `/subjects/${subject}/versions/2`)
    const folder = schemaFolder({ [path(1)]: deposited(), 'bank/topics.json': topics })
    expect((await against(folder)).code).toBe(0)
    expect((await against(folder, '--deleted')).code).toBe(1)
  })

  it('warns when the registry would accept more', async () => {
    await registry.register(subject, deposited())
    await registry.client().send('PUT', `/config/${subject}`, { compatibility: 'NONE' })
    const folder = schemaFolder({ [path(1)]: deposited(), 'bank/topics.json': topics })
    const { code, out } = await against(folder)
    expect(code).toBe(0)
    expect(rules(out)).toEqual(['SCHEMA_LEVEL_LOWER'])
    await registry.client().send('DELETE', `/config/${subject}`)
  })

  it('ends with 3 when nobody answers', async () => {
    const folder = schemaFolder({ [path(1)]: deposited() })
    const down = ['schemas', 'check', '--schemas', folder.schemas, '--registry', 'http://127.0.0.1:9']
    const { code, err } = await runInTest(down)
    expect(code).toBe(3)
    expect(err.join()).toMatch(/^REGISTRY_UNREACHABLE: .*Why: .*Fix: /)
  })
})
