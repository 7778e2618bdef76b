import type { CommandOutcome, EventStoreSignal } from '@keyfold/event-store'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { ProjectorStatus } from '@keyfold/projections'
import type * as OpenTelemetryApi from '@opentelemetry/api'
import type { Attributes, Context, Link, Meter, ObservableResult, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { SentCommand, Telemetry } from './telemetry.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

type Api = typeof OpenTelemetryApi

const LIBRARY = '@keyfold/nest'

/**
 * Spans and metrics through OpenTelemetry's API, under the names of its semantic conventions for messaging (status:
 * development) and, where they have none, under `keyfold.`
 */
export class OpenTelemetry implements Telemetry {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #meter: Meter
  readonly #instruments: ReturnType<typeof instruments>

  constructor(api: Api) {
    this.#api = api
    this.#tracer = api.trace.getTracer(LIBRARY)
    this.#meter = api.metrics.getMeter(LIBRARY)
    this.#instruments = instruments(this.#meter)
  }

  async sending(
    { command, aggregate, topic }: SentCommand,
    parent: string | undefined,
    send: (traceparent: string | undefined) => Promise<CommandOutcome>,
  ): Promise<CommandOutcome> {
    const { SpanKind, trace } = this.#api
    const about: Attributes = { 'keyfold.command.name': command, 'keyfold.aggregate.name': aggregate }
    const attributes = { ...MESSAGING, ...SEND, 'messaging.destination.name': topic, ...about }
    const context = this.#contextWithin(parent)
    const span = this.#tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, context)
    const startedMs = performance.now()
    try {
      const carried = formatTraceparent(span.spanContext()) ?? parent
      const outcome = await this.#api.context.with(trace.setSpan(context, span), () => send(carried))
      this.#sent(span, outcome, { topic, about, seconds: secondsSince(startedMs) })
      return outcome
    } catch (error) {
      this.#failed(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  processing(projector: string, event: ProjectionContext, handle: () => void | Promise<void>): void | Promise<void> {
    const { SpanKind, trace } = this.#api
    const about = {
      ...MESSAGING,
      ...PROCESS,
      'messaging.destination.name': event.topic,
      'keyfold.projector.name': projector,
    }
    const attributes = {
      ...about,
      'messaging.destination.partition.id': String(event.partition),
      'messaging.kafka.offset': event.offset,
      'messaging.kafka.message.key': event.key,
    }
    const links = linksTo(event.headers['ce_traceparent'])
    // A trace of its own, linked to what wrote the event: years may lie between the two.
    const span = this.#tracer.startSpan(`process ${event.topic}`, {
      kind: SpanKind.CONSUMER,
      attributes,
      links,
      root: true,
    })
    const startedMs = performance.now()
    const end = (error?: unknown): void => {
      if (error !== undefined) this.#failed(span, error)
      const outcome = error === undefined ? about : { ...about, 'error.type': errorType(error) }
      this.#instruments.processDuration.record(secondsSince(startedMs), outcome)
      this.#instruments.consumed.add(1, outcome)
      span.end()
    }
    return ending(() => this.#api.context.with(trace.setSpan(this.#api.context.active(), span), handle), end)
  }

  signal(signal: EventStoreSignal): void {
    const { batchCommands, batchEvents, commitDuration, notCommitted, claims, takeOvers } = this.#instruments
    const about = { 'messaging.destination.name': signal.topic, 'keyfold.aggregate.name': signal.aggregate }
    if (signal.kind === 'committed') {
      batchCommands.record(signal.commands, about)
      batchEvents.record(signal.events, about)
      commitDuration.record(signal.durationMs / 1000, about)
    } else if (signal.kind === 'notCommitted') notCommitted.add(1, { ...about, 'error.type': signal.why })
    else {
      claims.add(1, about)
      if (signal.isTakeOver) takeOvers.add(1, about)
    }
  }

  observe(status: () => readonly ProjectorStatus[]): () => void {
    const { lag, parked } = this.#instruments
    const each = (take: (partition: ProjectorStatus['partitions'][number]) => number) => (result: ObservableResult) => {
      for (const { projector, partitions } of status())
        for (const partition of partitions)
          result.observe(take(partition), {
            'keyfold.projector.name': projector,
            'messaging.destination.name': partition.topic,
            'messaging.destination.partition.id': String(partition.partition),
          })
    }
    const observeLag = each((partition) => partition.lag)
    const observeParked = each((partition) => partition.parked)
    lag.addCallback(observeLag)
    parked.addCallback(observeParked)
    return () => {
      lag.removeCallback(observeLag)
      parked.removeCallback(observeParked)
    }
  }

  /** Within the span that is active, or, where there is none, the one that the request's header names. */
  #contextWithin(parent: string | undefined): Context {
    const { context, trace } = this.#api
    const active = context.active()
    const remote = parent === undefined ? undefined : parseTraceparent(parent)
    if (trace.getSpan(active) !== undefined || remote === undefined) return active
    return trace.setSpanContext(active, remote)
  }

  #sent(
    span: Span,
    outcome: CommandOutcome,
    { topic, about, seconds }: { readonly topic: string; readonly about: Attributes; readonly seconds: number },
  ): void {
    const { operationDuration, sentMessages, commands, commandDuration, conflicts, duplicates } = this.#instruments
    const { kind } = outcome
    const error = kind === 'failed' || kind === 'unknown' ? outcome.error : undefined
    const errorAttribute: Attributes = error === undefined ? {} : { 'error.type': error.code }
    span.setAttributes({ 'keyfold.command.outcome': kind, ...errorAttribute })
    if (error !== undefined) this.#failed(span, error)
    const messaging = { ...MESSAGING, ...SEND, 'messaging.destination.name': topic, ...errorAttribute }
    operationDuration.record(seconds, messaging)
    commandDuration.record(seconds, { ...about, 'keyfold.command.outcome': kind })
    commands.add(1, { ...about, 'keyfold.command.outcome': kind, ...errorAttribute })
    if (error?.code === 'EXPECTED_VERSION_CONFLICT') conflicts.add(1, about)
    if ('duplicate' in outcome && outcome.duplicate) duplicates.add(1, about)
    if (kind !== 'committed') return
    if (!outcome.duplicate) sentMessages.add(outcome.events.length, messaging)
    if (outcome.position === null) return
    span.setAttributes({
      'messaging.destination.partition.id': String(outcome.position.partition),
      'messaging.kafka.offset': outcome.position.offset,
    })
  }

  #failed(span: Span, error: unknown): void {
    span.recordException(error instanceof Error ? error : String(error))
    span.setStatus({
      code: this.#api.SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    })
    span.setAttribute('error.type', errorType(error))
  }
}

const MESSAGING: Attributes = { 'messaging.system': 'kafka' }
const SEND: Attributes = { 'messaging.operation.type': 'send', 'messaging.operation.name': 'send' }
const PROCESS: Attributes = { 'messaging.operation.type': 'process', 'messaging.operation.name': 'process' }

/** Names, units and meanings of all metrics; the README has them as a table. */
function instruments(meter: Meter) {
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

/** Calls `end` when the work is over, however it ends; stays synchronous where the work is. */
function ending(work: () => void | Promise<void>, end: (error?: unknown) => void): void | Promise<void> {
  let pending: void | Promise<void>
  try {
    pending = work()
  } catch (error) {
    end(error)
    throw error
  }
  if (pending === undefined) return end()
  return pending.then(
    () => end(),
    (error: unknown) => {
      end(error)
      throw error
    },
  )
}

function linksTo(traceparent: string | undefined): Link[] {
  const context: SpanContext | undefined = traceparent === undefined ? undefined : parseTraceparent(traceparent)
  return context === undefined ? [] : [{ context }]
}

function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : error.name
}

function secondsSince(startedMs: number): number {
  return (performance.now() - startedMs) / 1000
}
