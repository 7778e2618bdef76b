import 'reflect-metadata'
import type { KafkaClient } from '@keyfold/kafka'
import type { registryListener, SchemaLog, SchemaRegistry, SchemaRegistryOptions } from '@keyfold/registry'
import {
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type OnApplicationShutdown,
  RequestMethod,
} from '@nestjs/common'
import { nestLog } from './logging.ts'

export interface RegistryModuleOptions extends Pick<SchemaRegistryOptions, 'compatibilityLevel' | 'writeTimeoutMs'> {
  /** Where the schemas are kept: in the topic `_schemas` of a Kafka, or in a log of another kind. */
  readonly store: KafkaClient | SchemaLog
  /** Where other registries on the same topic reach this one, path included: `http://10.0.0.7:3000/schema-registry`. */
  readonly advertisedUrl: string
  /** Of the topic, when it has to be made. Left out: the cluster's default. */
  readonly replicationFactor?: number
}

export interface RegistryModulePlace {
  /** Where the API is mounted, below the application's global prefix if it has one. Default `schema-registry`. */
  readonly path?: string
}

export interface RegistryModuleAsyncOptions extends RegistryModulePlace {
  readonly imports?: DynamicModule['imports']
  readonly inject?: readonly never[]
  readonly useFactory: (...injected: never[]) => RegistryModuleOptions | Promise<RegistryModuleOptions>
}

const OPTIONS = Symbol('keyfold.registry.options')
const LISTENER = Symbol('keyfold.registry.listener')

/** The `SchemaRegistry` of the module, for injection. */
export const SCHEMA_REGISTRY = Symbol('keyfold.registry')

/**
 * A schema registry inside a Nest application, below a path of its server, with every HTTP adapter: it answers before
 * guards, pipes and filters of the application come into play, so that clients find the answers that they know.
 */
@Module({})
export class RegistryModule implements NestModule, OnApplicationShutdown {
  readonly #place: Required<RegistryModulePlace>
  readonly #listener: Listener
  readonly #registry: SchemaRegistry

  constructor(
    @Inject(OPTIONS) place: Required<RegistryModulePlace>,
    @Inject(LISTENER) listener: Listener,
    @Inject(SCHEMA_REGISTRY) registry: SchemaRegistry,
  ) {
    this.#place = place
    this.#listener = listener
    this.#registry = registry
  }

  /** Errors at start: `REGISTRY_TOPIC_UNSUITABLE` and those of the KafkaClient, which stays the caller's to close. */
  static forRoot({ path, ...options }: RegistryModuleOptions & RegistryModulePlace): DynamicModule {
    return RegistryModule.forRootAsync({ ...(path !== undefined && { path }), useFactory: () => options })
  }

  static forRootAsync(options: RegistryModuleAsyncOptions): DynamicModule {
    const { path = 'schema-registry', imports = [], inject = [], useFactory } = options
    return {
      module: RegistryModule,
      imports,
      providers: [
        { provide: OPTIONS, useValue: { path } },
        {
          provide: SCHEMA_REGISTRY,
          useFactory: async (...injected: never[]) => await openRegistry(await useFactory(...injected)),
          inject: [...inject],
        },
        {
          provide: LISTENER,
          useFactory: (registry: SchemaRegistry) => listenerOf(registry, path),
          inject: [SCHEMA_REGISTRY],
        },
      ],
      exports: [SCHEMA_REGISTRY],
    }
  }

  configure(consumer: MiddlewareConsumer): void {
    const path = this.#place.path.replace(/^\/|\/$/g, '')
    const below = [path, `${path}/*below`].map((each) => ({ path: each, method: RequestMethod.ALL }))
    consumer.apply((...call: Parameters<Listener>) => this.#listener(...call)).forRoutes(...below)
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#registry.close()
  }
}

type Listener = ReturnType<typeof registryListener>

/** The package is loaded only here: an application without the module never loads it. */
async function openRegistry(options: RegistryModuleOptions): Promise<SchemaRegistry> {
  const { KafkaSchemaLog, SchemaRegistry } = await import('@keyfold/registry')
  const { store, advertisedUrl: url, replicationFactor, ...settings } = options
  const log =
    'openPartitionReader' in store
      ? new KafkaSchemaLog({ client: store, ...(replicationFactor !== undefined && { replicationFactor }) })
      : store
  return await SchemaRegistry.open({ ...settings, log, url, tell: nestLog() })
}

async function listenerOf(registry: SchemaRegistry, path: string): Promise<Listener> {
  const registryPackage = await import('@keyfold/registry')
  return registryPackage.registryListener({ registry, path, tell: nestLog() })
}
