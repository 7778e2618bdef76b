import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runBank, startBank } from '../bank-process.ts'

describe('what keeps the bank from starting is said in one line', { timeout: 40_000 }, () => {
  let directory: string
  beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'keyfold-start-'))))
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  const start = (args: readonly string[] = [], env: Record<string, string> = {}) =>
    runBank(['--once', '--no-tour', '--port', '0', '--data', directory, ...args], env)

  it('an unknown option', async () => {
    expectFailure(await start(['--colour']), { code: 'USAGE', exitCode: 2 })
  })

  it('a busy port', async () => {
    const { server, port } = await listen(() => {})
    expectFailure(await start(['--port', String(port)]), { code: 'PORT_IN_USE', exitCode: 1 })
    expectFailure(await start([], { KEYFOLD_BROKER_PORT: String(port) }), { code: 'PORT_IN_USE', exitCode: 1 })
    expectFailure(await start([], { KEYFOLD_REGISTRY_PORT: String(port) }), { code: 'PORT_IN_USE', exitCode: 1 })
    server.close()
  })

  it('a Kafka that cannot be reached', async () => {
    expectFailure(await start([], { KAFKA_BROKERS: '127.0.0.1:1' }), { code: 'KAFKA_UNREACHABLE', exitCode: 3 })
    expectFailure(await start([], { KAFKA_BROKERS: 'nowhere' }), { code: 'OPTIONS_INVALID', exitCode: 2 })
  })

  it('something that is no Kafka', async () => {
    const { server, port } = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const failure = await start([], { KAFKA_BROKERS: `127.0.0.1:${port}` })
    expectFailure(failure, { code: /KAFKA_(UNREACHABLE|INCOMPATIBLE)/, exitCode: 3 })
    server.close()
  })

  it('a registry that cannot be reached', async () => {
    const failure = await start([], { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' })
    expectFailure(failure, { code: 'REGISTRY_UNREACHABLE', exitCode: 3 })
  })

  it('a data directory that is a file, or may not be written', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    expectFailure(await start(['--data', file]), { code: 'DATA_DIRECTORY_UNUSABLE', exitCode: 74 })
    if (existsSync('/proc/self'))
      expectFailure(await start(['--data', '/proc/nowhere/x']), { code: 'DATA_DIRECTORY_UNUSABLE', exitCode: 74 })
    if (process.getuid?.() === 0) return
    const closed = join(directory, 'closed')
    await mkdir(closed)
    await chmod(closed, 0o500)
    expectFailure(await start(['--data', closed]), { code: 'DATA_DIRECTORY_UNUSABLE', exitCode: 74 })
  })

  it('a second process on the same data directory; the first one goes on', async () => {
    const first = await startBank(directory)
    const second = await start()
    expectFailure(second, { code: 'DATA_DIRECTORY_LOCKED', exitCode: 1 })
    expect(second.stderr).toContain(String(first.child.pid))
    expect((await fetch(`${first.bankUrl}/health`)).status).toBe(200)
    expect(await first.stop()).toBe(0)
  })

  it('a torn journal tail is cut, and everything before it is there', async () => {
    const bank = await startBank(directory)
    for (let index = 0; index < 20; index += 1)
      await fetch(`${bank.bankUrl}/accounts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ accountId: `a${index}`, owner: 'A' }),
      })
    await bank.kill()

    const journal = await newestJournal(join(directory, 'broker'))
    const intact = await readFile(journal)
    const end = Math.ceil((intact.findLastIndex((byte) => byte !== 0) + 1) / PAGE_BYTES) * PAGE_BYTES

    // Something that looks like the start of a block and goes nowhere, as after a power cut.
    const torn = Buffer.from(intact)
    torn.fill(0xa5, end, Math.min(end + 700, torn.length))
    await writeFile(journal, torn)
    const recovered = await start()
    expect(recovered.stdout).toContain('20 accounts are here')
    expect(recovered.stdout + recovered.stderr).toMatch(/journal\.tail-cut.*fromByte/)
    expect(recovered.exitCode).toBe(0)
  })

  it('damage in the middle of the journal is refused, and cuts nothing', async () => {
    const bank = await startBank(directory)
    await bank.kill()
    const journal = await newestJournal(join(directory, 'broker'))
    const damaged = await readFile(journal)
    const used = damaged.subarray(0, damaged.findLastIndex((byte) => byte !== 0) + 1)
    // A byte that says something: between blocks there are zeros, which nobody reads.
    const middle = used.subarray(0, used.length >> 1).findLastIndex((byte) => byte !== 0)
    damaged.writeUInt8(damaged.readUInt8(middle) ^ 0xff, middle)
    await writeFile(journal, damaged)
    const refused = await start()
    expectFailure(refused, { code: 'JOURNAL_CORRUPT', exitCode: 74 })
    expect(refused.stderr).toContain(journal.split('/').at(-1))
    expect(damaged.equals(await readFile(journal))).toBe(true)
  })
})

interface Expected {
  readonly code: string | RegExp
  readonly exitCode: number
}

function expectFailure(exit: Awaited<ReturnType<typeof runBank>>, { code, exitCode }: Expected): void {
  const lines = exit.stderr.trim().split('\n')
  expect(lines, exit.stderr).toHaveLength(1)
  expect(lines[0]).toMatch(/^[A-Z_]+: .+\. Fix: .+/)
  expect(lines[0]?.split(':')[0]).toMatch(code)
  expect(exit.exitCode).toBe(exitCode)
}

async function listen(onSocket: (socket: Socket) => void): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(onSocket)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

/** Blocks of the journal begin at multiples of this; the first page of a file is its header. */
const PAGE_BYTES = 4096

/** The journal file that was written to last. */
async function newestJournal(directory: string): Promise<string> {
  const files = (await readdir(directory, { recursive: true })).filter((name) => /journal.*\d/.test(name)).sort()
  const contents = await Promise.all(files.map((name) => readFile(join(directory, name)).catch(() => Buffer.alloc(0))))
  const used = files.findLast((_, index) => contents[index]?.subarray(PAGE_BYTES).some((byte) => byte !== 0))
  if (used === undefined) throw new Error(`no journal in ${directory}`)
  return join(directory, used)
}
