import type * as OpenTelemetryApi from '@opentelemetry/api'
import type { Meter, MeterProvider, ObservableCallback, Tracer, TracerProvider } from '@opentelemetry/api'

type Api = Pick<typeof OpenTelemetryApi, 'trace' | 'metrics' | 'createNoopMeter'>

const LIBRARY = '@keyfold/nest'

/** What is asked for whenever metrics are collected. */
interface Observers {
  readonly lag: ObservableCallback
  readonly parked: ObservableCallback
}

export type Instruments = ReturnType<typeof instrumentsOf>

/**
 * Who looks at spans and metrics. OpenTelemetry's API accepts everything when no SDK stands behind it, and makes spans
 * and attributes that nobody sees; so whoever makes some asks here first. An SDK may come at any time: tracers are asked
 * for until there is one, and instruments are made anew for another provider, since the API passes none on for them.
 */
export class Audience {
  readonly #api: Api
  readonly #observers = new Set<Observers>()
  #tracer: Tracer | undefined
  #meters: MeterProvider | undefined
  #instruments: Instruments | undefined

  constructor(api: Api) {
    this.#api = api
  }

  /** Undefined while nobody wants spans. */
  get tracer(): Tracer | undefined {
    if (this.#tracer !== undefined) return this.#tracer
    const { trace } = this.#api
    if (!hasDelegate(trace.getTracerProvider())) return undefined
    return (this.#tracer = trace.getTracer(LIBRARY))
  }

  /** Undefined while nobody wants metrics. */
  get instruments(): Instruments | undefined {
    const { metrics, createNoopMeter } = this.#api
    const meters = metrics.getMeterProvider()
    if (meters === this.#meters) return this.#instruments
    this.#meters = meters
    const meter = meters.getMeter(LIBRARY)
    this.#instruments = meter === createNoopMeter() ? undefined : instrumentsOf(meter)
    for (const observers of this.#observers) this.#add(observers)
    return this.#instruments
  }

  /** Answers how to stop. */
  observe(observers: Observers): () => void {
    const { instruments } = this
    this.#observers.add(observers)
    if (instruments !== undefined) this.#add(observers)
    return () => {
      this.#observers.delete(observers)
      this.#instruments?.lag.removeCallback(observers.lag)
      this.#instruments?.parked.removeCallback(observers.parked)
    }
  }

  #add({ lag, parked }: Observers): void {
    this.#instruments?.lag.addCallback(lag)
    this.#instruments?.parked.addCallback(parked)
  }
}

/** The API's own provider stands for the one that an SDK brings; one that does not know of such things is an SDK's. */
function hasDelegate(provider: TracerProvider): boolean {
  const { getDelegateTracer } = provider as { readonly getDelegateTracer?: (name: string) => Tracer | undefined }
  return getDelegateTracer === undefined || getDelegateTracer.call(provider, LIBRARY) !== undefined
}

/** Names, units and meanings of all metrics; the README has them as a table. */
function instrumentsOf(meter: Meter) {
  const seconds = { unit: 's' }
  return {
    operationDuration: meter.createHistogram('messaging.client.operation.duration', seconds),
    sentMessages: meter.createCounter('messaging.client.sent.messages', { unit: '{message}' }),
    consumed: meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' }),
    processDuration: meter.createHistogram('messaging.process.duration', seconds),
    commands: meter.createCounter('keyfold.commands', { unit: '{command}' }),
    commandDuration: meter.createHistogram('keyfold.command.duration', seconds),
    conflicts: meter.createCounter('keyfold.command.conflicts', { unit: '{command}' }),
    duplicates: meter.createCounter('keyfold.command.duplicates', { unit: '{command}' }),
    batchCommands: meter.createHistogram('keyfold.batch.commands', { unit: '{command}' }),
    batchEvents: meter.createHistogram('keyfold.batch.events', { unit: '{event}' }),
    commitDuration: meter.createHistogram('keyfold.batch.duration', seconds),
    notCommitted: meter.createCounter('keyfold.batch.failures', { unit: '{batch}' }),
    claims: meter.createCounter('keyfold.partition.claims', { unit: '{claim}' }),
    takeOvers: meter.createCounter('keyfold.partition.takeovers', { unit: '{claim}' }),
    lag: meter.createObservableGauge('keyfold.projector.lag', { unit: '{record}' }),
    parked: meter.createObservableGauge('keyfold.projector.parked', { unit: '{event}' }),
  }
}
