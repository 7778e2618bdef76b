import { describe, expect, it } from 'vitest'
import { readCommandLine } from './command-line.ts'

describe('the command line', () => {
  it('without arguments keeps data below this directory and listens on this machine', () => {
    expect(readCommandLine([])).toEqual({
      kind: 'start',
      format: 'text',
      options: { dataDirectory: '.keyfold/broker', host: '127.0.0.1', port: 9092, config: {} },
    })
  })

  it('takes directory, address and settings', () => {
    const args = '--data d --host 0.0.0.0 --port 0 --advertise kafka.local:9093 --set num.partitions=3 --json'
    expect(readCommandLine(args.split(' '))).toEqual({
      kind: 'start',
      format: 'json',
      options: {
        dataDirectory: 'd',
        host: '0.0.0.0',
        port: 0,
        advertisedHost: 'kafka.local',
        advertisedPort: 9093,
        config: { 'num.partitions': '3' },
      },
    })
    expect(readCommandLine(['--memory'])).toMatchObject({ options: { memory: true } })
    expect(readCommandLine(['--virtual-brokers', '3'])).toMatchObject({
      options: { config: { 'keyfold.virtual.brokers': '3' } },
    })
    expect(readCommandLine(['--metrics-port', '0', '--metrics-host', '::1'])).toMatchObject({
      options: { metricsPort: 0, metricsHost: '::1' },
    })
    expect(readCommandLine(['--help'])).toEqual({ kind: 'help' })
  })

  it('serves metrics where the environment says so, unless it is told otherwise', () => {
    const env = { KEYFOLD_BROKER_METRICS_PORT: '9404' }
    expect(readCommandLine([], env)).toMatchObject({ options: { metricsPort: 9404 } })
    expect(readCommandLine(['--metrics-port', '1'], env)).toMatchObject({ options: { metricsPort: 1 } })
    const what = 'KEYFOLD_BROKER_METRICS_PORT x is not a port number (0 to 65535)'
    expect(readCommandLine([], { KEYFOLD_BROKER_METRICS_PORT: 'x' })).toEqual({ kind: 'error', what })
  })

  it.each([
    [['--port', 'many'], '--port many is not a port number'],
    [['--metrics-port', '70000'], '--metrics-port 70000 is not a port number'],
    [['--port', '70000'], '--port 70000 is not a port number'],
    [['--set', 'num.partitions'], '--set num.partitions is not of the form key=value'],
    [['--advertise', 'here'], '--advertise here is not host:port'],
    [['--colour', 'red'], "Unknown option '--colour'"],
  ])('%j is refused by name', (args, what) => {
    expect(readCommandLine(args)).toMatchObject({ kind: 'error', what: expect.stringContaining(what) as string })
  })
})
