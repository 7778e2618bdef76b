import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Execute } from './closed-loop.ts'

/** What is compared with is no dependency of this repository: it is installed when it is needed. */
const VERSION = '0.42.0'
const packages = ['@event-driven-io/emmett', '@event-driven-io/emmett-postgresql']
const cache = join(tmpdir(), `keyfold-bench-emmett-${VERSION}`)

interface NotedEvent {
  readonly type: 'Noted'
  readonly data: { readonly text: string; readonly number: number }
}

interface Store {
  readonly close?: () => Promise<void>
}

interface Emmett {
  readonly CommandHandler: (options: {
    readonly evolve: (state: { count: number }, event: NotedEvent) => { count: number }
    readonly initialState: () => { count: number }
  }) => (store: Store, id: string, decide: (state: { count: number }) => NotedEvent) => Promise<unknown>
  readonly getInMemoryEventStore: () => Store
}

interface EmmettPostgres {
  readonly getPostgreSQLEventStore: (connection: string) => Store
}

/** Where it was installed; undefined when it is not there and cannot be had. */
export async function installEmmett(): Promise<string | undefined> {
  if (existsSync(join(cache, 'node_modules', ...(packages[1] ?? '').split('/')))) return cache
  mkdirSync(cache, { recursive: true })
  const names = packages.map((name) => `${name}@${VERSION}`)
  const flags = ['--prefix', cache, '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await promisify(execFile)('npm', ['install', ...flags, ...names], { timeout: 120_000 })
    return cache
  } catch {
    return undefined
  }
}

/** Its command handler on its PostgreSQL store, or on the one that keeps nothing. */
export async function openEmmett(place: {
  readonly directory: string
  readonly postgres: string | undefined
  readonly eventBytes: number
}): Promise<{ execute: Execute; end: () => Promise<void> }> {
  const { directory, postgres, eventBytes } = place
  const require = createRequire(join(directory, 'package.json'))
  const load = async <Module>(name: string) => (await import(pathToFileURL(require.resolve(name)).href)) as Module
  const { CommandHandler, getInMemoryEventStore } = await load<Emmett>('@event-driven-io/emmett')
  const store =
    postgres === undefined
      ? getInMemoryEventStore()
      : (await load<EmmettPostgres>('@event-driven-io/emmett-postgresql')).getPostgreSQLEventStore(postgres)
  const handle = CommandHandler({ evolve: ({ count }) => ({ count: count + 1 }), initialState: () => ({ count: 0 }) })
  const text = 'x'.repeat(eventBytes)
  const execute: Execute = (id) => handle(store, id, ({ count }) => ({ type: 'Noted', data: { text, number: count } }))
  // It makes its tables with the first command, and waits for itself when many come at once then.
  await execute('first')
  return {
    execute,
    end: async () => await store.close?.(),
  }
}
