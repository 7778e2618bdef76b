import type { AggregateQueries, CommandOutcome, EventStore } from '@keyfold/event-store'
import { type Command, commandDefinitionOf } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import { pauseFor, type Projections, systemClock } from '@keyfold/projections'
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common'
import { Closers } from './closers.ts'
import { CommandEnhancers } from './commands/command-enhancers.ts'
import { inContextOfEvents, surrounded } from './context/context-in-projectors.ts'
import { KeyfoldContext } from './context/keyfold-context.ts'
import { ProjectorDiscovery } from './discovery.ts'
import { fail } from './errors.ts'
import { type KeyfoldOptions, resolveOptions, type ResolvedOptions } from './keyfold-options.ts'
import { type Log, nestLog } from './logging.ts'
import { type Application, startApplication } from './start/application.ts'
import { type Addresses, type Cluster, openCluster } from './start/cluster.ts'
import { loadTelemetry, type SentCommand, type Telemetry } from './telemetry/telemetry.ts'
import { KEYFOLD_OPTIONS } from './tokens.ts'

/**
 * Everything that runs beneath an application, in the order it is started: broker (when bundled), Kafka client, registry
 * (when bundled), event store, projections. It stops in reverse: projections finish their batch first, the broker goes last.
 */
@Injectable()
export class KeyfoldRuntime implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #parts: Parts
  readonly #options: ResolvedOptions
  readonly #log: Log = nestLog()
  readonly #closers: Closers
  #starting: Promise<void> | undefined
  #running: Running | undefined
  #telemetry: Telemetry | undefined
  #failure: Error | undefined
  readonly #stopping = new AbortController()
  /** What telemetry says of a command, by its name. */
  readonly #targets = new Map<string, SentCommand>()
  /** Makes ids of requests and commands. */
  readonly newId: () => string

  constructor(
    @Inject(KEYFOLD_OPTIONS) options: KeyfoldOptions,
    @Inject(KeyfoldContext) context: KeyfoldContext,
    @Inject(CommandEnhancers) enhancers: CommandEnhancers,
    @Inject(ProjectorDiscovery) discovery: ProjectorDiscovery,
  ) {
    this.#parts = { context, enhancers, discovery }
    this.#options = resolveOptions(options, process.env)
    this.#closers = new Closers(this.#options.shutdownDeadlineMs, this.#log)
    this.newId = options.newId ?? (() => globalThis.crypto.randomUUID())
  }

  get kafka(): KafkaClient {
    return this.#started.cluster.kafka
  }

  /** Errors: `NOT_STARTED`, `ROLE_HAS_NONE`. */
  get eventStore(): EventStore {
    return this.#started.application.eventStore ?? this.#roleHasNone('event store')
  }

  /** Errors: `NOT_STARTED`, `ROLE_HAS_NONE`. */
  get projections(): Projections {
    return this.#started.application.projections ?? this.#roleHasNone('projections')
  }

  /** Aggregates to look at, in every role. Errors: `NOT_STARTED`. */
  get aggregates(): AggregateQueries {
    return this.#started.application.aggregates
  }

  /** Where everything can be reached. */
  get addresses(): Addresses {
    return this.#started.cluster.addresses
  }

  /** Resolves with the error when something beneath stops by itself, such as the bundled broker on a failed disk. */
  get failure(): Promise<Error> {
    return this.#started.cluster.failure
  }

  /** For health checks: whether everything beneath has started, whether it is stopping, and what has failed since. */
  get condition(): { readonly started: boolean; readonly stopping: boolean; readonly failure: Error | undefined } {
    return { started: this.#running !== undefined, stopping: this.#stopping.signal.aborted, failure: this.#failure }
  }

  get options(): ResolvedOptions {
    return this.#options
  }

  async onModuleInit(): Promise<void> {
    this.#parts.discovery.run().check()
    this.#parts.enhancers.prepare()
    if (this.#options.start === 'manual') return
    if (this.#options.connection.wait) await this.start()
    else void this.#startInBackground()
  }

  /** Starts everything beneath, once; `start: 'manual'` leaves it to the application when. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** HTTP still answers commands and queries while this runs: what is being projected is finished, no more is taken. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping.abort()
    await this.#closers.close('workers')
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort()
    await this.#starting?.catch(() => undefined)
    await this.#closers.close('all')
  }

  /** Sends a command within a span, when there is telemetry; `send` gets the trace context for its events. */
  async traced(
    command: Command,
    parent: string | undefined,
    send: (traceparent: string | undefined) => Promise<CommandOutcome>,
  ): Promise<CommandOutcome> {
    const name = this.#telemetry && commandDefinitionOf(command)?.name
    const target = name === undefined ? undefined : this.#targets.get(name)
    return this.#telemetry === undefined || target === undefined
      ? await send(undefined)
      : await this.#telemetry.sending(target, parent, send)
  }

  async #start(): Promise<void> {
    const { context, discovery } = this.#parts
    const { features } = discovery
    const options = this.#options
    const [closers, log] = [this.#closers, this.#log]
    try {
      const telemetry = options.telemetry === 'none' ? undefined : await loadTelemetry()
      const cluster = await openCluster(options, closers, log)
      void cluster.failure.then((error) => (this.#failure = error))
      const projectors = features.projectors.map((projector) => {
        const within = surrounded(projector, inContextOfEvents(context))
        return telemetry === undefined || options.telemetry === 'commands'
          ? within
          : surrounded(within, (event, handle) => telemetry.processing(projector.name, event, handle))
      })
      const { aggregates } = features
      const parts = { options, cluster, aggregates, projectors, telemetry, closers, log }
      const application = await startApplication(parts)
      for (const { name: aggregate, topic, decide } of aggregates)
        for (const command of decide.keys()) this.#targets.set(command, { command, aggregate, topic })
      this.#telemetry = telemetry
      this.#running = { cluster, application }
    } catch (error) {
      await closers.close('all')
      throw error
    }
  }

  /** Until it has worked, or the application ends; everything that needs it fails with `NOT_STARTED` meanwhile. */
  async #startInBackground(): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#running === undefined)
      try {
        await this.start()
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error))
        this.#log('error', 'Keyfold could not start yet', { error: String(error) })
        await pauseFor(systemClock, this.#options.connection.delayMs, this.#stopping.signal)
      }
    if (this.#running !== undefined) this.#failure = undefined
  }

  #roleHasNone(what: string): never {
    throw fail('ROLE_HAS_NONE', `a process with the role ${this.#options.role} has no ${what}`)
  }

  get #started(): Running {
    if (this.#running === undefined) throw fail('NOT_STARTED', 'the Keyfold runtime has not started yet')
    return this.#running
  }
}

interface Running {
  readonly cluster: Cluster
  readonly application: Application
}

interface Parts {
  readonly context: KeyfoldContext
  readonly enhancers: CommandEnhancers
  readonly discovery: ProjectorDiscovery
}
