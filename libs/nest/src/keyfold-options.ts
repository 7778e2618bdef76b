import type { EventStoreOptions, GateOptions, SharedOwnership, StartRetry } from '@keyfold/event-store'
import type { KafkaClient } from '@keyfold/kafka'
import type { ReadModelStore, Sharing } from '@keyfold/projections'
import type { CommandMiddleware } from './commands/command-middleware.ts'
import type { HttpContextOptions } from './context/context.interceptor.ts'
import { fail } from './errors.ts'

/** Everything that `KeyfoldModule.forRoot()` may be told. Nothing is required. */
export interface KeyfoldOptions {
  /** Names the application in transactional ids, client ids and event sources. Default `app`. */
  readonly application?: string
  /** Where the bundled broker and the read models keep their files. Default `KEYFOLD_DATA`, else `.keyfold`. */
  readonly dataDirectory?: string
  /** An Apache Kafka, as `host:port`s. Default `KAFKA_BROKERS` (comma separated); without either, the bundled broker. */
  readonly brokers?: readonly string[]
  /** A schema registry's URL. Default `SCHEMA_REGISTRY_URL`; without either, the bundled registry on the same Kafka. */
  readonly schemaRegistryUrl?: string
  /** A ready client instead of addresses; the caller closes it. */
  readonly kafka?: KafkaClient
  /** The bundled broker. Ports that are left out: the usual one when it is free, else any free one. */
  readonly bundledBroker?: {
    readonly port?: number
    /** Serves its `/metrics`, `/health` and `/ready` over HTTP. Default `KEYFOLD_BROKER_METRICS_PORT`, else not at all. */
    readonly metricsPort?: number
    /** Address for that. Default 127.0.0.1: this machine only. */
    readonly metricsHost?: string
    readonly config?: Readonly<Record<string, string | number | boolean>>
  }
  readonly bundledRegistry?: { readonly port?: number }
  /** Partitions of topics that are created. Fixed for the life of a topic. Default 4. */
  readonly partitions?: number
  /**
   * `all` registers every schema version that the code knows at start. `initial` registers version 1 of an event that the
   * registry does not know; a later version is written as soon as somebody has registered it. Default `all`.
   */
  readonly registerSchemas?: 'all' | 'initial'
  /**
   * What is looked at before commands are taken: the registry's history of every event against the code's schemas, and a
   * sample of what is stored. Default: `mode` from `KEYFOLD_GATE` (`refuse`, `warn` or `off`), else `refuse`.
   */
  readonly gate?: GateOptions
  /** How often a schema registry that cannot be reached is tried at start. Default 3 times, 250 ms and then 500 ms apart. */
  readonly startRetry?: StartRetry
  /** Read-model stores by name, besides or instead of the built-in `sqlite`. */
  readonly stores?: Readonly<Record<string, ReadModelStore>>
  /**
   * What this process does of the application's work. Default `KEYFOLD_ROLE`, else `all`. `none`: nothing is claimed,
   * projected or made; aggregates can be looked at, for tools.
   */
  readonly role?: Role
  /**
   * `alone`: this process owns every partition. `shared`: instances of the application share them, and commands find
   * their owner. Default: `shared` for the roles `api` and `worker`, else `alone`.
   */
  readonly ownership?: 'alone' | 'shared' | Omit<SharedOwnership, 'role'>
  /**
   * `shared`: instances of the application share the partitions of each projector whose store several processes can
   * share, such as PostgreSQL; the role `api` only reads those. `alone`: this process applies everything. Default `shared`.
   */
  readonly projections?: 'alone' | 'shared' | Omit<Sharing, 'application' | 'instanceId' | 'role'>
  /** `manual`: nothing starts until `KeyfoldRuntime.start()` is called. Default `auto`. */
  readonly start?: 'auto' | 'manual'
  /** How the cluster is waited for at start. */
  readonly connection?: ConnectionOptions
  /** How long each part may take to stop before the next one is stopped all the same, in milliseconds. Default 10 000. */
  readonly shutdownDeadlineMs?: number
  /** What stands around every command; the first is the outermost. `CommandBus.use` adds more. */
  readonly commandMiddleware?: readonly CommandMiddleware[]
  /** Where the context of an HTTP request comes from. */
  readonly httpContext?: HttpContextOptions
  /** What is told to OpenTelemetry, where its API is installed. Default `all`. */
  readonly telemetry?: 'all' | 'commands' | 'none'
  /** `started`: ready although read models are still catching up. Default `caught-up`. */
  readonly readiness?: 'caught-up' | 'started'
  /** The time of decisions. Default: the system's. */
  readonly clock?: () => Date
  /** Makes ids of commands, events and batches. Default: random UUIDs. */
  readonly newId?: () => string
}

export type Role = 'all' | 'api' | 'worker' | 'none'

export interface ConnectionOptions {
  /** `false`: the application starts at once and connects in the background, again and again. Default `true`. */
  readonly wait?: boolean
  /** For one attempt, in milliseconds. Default 5000. */
  readonly timeoutMs?: number
  /** Attempts before the start fails, each as long as `timeoutMs`. Default 1. */
  readonly attempts?: number
  /** Between attempts, in milliseconds. Default 500. */
  readonly delayMs?: number
}

/** Options with the environment and the defaults filled in. */
export interface ResolvedOptions extends Omit<KeyfoldOptions, 'ownership'> {
  readonly application: string
  readonly dataDirectory: string
  readonly partitions: number
  readonly registerSchemas: 'all' | 'initial'
  readonly gate: GateOptions
  readonly role: Role
  readonly connection: Required<ConnectionOptions>
  readonly shutdownDeadlineMs: number
  readonly ownership: NonNullable<EventStoreOptions['ownership']>
}

/** @throws {KeyfoldError} `OPTIONS_INVALID` */
export function resolveOptions(
  options: KeyfoldOptions,
  env: Readonly<Record<string, string | undefined>>,
): ResolvedOptions {
  const brokers = options.brokers ?? addresses(env['KAFKA_BROKERS'])
  const schemaRegistryUrl = options.schemaRegistryUrl ?? (env['SCHEMA_REGISTRY_URL'] || undefined)
  const brokerPort = options.bundledBroker?.port ?? port('KEYFOLD_BROKER_PORT', env)
  const metricsPort = options.bundledBroker?.metricsPort ?? port('KEYFOLD_BROKER_METRICS_PORT', env)
  const registryPort = options.bundledRegistry?.port ?? port('KEYFOLD_REGISTRY_PORT', env)
  const partitions = options.partitions ?? 4
  const chosenRole = options.role ?? role(env['KEYFOLD_ROLE'])
  if (!Number.isSafeInteger(partitions) || partitions < 1)
    throw fail('OPTIONS_INVALID', `partitions must be a whole number from 1, not ${partitions}`)
  if (schemaRegistryUrl !== undefined && !URL.canParse(schemaRegistryUrl))
    throw fail('OPTIONS_INVALID', `the schema registry's URL ${schemaRegistryUrl} is not a URL`)
  return {
    ...options,
    application: options.application ?? 'app',
    dataDirectory: options.dataDirectory ?? (env['KEYFOLD_DATA'] || '.keyfold'),
    partitions,
    registerSchemas: options.registerSchemas ?? 'all',
    gate: { ...options.gate, mode: options.gate?.mode ?? gateMode(env['KEYFOLD_GATE']) },
    role: chosenRole,
    ownership: ownershipOf(options.ownership, chosenRole),
    connection: { wait: true, timeoutMs: 5_000, attempts: 1, delayMs: 500, ...options.connection },
    shutdownDeadlineMs: options.shutdownDeadlineMs ?? 10_000,
    ...(brokers && { brokers }),
    ...(schemaRegistryUrl !== undefined && { schemaRegistryUrl }),
    ...((brokerPort ?? metricsPort) !== undefined && {
      bundledBroker: {
        ...options.bundledBroker,
        ...(brokerPort !== undefined && { port: brokerPort }),
        ...(metricsPort !== undefined && { metricsPort }),
      },
    }),
    ...(registryPort !== undefined && { bundledRegistry: { port: registryPort } }),
  }
}

function addresses(text: string | undefined): readonly string[] | undefined {
  const list = text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (list === undefined || list.length === 0) return undefined
  const wrong = list.find((address) => !/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/.test(address))
  if (wrong !== undefined)
    throw fail('OPTIONS_INVALID', `KAFKA_BROKERS holds ${JSON.stringify(wrong)}, which is not host:port`)
  return list
}

function gateMode(text: string | undefined): NonNullable<GateOptions['mode']> {
  if (text === undefined || text === '') return 'refuse'
  if (text === 'refuse' || text === 'warn' || text === 'off') return text
  throw fail('OPTIONS_INVALID', `KEYFOLD_GATE is ${JSON.stringify(text)}, not refuse, warn or off`)
}

function ownershipOf(asked: KeyfoldOptions['ownership'], role: Role): ResolvedOptions['ownership'] {
  if (role === 'none' || (asked ?? (role === 'all' ? 'alone' : 'shared')) === 'alone') {
    if (role === 'api') throw fail('OPTIONS_INVALID', 'ownership alone and the role api leave the partitions to nobody')
    return 'alone'
  }
  return { ...(typeof asked === 'object' && asked), role }
}

function role(text: string | undefined): Role {
  if (text === undefined || text === '') return 'all'
  const found = ROLES.find((each) => each === text)
  if (found !== undefined) return found
  throw fail('OPTIONS_INVALID', `KEYFOLD_ROLE is ${JSON.stringify(text)}, not ${ROLES.join(', ')}`)
}

const ROLES: readonly Role[] = ['all', 'api', 'worker', 'none']

function port(variable: string, env: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = env[variable]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw fail('OPTIONS_INVALID', `${variable} is ${JSON.stringify(text)}, which is not a port`)
  return value
}
