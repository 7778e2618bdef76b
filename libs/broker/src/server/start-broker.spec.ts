import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerError } from '../errors.ts'
import { type LogLine, logTo } from '../log.ts'
import type { BrokerOptions, RunningBroker } from '../running-broker.ts'
import { startBroker } from './start-broker.ts'
import { startBrokerWorker } from './start-broker-worker.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyfold-start-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function failureOf(start: () => Promise<RunningBroker>): Promise<BrokerError> {
  try {
    const broker = await start()
    await broker.close()
  } catch (error) {
    if (error instanceof BrokerError) return error
    throw error
  }
  throw new Error('it started')
}

describe.each([
  ['in this thread', startBroker],
  ['in a worker', startBrokerWorker],
])('a broker %s', (_, start) => {
  it('starts, says where it is, and closes, also twice', async () => {
    const lines: LogLine[] = []
    const broker = await start({ dataDirectory: directory, log: logTo((line) => lines.push(line)) })
    expect(broker).toMatchObject({ host: '127.0.0.1', address: `127.0.0.1:${broker.port}`, nodeId: 1 })
    expect(broker.clusterId).toMatch(/^[\w-]{22}$/)
    await Promise.all([broker.close(), broker.close()])
    expect(await broker.stopped).toBeUndefined()
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['broker.ready', 'broker.closed']))
    const again = await start({ dataDirectory: directory, port: broker.port })
    expect(again).toMatchObject({ clusterId: broker.clusterId, port: broker.port })
    await again.close()
  })

  it('reports a port in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const error = await failureOf(() => start({ memory: true, port }))
    expect(error.toLine()).toBe(
      `PORT_IN_USE: another process listens on 127.0.0.1:${port}. Fix: Stop the process that listens there, or choose another port (0 picks a free one).`,
    )
    server.close()
  })

  it('reports a directory that another broker uses, and leaves that one alone', async () => {
    const first = await start({ dataDirectory: directory })
    const error = await failureOf(() => start({ dataDirectory: directory }))
    expect(error.code).toBe('DATA_DIRECTORY_LOCKED')
    expect(error.message).toContain(`${process.pid}`)
    await first.close()
    await (await start({ dataDirectory: directory })).close()
  })

  it('reports a directory that cannot be used', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    expect((await failureOf(() => start({ dataDirectory: join(file, 'below') }))).code).toBe('DATA_DIRECTORY_UNUSABLE')
  })

  it.each<[string, BrokerOptions, string]>([
    ['an unknown setting', { memory: true, config: { 'num.partition': 1 } }, 'CONFIG_INVALID'],
    ['a value that does not fit', { memory: true, config: { 'num.partitions': 0 } }, 'CONFIG_INVALID'],
    ['an address that is not ours', { memory: true, host: '192.0.2.1' }, 'LISTEN_FAILED'],
  ])('reports %s', async (_, options, code) => {
    const error = await failureOf(() => start(options))
    expect(error.code).toBe(code)
    expect(error.fix).not.toBe('')
  })
})

it('a damaged journal is reported, and not changed', async () => {
  await (await startBroker({ dataDirectory: directory })).close()
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  const checkpoint = files.find((entry) => entry.isFile() && entry.name.includes('checkpoint'))
  expect(checkpoint).toBeDefined()
  const path = join(checkpoint?.parentPath ?? '', checkpoint?.name ?? '')
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 0xff
  chmodSync(path, 0o600)
  writeFileSync(path, bytes)
  const error = await failureOf(() => startBroker({ dataDirectory: directory }))
  expect(error.code).toBe('CHECKPOINT_CORRUPT')
  expect(readFileSync(path).equals(bytes)).toBe(true)
  expect((await failureOf(() => startBroker({ dataDirectory: directory }))).code).toBe('CHECKPOINT_CORRUPT')
})
