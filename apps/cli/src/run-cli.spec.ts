import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-cli-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function run(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(args, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out, err }
}

async function writeSchema(path: string, fields: readonly object[] = []): Promise<void> {
  const file = join(directory, 'schemas', path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify({ type: 'record', name: 'AccountOpened', namespace: 'bank', fields }))
}

const gen = (...more: readonly string[]) =>
  run('schemas', 'gen', '--schemas', join(directory, 'schemas'), '--out', join(directory, 'out'), ...more)

describe('keyfold schemas gen', () => {
  it('writes a file for each context and leaves one that did not change alone', async () => {
    await writeSchema('bank/account-opened/v1.avsc')
    const path = join(directory, 'out', 'bank.ts')
    expect(await gen()).toEqual({ code: 0, out: [path], err: [] })
    expect(await readFile(path, 'utf8')).toContain('export const AccountOpened = defineEvent')
    const { mtimeMs } = await stat(path)
    expect(await gen()).toEqual({ code: 0, out: [`${path} (unchanged)`], err: [] })
    expect((await stat(path)).mtimeMs).toBe(mtimeMs)
  })

  it('--check exits 1 when a file is missing or stale, and writes nothing', async () => {
    await writeSchema('bank/account-opened/v1.avsc')
    expect(await gen('--check')).toMatchObject({
      code: 1,
      err: [expect.stringMatching(/^SCHEMAS_STALE: .*bank\.ts does not exist\. Fix: /)],
    })
    await gen()
    expect(await gen('--check')).toEqual({ code: 0, out: [], err: [] })
    await writeSchema('bank/account-opened/v2.avsc', [{ name: 'owner', type: 'string', default: '' }])
    expect(await gen('--check')).toMatchObject({ code: 1, err: [expect.stringContaining('is stale')] })
  })

  it('--context takes only that context', async () => {
    await writeSchema('bank/account-opened/v1.avsc')
    await writeSchema('shop/account-opened/v1.avsc')
    expect((await gen('--context', 'shop')).out).toEqual([join(directory, 'out', 'shop.ts')])
    expect(await gen('--context', 'nope')).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/^SCHEMAS_MISSING: /)],
    })
  })

  it.each([
    ['bank/account-opened/v1.avsc', 'AVRO_HISTORY_INVALID: bank/account-opened/v2.avsc: it cannot read events of v1'],
    ['bank/AccountOpened.avsc', 'SCHEMAS_MISPLACED: '],
    ['bank/account-opened/v01.avsc', 'SCHEMAS_MISPLACED: '],
  ])('exits 2 with one line when %s is wrong', async (path, text) => {
    await writeSchema(path)
    await writeSchema('bank/account-opened/v2.avsc', [{ name: 'owner', type: 'string' }])
    const { code, out, err } = await gen()
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err).toEqual([expect.stringContaining(text)])
    expect(err[0]).toMatch(/^[A-Z_]+: .+\. Fix: .+$/)
  })
})

describe('keyfold', () => {
  it.each([
    [['nope']],
    [['schemas', 'nope']],
    [['schemas', 'gen']],
    [['schemas', 'gen', '--out', 'x', '--what']],
    [['registry', 'start', '--kafka', 'x:1', '--port', '70000']],
    [['broker', 'start', '--port', 'x']],
  ])('%j is wrong use: exit code 2 and one line', async (args) => {
    const { code, out, err } = await run(...args)
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err).toEqual([expect.stringMatching(/^USAGE: .+\. Fix: .+$/)])
  })

  it('--help begins with examples', async () => {
    const { code, out } = await run('--help')
    expect(code).toBe(0)
    expect(out.join('\n')).toContain('keyfold schemas gen --schemas schemas')
  })
})
