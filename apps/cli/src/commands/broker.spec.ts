import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelopeOf } from '../testing/envelope-check.ts'
import { runInTest } from '../testing/test-world.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyfold-broker-'))
})

afterAll(() => rm(directory, { recursive: true }))

describe('keyfold broker start and status', () => {
  it('start says where it is, serves until Ctrl-C, and exits 0', async () => {
    const data = join(directory, 'data')
    let asked: Promise<unknown> = Promise.resolve()
    const run = await runInTest(['broker', 'start', '--data', data, '--port', '0', '-o', 'ndjson'], {
      onLine: (line, world) => {
        const { address } = JSON.parse(line) as { readonly address: string }
        asked = askBoth(address, data).finally(() => world.interrupt())
      },
    })
    await asked
    expect(run).toMatchObject({ code: 0, err: [] })
    expect(run.out).toHaveLength(1)
    expect(JSON.parse(run.out[0] ?? '')).toMatchObject({ pid: process.pid, dataDirectory: data })
    const free = await runInTest(['broker', 'status', '--data', data])
    expect(free).toEqual({ code: 1, out: [`${data} is not in use`], err: [] })
  })

  async function askBoth(address: string, data: string): Promise<void> {
    const online = await runInTest(['broker', 'status', '--brokers', address, '--json'])
    expect(online.code).toBe(0)
    const [host, port] = address.split(':')
    expect(envelopeOf('broker status', online).data).toMatchObject({
      cluster: { topics: 0, groups: 0, nodes: [{ host, port: Number(port) }] },
    })
    const offline = await runInTest(['broker', 'status', '--data', data, '--json'])
    expect(offline.code).toBe(0)
    expect(envelopeOf('broker status', offline).data).toEqual({
      directory: { path: data, state: 'in-use', pid: process.pid },
    })
    const second = await runInTest(['broker', 'start', '--data', data, '--port', '0'])
    expect(second).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^DATA_DIRECTORY_LOCKED: /)] })
  }

  it('start --json prints one envelope on one line', async () => {
    const run = await runInTest(['broker', 'start', '--memory', '--port', '0', '--json'], {
      onLine: (_line, world) => world.interrupt(),
    })
    expect(run.code).toBe(0)
    expect(run.out).toHaveLength(1)
    expect(envelopeOf('broker start', run)).toMatchObject({ status: 'ok', data: { dataDirectory: null } })
  })

  it('start --metrics-port says where the metrics are, and serves them', async () => {
    let ready: Promise<number> = Promise.resolve(0)
    const run = await runInTest(['broker', 'start', '--memory', '--port', '0', '--metrics-port', '0', '-o', 'ndjson'], {
      onLine: (line, world) => {
        const { metricsAddress } = JSON.parse(line) as { readonly metricsAddress: string }
        ready = fetch(`http://${metricsAddress}/ready`)
          .then(({ status }) => status)
          .finally(() => world.interrupt())
      },
    })
    expect([await ready, run.code]).toEqual([200, 0])
  })

  it('start advertises another address and takes settings; wrong ones are refused', async () => {
    const start = (...args: readonly string[]) =>
      runInTest(['broker', 'start', '--memory', '--port', '0', '-o', 'ndjson', ...args], {
        onLine: (_line, world) => world.interrupt(),
      })
    const elsewhere = await start('--advertise', 'kafka.example:19092', '--set', 'num.partitions=3')
    expect(JSON.parse(elsewhere.out[0] ?? '')).toMatchObject({ address: 'kafka.example:19092' })
    expect(await start('--advertise', 'nowhere')).toMatchObject({ code: 2, out: [] })
    expect(await start('--set', 'num.partitions')).toMatchObject({ code: 2, out: [] })
    const refused = await start('--set', 'num.partitions=many')
    expect(refused).toMatchObject({ code: 2, out: [], err: [expect.stringMatching(/^CONFIG_INVALID: /)] })
  })

  it('registry start says where it is and stops with 0', async () => {
    let registry: Promise<void> = Promise.resolve()
    await runInTest(['broker', 'start', '--memory', '--port', '0', '-o', 'ndjson'], {
      onLine: (line, world) => {
        const { address } = JSON.parse(line) as { readonly address: string }
        registry = startAndStop(address).finally(() => world.interrupt())
      },
    })
    await registry
  })

  async function startAndStop(brokers: string): Promise<void> {
    const flags = ['--advertised-url', 'http://r1:8081', '--answers', '7.x']
    const run = await runInTest(['registry', 'start', '--brokers', brokers, '--port', '0', ...flags, '--json'], {
      onLine: (_line, world) => world.interrupt(),
    })
    expect(run.code).toBe(0)
    expect(envelopeOf('registry start', run).data).toMatchObject({ brokers, pid: process.pid })
  }

  it('status exits 3 when nobody answers, and 1 for a directory in which no broker ever was', async () => {
    const lost = await runInTest([
      'broker',
      'status',
      '--brokers',
      '127.0.0.1:1',
      '--connect-timeout',
      '50ms',
      '--json',
    ])
    expect(lost).toMatchObject({ code: 3, err: [expect.stringMatching(/^KAFKA_UNREACHABLE: /)] })
    expect(envelopeOf('broker status', lost)).toMatchObject({
      status: 'error',
      diagnostics: [{ code: 'KAFKA_UNREACHABLE' }],
    })
    const absent = await runInTest(['broker', 'status', '--data', join(directory, 'nothing')])
    expect(absent).toMatchObject({ code: 1, out: [expect.stringContaining('is not the data of a broker')] })
  })
})
