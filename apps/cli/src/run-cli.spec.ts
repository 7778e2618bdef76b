import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'
import { envelopeOf } from './testing/envelope-check.ts'
import { runInTest as runArgs, TestWorld } from './testing/test-world.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-cli-'))
})

afterEach(() => rm(directory, { recursive: true }))

const run = (...args: readonly string[]) => runArgs(args)

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
      err: [expect.stringMatching(/^error SCHEMAS_STALE: .*bank\.ts does not exist\. Fix: /)],
    })
    await gen()
    expect(await gen('--check')).toEqual({ code: 0, out: [], err: [] })
    await writeSchema('bank/account-opened/v2.avsc', [{ name: 'owner', type: 'string', default: '' }])
    expect(await gen('--check')).toMatchObject({ code: 1, err: [expect.stringContaining('is stale')] })
  })

  it('--json says what became of each file', async () => {
    await writeSchema('bank/account-opened/v1.avsc')
    const path = join(directory, 'out', 'bank.ts')
    expect(envelopeOf('schemas gen', await gen('--json')).data).toMatchObject({ files: [{ path, state: 'written' }] })
    await rm(path)
    const stale = envelopeOf('schemas gen', await gen('--check', '--json'))
    expect(stale).toMatchObject({ status: 'found', data: { files: [{ path, state: 'missing' }] } })
  })

  it('takes the types that a schema refers to from wherever they are, and says what is wrong with a list of them', async () => {
    const money = join(directory, 'schemas/common/money/v1.avsc')
    await mkdir(dirname(money), { recursive: true })
    await writeFile(money, '{"type":"record","name":"Money","namespace":"common","fields":[]}')
    await writeSchema('bank/account-opened/v1.avsc', [{ name: 'fee', type: 'common.Money' }])
    const list = join(directory, 'schemas/bank/account-opened/v1.references.json')
    expect(await gen()).toMatchObject({ code: 2, err: [expect.stringContaining('v1.references.json')] })
    await writeFile(list, '[{ "name": "common.Money", "subject": "common.Money", "version": 1 }]')
    expect((await gen('--context', 'bank')).out).toEqual([join(directory, 'out', 'bank.ts')])
    expect(await readFile(join(directory, 'out', 'bank.ts'), 'utf8')).toContain("import { Money } from './common.ts'")
    expect((await gen()).out).toHaveLength(2)
    expect(await gen('--check')).toMatchObject({ code: 0 })
    await writeFile(list, '{}')
    expect(await gen()).toMatchObject({ code: 2, err: [expect.stringContaining('it is no list of references')] })
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
    [['registry', 'start', '--kafka', 'x:1', '--advertised-url', 'r1:8081']],
    [['registry', 'start', '--kafka', 'x:1', '--answers', '6']],
    [['broker', 'start', '--port', 'x']],
    [['topics', 'list', '-o', 'xml']],
    [['topics', 'list', '--timeout', '5']],
    [['topics', 'list', '--connect-timeout', 'soon']],
    [['explain', 'NO_SUCH_CODE']],
  ])('%j is wrong use: exit code 2 and one line', async (args) => {
    const { code, out, err } = await run(...args)
    expect({ code, out }).toEqual({ code: 2, out: [] })
    expect(err).toEqual([expect.stringMatching(/^USAGE: .+ Fix: .+ More: keyfold explain USAGE$/)])
  })

  it('knows what was meant', async () => {
    expect((await run('topcis', 'list')).err).toEqual([expect.stringContaining('Did you mean topics?')])
    expect((await run('topics', 'list', '--qiet')).err).toEqual([expect.stringContaining('Did you mean --quiet?')])
  })

  it('--help begins with examples, of everything and of one command', async () => {
    const all = await run('--help')
    expect(all).toMatchObject({ code: 0, err: [] })
    expect(all.out.join('\n')).toMatch(/^Examples:\n/)
    expect(all.out.join('\n')).toContain('keyfold schemas gen --schemas schemas')
    const one = await run('groups', 'lag', '--help')
    expect(one.out.join('\n')).toMatch(/^Examples:\n {2}keyfold groups lag/)
    expect(one.out.join('\n')).toMatch(/Exit codes:\n {2}0 {2}done\n {2}1 {2}a group/)
  })

  it('takes options before the command as well as behind it, and the latter win', async () => {
    const before = await run('-o', 'plain', 'explain')
    expect(before.out[0]).toMatch(/^[A-Z_]+\t\d+\t/)
    expect((await run('-o', 'plain', 'explain', '-o', 'ndjson')).out[0]).toMatch(/^\{"code":"[A-Z_]+"/)
    expect((await run('--json', 'explain')).out[0]).toMatch(/^\{\n/)
  })

  it('explains every error it prints', async () => {
    const { out } = await run('explain', 'kafka_unreachable')
    expect(out[0]).toBe('KAFKA_UNREACHABLE (exit code 3)')
    expect(out).toEqual([expect.any(String), expect.stringMatching(/^Why: /), expect.stringMatching(/^Fix: /)])
    expect((await run('explain', '-q')).out).toContain('USAGE')
    const page = envelopeOf('explain', await run('explain', 'USAGE', '--json'))
    expect(page.data).toMatchObject([{ code: 'USAGE', exitCode: 2 }])
  })

  it('answers wrong use and failures with an envelope, too, when JSON was asked for', async () => {
    const misuse = await run('topics', 'list', '--what', '--json')
    expect(misuse).toMatchObject({ code: 2, err: [expect.stringMatching(/^USAGE: /)] })
    expect(envelopeOf('topics list', misuse)).toMatchObject({ status: 'error', diagnostics: [{ code: 'USAGE' }] })
  })

  it('has colours only where a person reads, unless told otherwise', async () => {
    const bold = '\u001B[1m'
    const heading = async (terminal: boolean, env: Readonly<Record<string, string>>) =>
      (await runArgs(['explain'], { terminal, env })).out[0]?.includes(bold)
    expect(await heading(false, {})).toBe(false)
    expect(await heading(true, {})).toBe(true)
    expect(await heading(true, { NO_COLOR: '1' })).toBe(false)
    expect(await heading(true, { NO_COLOR: '' })).toBe(true)
    expect(await heading(true, { TERM: 'dumb' })).toBe(false)
    expect(await heading(true, { CI: 'true' })).toBe(false)
    expect(await heading(false, { FORCE_COLOR: '1' })).toBe(true)
    expect(await heading(true, { FORCE_COLOR: '0' })).toBe(false)
  })

  it('--timeout ends what takes too long with 124', async () => {
    const silent = await silentServer()
    const { code, out, err } = await run('topics', 'list', '--brokers', silent.address, '--timeout', '20ms')
    expect({ code, out }).toEqual({ code: 124, out: [] })
    expect(err).toEqual([expect.stringMatching(/^TIMED_OUT: topics list was not done after 20 ms\. /)])
    await silent.close()
  })

  it('Ctrl-C ends it with 130 and without a word', async () => {
    const silent = await silentServer()
    const world = new TestWorld()
    const ended = runCli(['topics', 'list', '--brokers', silent.address], world)
    await silent.connected
    world.interrupt()
    expect(await ended).toBe(130)
    expect([world.lines, world.errors]).toEqual([[], []])
    await silent.close()
  })
})

/** Accepts connections and says nothing. */
async function silentServer() {
  const connected = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined))
    connected.resolve()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    connected: connected.promise,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
