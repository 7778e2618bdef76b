import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { PostgresServer } from '../../libs/projections/src/testdata/postgres-server.ts'
import type { Execute } from './closed-loop.ts'

/** What is compared with is no dependency of this repository: it is installed when it is needed. */
const VERSION = '0.42.0'
export const EMMETT_POSTGRESQL = '@event-driven-io/emmett-postgresql'
const packages = ['@event-driven-io/emmett', EMMETT_POSTGRESQL]
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
  if (existsSync(join(cache, 'node_modules', ...EMMETT_POSTGRESQL.split('/')))) return cache
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

/** Its PostgreSQL, as it wants to be told of it. */
export function addressOf({ host, port, user, database }: PostgresServer['connection']): string {
  return `postgresql://${user}@${host}:${port}/${database}`
}

/** One of its packages, with what the caller uses of it. */
export async function loadEmmett<Module>(directory: string, name: string): Promise<Module> {
  const require = createRequire(join(directory, 'package.json'))
  return (await import(pathToFileURL(require.resolve(name)).href)) as Module
}

/** Its command handler on its PostgreSQL store, or on the one that keeps nothing. */
export async function openEmmett(place: {
  readonly directory: string
  readonly postgres: string | undefined
  readonly eventBytes: number
}): Promise<{ execute: Execute; end: () => Promise<void> }> {
  const { directory, postgres, eventBytes } = place
  const { CommandHandler, getInMemoryEventStore } = await loadEmmett<Emmett>(directory, '@event-driven-io/emmett')
  const store =
    postgres === undefined
      ? getInMemoryEventStore()
      : (await loadEmmett<EmmettPostgres>(directory, EMMETT_POSTGRESQL)).getPostgreSQLEventStore(postgres)
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
