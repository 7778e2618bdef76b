import type { CommandOutcome, EventStoreSignal } from '@keyfold/event-store'
import type { ProjectionContext } from '@keyfold/eventsourcing'
import type { ProjectorStatus } from '@keyfold/projections'
import type * as OpenTelemetryApi from '@opentelemetry/api'
import type { Attributes, Context, Link, ObservableResult, Span, SpanContext, Tracer } from '@opentelemetry/api'
import { Audience, type Instruments } from './audience.ts'
import type { SentCommand, Telemetry } from './telemetry.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'

type Api = typeof OpenTelemetryApi

/**
 * Spans and metrics through OpenTelemetry's API, under the names of its semantic conventions for messaging (status:
 * development) and, where they have none, under `keyfold.`
 */
export class OpenTelemetry implements Telemetry {
  readonly #api: Api
  readonly #audience: Audience

  constructor(api: Api) {
    this.#api = api
    this.#audience = new Audience(api)
  }

  async sending(
    { command, aggregate, topic }: SentCommand,
    parent: string | undefined,
    send: (traceparent: string | undefined) => Promise<CommandOutcome>,
  ): Promise<CommandOutcome> {
    const { tracer, instruments } = this.#audience
    // Without a tracer that makes spans the events carry what the request brought.
    if (tracer === undefined && instruments === undefined) return send(parent)
    const { INVALID_SPAN_CONTEXT, SpanKind, trace } = this.#api
    const about: Attributes = { 'keyfold.command.name': command, 'keyfold.aggregate.name': aggregate }
    const attributes = { ...MESSAGING, ...SEND, 'messaging.destination.name': topic, ...about }
    const context = this.#contextWithin(parent)
    const span =
      tracer?.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, context) ??
      trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    const startedMs = performance.now()
    try {
      const carried = formatTraceparent(span.spanContext()) ?? parent
      const outcome = await this.#api.context.with(trace.setSpan(context, span), () => send(carried))
      this.#sent(span, outcome, { instruments, topic, about, seconds: secondsSince(startedMs) })
      return outcome
    } catch (error) {
      this.#failed(span, error)
      throw error
    } finally {
      span.end()
    }
  }

  processing(projector: string, event: ProjectionContext, handle: () => void | Promise<void>): void | Promise<void> {
    const { tracer, instruments } = this.#audience
    // A rebuild passes here millions of times: nothing is made when nobody looks.
    if (tracer === undefined && instruments === undefined) return handle()
    const about = {
      ...MESSAGING,
      ...PROCESS,
      'messaging.destination.name': event.topic,
      'keyfold.projector.name': projector,
    }
    const span = tracer && this.#processingSpan(tracer, event, about)
    const startedMs = performance.now()
    const end = (error?: unknown): void => {
      if (error !== undefined && span !== undefined) this.#failed(span, error)
      const outcome = error === undefined ? about : { ...about, 'error.type': errorType(error) }
      instruments?.processDuration.record(secondsSince(startedMs), outcome)
      instruments?.consumed.add(1, outcome)
      span?.end()
    }
    const { context, trace } = this.#api
    const work = span === undefined ? handle : () => context.with(trace.setSpan(context.active(), span), handle)
    return ending(work, end)
  }

  signal(signal: EventStoreSignal): void {
    const { instruments } = this.#audience
    if (instruments === undefined) return
    const { batchCommands, batchEvents, commitDuration, notCommitted, claims, takeOvers } = instruments
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
    const each = (take: (partition: ProjectorStatus['partitions'][number]) => number) => (result: ObservableResult) => {
      for (const { projector, partitions } of status())
        for (const partition of partitions)
          result.observe(take(partition), {
            'keyfold.projector.name': projector,
            'messaging.destination.name': partition.topic,
            'messaging.destination.partition.id': String(partition.partition),
          })
    }
    return this.#audience.observe({ lag: each((partition) => partition.lag), parked: each(({ parked }) => parked) })
  }

  #processingSpan(tracer: Tracer, event: ProjectionContext, about: Attributes): Span {
    const attributes = {
      ...about,
      'messaging.destination.partition.id': String(event.partition),
      'messaging.kafka.offset': event.offset,
      'messaging.kafka.message.key': event.key,
    }
    const links = linksTo(event.headers['ce_traceparent'])
    const kind = this.#api.SpanKind.CONSUMER
    // A trace of its own, linked to what wrote the event: years may lie between the two.
    return tracer.startSpan(`process ${event.topic}`, { kind, attributes, links, root: true })
  }

  /** Within the span that is active, or, where there is none, the one that the request's header names. */
  #contextWithin(parent: string | undefined): Context {
    const { context, trace } = this.#api
    const active = context.active()
    const remote = parent === undefined ? undefined : parseTraceparent(parent)
    if (trace.getSpan(active) !== undefined || remote === undefined) return active
    return trace.setSpanContext(active, remote)
  }

  #sent(span: Span, outcome: CommandOutcome, { instruments, topic, about, seconds }: Sent): void {
    const { kind } = outcome
    const error = kind === 'failed' || kind === 'unknown' ? outcome.error : undefined
    const errorAttribute: Attributes = error === undefined ? {} : { 'error.type': error.code }
    span.setAttributes({ 'keyfold.command.outcome': kind, ...errorAttribute })
    if (error !== undefined) this.#failed(span, error)
    if (instruments !== undefined) this.#count(instruments, outcome, { topic, about, seconds, errorAttribute })
    if (kind !== 'committed') return
    if (outcome.position === null) return
    span.setAttributes({
      'messaging.destination.partition.id': String(outcome.position.partition),
      'messaging.kafka.offset': outcome.position.offset,
    })
  }

  #count(
    instruments: Instruments,
    outcome: CommandOutcome,
    { topic, about, seconds, errorAttribute }: Omit<Sent, 'instruments'> & { readonly errorAttribute: Attributes },
  ): void {
    const { operationDuration, sentMessages, commands, commandDuration, conflicts, duplicates } = instruments
    const { kind } = outcome
    const messaging = { ...MESSAGING, ...SEND, 'messaging.destination.name': topic, ...errorAttribute }
    operationDuration.record(seconds, messaging)
    commandDuration.record(seconds, { ...about, 'keyfold.command.outcome': kind })
    commands.add(1, { ...about, 'keyfold.command.outcome': kind, ...errorAttribute })
    if (kind === 'failed' && outcome.error.code === 'EXPECTED_VERSION_CONFLICT') conflicts.add(1, about)
    if ('duplicate' in outcome && outcome.duplicate) duplicates.add(1, about)
    if (kind === 'committed' && !outcome.duplicate) sentMessages.add(outcome.events.length, messaging)
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

interface Sent {
  readonly instruments: Instruments | undefined
  readonly topic: string
  readonly about: Attributes
  readonly seconds: number
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
