import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AggregateHistory, DryRun, DryRunOptions, ShowOptions } from '@keyfold/event-store'
import type { AggregateDescriptor, Command } from '@keyfold/eventsourcing'
import { CliError } from '../cli-error.ts'
import type { Context } from '../context.ts'

/** What the commands need of an application: `KeyfoldAggregates` of @keyfold/nest. */
export interface LoadedApp {
  readonly all: readonly AggregateDescriptor[]
  show(aggregate: string, key: string, options?: ShowOptions): Promise<AggregateHistory>
  dryRun(command: Command, options?: DryRunOptions): Promise<DryRun>
}

/** The parts of the application's own copies of Nest and Keyfold that are used: another copy would not know its tokens. */
interface NestCore {
  readonly NestFactory: { createApplicationContext(module: unknown, options: object): Promise<NestContext> }
}
interface NestContext {
  get(token: unknown): unknown
  close(): Promise<void>
}
interface KeyfoldNest {
  readonly KeyfoldAggregates: unknown
  withKeyfoldOptions<Result>(options: object, make: () => Result): Result
}

/**
 * Starts the compiled module of an application to look with: in the role `none`, on the cluster of the command line, so
 * that it claims, projects and makes nothing.
 * Errors: `MODULE_UNUSABLE`, and those of the application's start.
 */
export async function loadApp(context: Context, place: string): Promise<LoadedApp> {
  const [file = '', wanted] = place.split('#')
  const path = resolve(file)
  const module = moduleOf(await imported<Readonly<Record<string, unknown>>>(path, path), place, wanted)
  const near = createRequire(path)
  const core = await imported<NestCore>(resolved(near, '@nestjs/core', path), path)
  const keyfold = await imported<KeyfoldNest>(resolved(near, '@keyfold/nest', path), path)
  const { brokers, registryUrl } = context.settings
  const app = await context.keep(
    keyfold.withKeyfoldOptions({ role: 'none', brokers, schemaRegistryUrl: registryUrl, start: 'auto' }, () =>
      core.NestFactory.createApplicationContext(module, { logger: false, abortOnError: false }),
    ),
  )
  return app.get(keyfold.KeyfoldAggregates) as LoadedApp
}

function moduleOf(exports: Readonly<Record<string, unknown>>, place: string, wanted: string | undefined): unknown {
  const found = Object.entries(exports).filter(([name, value]) =>
    wanted === undefined ? typeof value === 'function' && value.name.endsWith('Module') : name === wanted,
  )
  const [first, ...more] = [...new Set(found.map(([, value]) => value))]
  if (first !== undefined && more.length === 0) return first
  const names = found.map(([name]) => name).join(', ')
  const why = names === '' ? 'exports no Nest module of that kind' : `exports several modules: ${names}`
  throw new CliError('MODULE_UNUSABLE', `${place} ${why}; name one with ${place.split('#')[0]}#AppModule`)
}

function resolved(near: NodeJS.Require, name: string, path: string): string {
  try {
    return near.resolve(name)
  } catch {
    throw new CliError('MODULE_UNUSABLE', `${name} is not installed where ${path} is`)
  }
}

async function imported<Module>(file: string, path: string): Promise<Module> {
  try {
    return (await import(pathToFileURL(file).href)) as Module
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('MODULE_UNUSABLE', `${path} cannot be loaded: ${why}`)
  }
}
