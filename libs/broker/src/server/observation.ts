import type { BrokerContext } from '../broker-context.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerError } from '../errors.ts'
import { collectBroker } from '../observability/collect.ts'
import type { Exposition } from '../observability/exposition.ts'
import type { HealthFacts } from '../observability/health.ts'
import type { Scheduler } from '../scheduler.ts'
import { ObservabilityServer, type Observed } from './observability-server.ts'
import { watchProcess } from './process-metrics.ts'

export interface ObservationOptions {
  readonly host: string
  readonly port: number
  readonly config: BrokerConfig
  readonly scheduler: Scheduler
}

/** Metrics and health of one broker over HTTP, from before it recovers until it has closed. */
export class Observation implements Observed {
  readonly #host: string
  readonly #config: BrokerConfig
  readonly #watch: ReturnType<typeof watchProcess>
  #server: ObservabilityServer | undefined
  #broker: BrokerContext | undefined
  #phase: HealthFacts['phase'] = 'recovering'
  #failure: BrokerError | undefined

  /** Throws `BrokerError` PORT_IN_USE or LISTEN_FAILED. */
  static async open({ host, port, config, scheduler }: ObservationOptions): Promise<Observation> {
    const observation = new Observation(host, config, scheduler)
    try {
      observation.#server = await ObservabilityServer.open(host, port, observation)
    } catch (error) {
      observation.#watch.stop()
      throw error
    }
    return observation
  }

  private constructor(host: string, config: BrokerConfig, scheduler: Scheduler) {
    this.#host = host
    this.#config = config
    this.#watch = watchProcess(scheduler)
  }

  /** `host:port` of the HTTP server. */
  get address(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host
    return `${host}:${this.#server?.port ?? 0}`
  }

  get seriesMax(): number {
    return this.#config.number('keyfold.metrics.series.max')
  }

  /** The broker has recovered and accepts connections. */
  serves(broker: BrokerContext): void {
    this.#broker = broker
    this.#phase = 'serving'
  }

  /** The broker begins to close: by request, or because it failed. */
  ends(failure: BrokerError | undefined): void {
    this.#phase = 'closing'
    this.#failure = failure
  }

  get facts(): HealthFacts {
    const acceptsWrites = this.#broker?.storage.acceptsWrites ?? true
    return { phase: this.#phase, failure: this.#failure, acceptsWrites }
  }

  collect(into: Exposition): void {
    if (this.#broker !== undefined) collectBroker(this.#broker, into)
    this.#watch.collect(into)
  }

  async close(): Promise<void> {
    this.#watch.stop()
    await this.#server?.close()
  }
}
