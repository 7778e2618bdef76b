import { describe, expect, it } from 'vitest'
import { resolveOptions } from './keyfold-options.ts'

describe('options', () => {
  it('are all optional: the bundled broker under .keyfold', () => {
    expect(resolveOptions({}, {})).toEqual({
      application: 'app',
      dataDirectory: '.keyfold',
      partitions: 4,
      registerSchemas: 'all',
      gate: { mode: 'refuse' },
      role: 'all',
      ownership: 'alone',
      connection: { wait: true, timeoutMs: 5_000, attempts: 1, delayMs: 500 },
      shutdownDeadlineMs: 10_000,
    })
  })

  it('come from the environment when they are not given', () => {
    const env = {
      KAFKA_BROKERS: 'a:1, [::1]:2,',
      SCHEMA_REGISTRY_URL: 'http://r:8081',
      KEYFOLD_DATA: '/data',
      KEYFOLD_BROKER_PORT: '0',
      KEYFOLD_BROKER_METRICS_PORT: '9404',
      KEYFOLD_REGISTRY_PORT: '9',
      KEYFOLD_GATE: 'warn',
    }
    expect(resolveOptions({}, env)).toMatchObject({
      brokers: ['a:1', '[::1]:2'],
      schemaRegistryUrl: 'http://r:8081',
      dataDirectory: '/data',
      bundledBroker: { port: 0, metricsPort: 9404 },
      bundledRegistry: { port: 9 },
      gate: { mode: 'warn' },
    })
    expect(resolveOptions({ gate: { mode: 'off', newestPerPartition: 1 } }, env).gate).toEqual({
      mode: 'off',
      newestPerPartition: 1,
    })
    expect(resolveOptions({ bundledBroker: { config: {} } }, { KEYFOLD_BROKER_METRICS_PORT: '0' })).toMatchObject({
      bundledBroker: { config: {}, metricsPort: 0 },
    })
    expect(resolveOptions({ brokers: ['mine:1'], dataDirectory: 'd' }, env)).toMatchObject({
      brokers: ['mine:1'],
      dataDirectory: 'd',
    })
  })

  it.each([
    [{ KAFKA_BROKERS: 'nowhere' }, /"nowhere"/],
    [{ SCHEMA_REGISTRY_URL: 'not a url' }, /not a url/],
    [{ KEYFOLD_BROKER_PORT: '70000' }, /KEYFOLD_BROKER_PORT/],
    [{ KEYFOLD_BROKER_METRICS_PORT: '-1' }, /KEYFOLD_BROKER_METRICS_PORT/],
    [{ KEYFOLD_REGISTRY_PORT: 'x' }, /KEYFOLD_REGISTRY_PORT/],
    [{ KEYFOLD_GATE: 'open' }, /KEYFOLD_GATE is "open", not refuse, warn or off/],
  ])('refuse %j', (env, expected) => {
    expect(() => resolveOptions({}, env)).toThrow(expected)
  })

  it('refuse partitions that are no number', () => {
    expect(() => resolveOptions({ partitions: 0 }, {})).toThrow(/partitions/)
  })
})
