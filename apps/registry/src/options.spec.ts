import { describe, expect, it } from 'vitest'
import { failureExitCode, failureLine } from './failure.ts'
import { parseOptions } from './options.ts'

describe('the options of the registry process', () => {
  it('have defaults, and a flag wins over the environment', () => {
    const environment = { KAFKA_BROKERS: 'env:9092' }
    expect(parseOptions([], environment)).toEqual({
      host: '127.0.0.1',
      port: 8081,
      kafka: ['env:9092'],
      replicationFactor: undefined,
      advertisedUrl: undefined,
      writeTimeoutMs: undefined,
      answers: '8.x',
    })
    const flags = ['--kafka', 'a:1,[::1]:2', '--port', '0', '--host', '0.0.0.0', '--replication-factor', '3']
    const more = ['--advertised-url', 'http://r1:8081', '--write-timeout-ms', '700', '--answers', '7.x']
    expect(parseOptions([...flags, ...more], environment)).toEqual({
      host: '0.0.0.0',
      port: 0,
      kafka: ['a:1', '[::1]:2'],
      replicationFactor: 3,
      advertisedUrl: 'http://r1:8081',
      writeTimeoutMs: 700,
      answers: '7.x',
    })
  })

  it.each([
    [[]],
    [['--kafka', 'nowhere']],
    [['--kafka', 'a:1', '--port', '70000']],
    [['--kafka', 'a:1', '--port', 'x']],
    [['--kafka', 'a:1', '--advertised-url', 'r1:8081']],
    [['--kafka', 'a:1', '--write-timeout-ms', '0']],
    [['--kafka', 'a:1', '--answers', '6']],
    [['--kafka', 'a:1', '--what']],
    [['--kafka', 'a:1', 'extra']],
  ])('%j are refused in one line with exit code 2', (args) => {
    try {
      parseOptions(args, {})
      expect.unreachable()
    } catch (error) {
      expect(failureLine(error)).toMatch(/^OPTIONS_INVALID: .+\. Fix: .+$/)
      expect(failureExitCode(error)).toBe(2)
    }
  })
})
