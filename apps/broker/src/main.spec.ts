import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyfold-broker-app-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

function run(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=@keyfold/source', main, ...args])
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, errors: errors.trim().split('\n') }))
  return { child, firstLine, ended }
}

describe('the broker as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'says in one line that it is ready, and ends cleanly on %s',
    async (signal) => {
      const { child, firstLine, ended } = run('--data', directory, '--port', '0', '--json')
      expect(JSON.parse(await firstLine)).toMatchObject({
        event: 'ready',
        host: '127.0.0.1',
        nodeId: 1,
        pid: child.pid,
      })
      child.kill(signal)
      const { code, errors } = await ended
      expect(code).toBe(0)
      const events = errors.map((line) => (JSON.parse(line) as { event: string }).event)
      expect(events).toContain('broker.closed')
    },
  )

  it('says where its metrics are, and serves them', async () => {
    const { child, firstLine, ended } = run('--memory', '--port', '0', '--metrics-port', '0')
    const [, url = ''] = /^keyfold-broker ready on 127\.0\.0\.1:\d+, metrics on (http:\S+)$/.exec(await firstLine) ?? []
    expect(await (await fetch(url)).text()).toContain('\nkeyfold_broker_ready 1\n')
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  it('a second one on the same directory ends with one line: code, cause, fix', async () => {
    const first = run('--data', directory, '--port', '0')
    expect(await first.firstLine).toMatch(/^keyfold-broker ready on 127\.0\.0\.1:\d+$/)
    const { code, errors } = await run('--data', directory, '--port', '0').ended
    expect(code).toBe(69)
    expect(errors).toEqual([expect.stringMatching(/^DATA_DIRECTORY_LOCKED: process \d+ is using .*\. Fix: .+\.$/)])
    first.child.kill('SIGTERM')
    await first.ended
  })

  it.each([
    [['--port', 'x'], 64, /^USAGE: --port x is not a port number .* Fix: keyfold-broker --help/],
    [['--set', 'no.such.key=1', '--port', '0'], 78, /^CONFIG_INVALID: There is no setting no\.such\.key\. Fix: /],
    [['--data', '/dev/null/below', '--port', '0'], 74, /^DATA_DIRECTORY_UNUSABLE: .* Fix: /],
  ])('%j ends with exit code %i and one line', async (args, exitCode, line) => {
    const { code, errors } = await run(...args).ended
    expect(errors).toEqual([expect.stringMatching(line)])
    expect(code).toBe(exitCode)
  })
})
