import { describe, expect, it } from 'vitest'
import { resolveOptions } from './keyfold-options.ts'

describe('options', () => {
  it('are all optional: the bundled broker under .keyfold', () => {
    expect(resolveOptions({}, {})).toEqual({
      application: 'app',
      dataDirectory: '.keyfold',
      partitions: 4,
      registerSchemas: 'all',
    })
  })

  it('come from the environment when they are not given', () => {
    const env = {
      KAFKA_BROKERS: 'a:1, [::1]:2,',
      SCHEMA_REGISTRY_URL: 'http://r:8081',
      KEYFOLD_DATA: '/data',
      KEYFOLD_BROKER_PORT: '0',
      KEYFOLD_REGISTRY_PORT: '9',
    }
    expect(resolveOptions({}, env)).toMatchObject({
      brokers: ['a:1', '[::1]:2'],
      schemaRegistryUrl: 'http://r:8081',
      dataDirectory: '/data',
      bundledBroker: { port: 0 },
      bundledRegistry: { port: 9 },
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
    [{ KEYFOLD_REGISTRY_PORT: 'x' }, /KEYFOLD_REGISTRY_PORT/],
  ])('refuse %j', (env, expected) => {
    expect(() => resolveOptions({}, env)).toThrow(expected)
  })

  it('refuse partitions that are no number', () => {
    expect(() => resolveOptions({ partitions: 0 }, {})).toThrow(/partitions/)
  })
})
