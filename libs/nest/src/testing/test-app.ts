import 'reflect-metadata'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@keyfold/broker'
import type { CommandOutcome } from '@keyfold/event-store'
import type { Command } from '@keyfold/eventsourcing'
import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { startRegistry } from '@keyfold/registry'
import type { INestApplicationContext, LoggerService, Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { CommandBus, type CommandOptions, type Receipt } from '../command-bus.ts'
import type { KeyfoldOptions } from '../keyfold-options.ts'
import { KeyfoldRuntime } from '../keyfold-runtime.ts'
import { withKeyfoldOptions } from '../context/overrides.ts'
import { furthest, type Position } from '../reads/positions.ts'

export interface TestAppOptions<App extends INestApplicationContext = INestApplicationContext> {
  /** A clock that stands still until the test moves it, such as `FakeClock` of `@keyfold/testing`. */
  readonly clock?: { now(): Date }
  /** Ids that are the same in every run, such as `sequentialIds()` of `@keyfold/testing`. */
  readonly newId?: () => string
  /** Options that go before those of the module's own `forRoot`, besides the cluster, which is the test's. */
  readonly keyfold?: KeyfoldOptions
  /** Makes the application. Default: `NestFactory.createApplicationContext`; with `NestFactory.create` it has HTTP. */
  readonly create?: (module: Type) => Promise<App>
  /** Default: silent. */
  readonly logger?: LoggerService | false
}

/** An application under test on a cluster of its own, in memory and on free ports. */
export interface TestApp<App extends INestApplicationContext = INestApplicationContext> {
  readonly app: App
  readonly kafka: KafkaClient
  execute(command: Command, options?: CommandOptions): Promise<Receipt>
  tryExecute(command: Command, options?: CommandOptions): Promise<CommandOutcome>
  get<Provider>(token: Type<Provider> | string | symbol): Provider
  /** Resolves when every read model shows all events so far, also those of the commands just executed. */
  caughtUp(): Promise<void>
  /** Ends the application, and its cluster with all that it held. */
  close(): Promise<void>
}

/** How long `caughtUp` waits for a command's events before it says which read model does not show them. */
const VISIBLE_MS = 10_000

/**
 * Starts the module of an application as it is, whatever its `KeyfoldModule.forRoot` says of brokers and directories.
 * Errors: those of the application's start; nothing is left behind then.
 */
export async function startTestApp<App extends INestApplicationContext = INestApplicationContext>(
  module: Type,
  options: TestAppOptions<App> = {},
): Promise<TestApp<App>> {
  const cluster = await startTestCluster()
  try {
    const { clock, newId, logger = false } = options
    const create = options.create ?? defaultCreate(logger)
    const seen = new SeenPositions()
    const app = await withKeyfoldOptions(
      {
        ...options.keyfold,
        brokers: [cluster.address],
        schemaRegistryUrl: cluster.registryUrl,
        dataDirectory: cluster.directory,
        ...(clock && { clock: () => clock.now() }),
        ...(newId && { newId }),
      },
      () => create(module) as Promise<App>,
    )
    // An application with HTTP begins with `listen`; its modules begin here all the same.
    await app.init()
    return testAppOf(app, seen, cluster)
  } catch (error) {
    await cluster.close()
    throw error
  }
}

function defaultCreate(logger: LoggerService | false): (module: Type) => Promise<INestApplicationContext> {
  return (module) => NestFactory.createApplicationContext(module, { logger, abortOnError: false })
}

function testAppOf<App extends INestApplicationContext>(
  app: App,
  seen: SeenPositions,
  cluster: TestCluster,
): TestApp<App> {
  const bus = app.get(CommandBus)
  const runtime = app.get(KeyfoldRuntime)
  bus.use(async (call, next) => seen.note(await next(call)))
  return {
    app,
    get kafka() {
      return runtime.kafka
    },
    execute: (command, options) => bus.execute(command, options),
    tryExecute: (command, options) => bus.tryExecute(command, options),
    get: (token) => app.get(token),
    async caughtUp() {
      const { projections } = runtime
      for (const { projector } of projections.status())
        for (const position of seen.positions.filter(({ topic }) => projections.topicsOf(projector).includes(topic))) {
          const result = await projections.waitFor(projector, position, { deadlineMs: VISIBLE_MS })
          if (result === 'timeout')
            throw new Error(`${projector} does not show ${position.topic}/${position.partition}@${position.offset}`)
        }
      await projections.caughtUp()
    },
    async close() {
      await app.close()
      await cluster.close()
    },
  }
}

/** The furthest positions of the commands of a test. */
class SeenPositions {
  positions: readonly Position[] = []

  note(outcome: CommandOutcome): CommandOutcome {
    if (outcome.kind === 'committed' && outcome.position !== null)
      this.positions = furthest(this.positions, [outcome.position])
    return outcome
  }
}

interface TestCluster {
  /** `host:port` of its broker. */
  readonly address: string
  readonly registryUrl: string
  /** For read models. */
  readonly directory: string
  close(): Promise<void>
}

async function startTestCluster(): Promise<TestCluster> {
  // Tests do not wait for members that may still join a group.
  const broker = await startBroker({ memory: true, config: { 'group.initial.rebalance.delay.ms': 0 } })
  const kafka = await connectKafka({ brokers: [broker.address], clientId: 'test-registry' })
  const registry = await startRegistry({ kafka, port: 0 })
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-test-'))
  return {
    address: broker.address,
    registryUrl: registry.url,
    directory,
    async close() {
      await registry.close()
      await kafka.close()
      await broker.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
