import { MemorySchemaLog, MemorySchemaTopic, startRegistry } from '@keyfold/registry'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { registryClient, type RegistryClient } from '../registry-client.ts'
import { type CliRun, runInTest, type TestWorldOptions } from './test-world.ts'

/** A registry in memory for one file of tests, empty before each of them. */
export interface TestRegistry {
  url(): string
  client(): RegistryClient
  /** Runs a command line with this registry in the environment. */
  run(args: readonly string[], options?: TestWorldOptions): Promise<CliRun>
  register(subject: string, schema: object, more?: object): Promise<unknown>
}

export function useMemoryRegistry(): TestRegistry {
  let url = ''
  let stop = async (): Promise<void> => {}
  beforeAll(async () => {
    const registry = await startRegistry({ log: new MemorySchemaLog(new MemorySchemaTopic()), port: 0 })
    url = registry.url
    stop = () => registry.close()
  })
  afterAll(() => stop())
  beforeEach(async () => {
    const client = registryClient(url)
    const subjects = (await client.get('/subjects?deleted=true')) as readonly string[]
    const live = (await client.get('/subjects')) as readonly string[]
    for (const subject of live) await client.send('DELETE', `/subjects/${encodeURIComponent(subject)}`)
    for (const subject of subjects.toReversed())
      await client.send('DELETE', `/subjects/${encodeURIComponent(subject)}?permanent=true`)
  })
  const client = () => registryClient(url)
  return {
    url: () => url,
    client,
    run: (args, options = {}) => runInTest(args, { ...options, env: { SCHEMA_REGISTRY_URL: url, ...options.env } }),
    register: (subject, schema, more = {}) =>
      client().send('POST', `/subjects/${encodeURIComponent(subject)}/versions`, {
        schema: JSON.stringify(schema),
        ...more,
      }),
  }
}
