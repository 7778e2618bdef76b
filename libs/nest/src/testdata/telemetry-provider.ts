import type {
  Attributes,
  Context,
  ContextManager,
  Meter,
  MeterProvider,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
  TracerProvider,
} from '@opentelemetry/api'
import { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'

export interface SeenSpan {
  readonly name: string
  readonly options: SpanOptions
  readonly context: SpanContext
  readonly parent: SpanContext | undefined
  readonly attributes: Attributes
  readonly errors: unknown[]
  ended: boolean
}

/** OpenTelemetry's providers, written by hand: they keep in memory what they are told. */
export class MemoryTelemetry {
  readonly spans: SeenSpan[] = []
  /** By the metric's name. */
  readonly metrics = new Map<string, { readonly value: number; readonly attributes: Attributes }[]>()
  readonly #gauges = new Map<string, Set<(result: { observe(value: number, attributes?: Attributes): void }) => void>>()

  readonly tracers: TracerProvider = { getTracer: () => this.#tracer }
  readonly meters: MeterProvider = { getMeter: () => this.#meter }
  readonly contexts: ContextManager = new MemoryContexts()

  /** Asks the gauges, as a reader of metrics would. */
  collect(): void {
    for (const [name, callbacks] of this.#gauges)
      for (const callback of callbacks) callback({ observe: (value, attributes) => this.#note(name, value, attributes) })
  }

  readonly #tracer = {
    startSpan: (name: string, options: SpanOptions = {}, context: Context = ROOT_CONTEXT) =>
      this.#startSpan(name, options, context),
  } as Tracer

  readonly #meter = {
    createCounter: (name: string) => ({ add: (value: number, about?: Attributes) => this.#note(name, value, about) }),
    createHistogram: (name: string) => ({
      record: (value: number, about?: Attributes) => this.#note(name, value, about),
    }),
    createObservableGauge: (name: string) => {
      const callbacks = new Set<never>()
      this.#gauges.set(name, callbacks)
      return {
        addCallback: (callback: never) => void callbacks.add(callback),
        removeCallback: (callback: never) => void callbacks.delete(callback),
      }
    },
  } as unknown as Meter

  #note(name: string, value: number, attributes: Attributes = {}): void {
    const known = this.metrics.get(name) ?? []
    this.metrics.set(name, [...known, { value, attributes }])
  }

  #startSpan(name: string, options: SpanOptions, within: Context): Span {
    const parent = options.root === true ? undefined : trace.getSpanContext(within)
    const number = (this.spans.length + 1).toString(16)
    const traceId = parent?.traceId ?? number.padStart(32, 'a')
    const context: SpanContext = { traceId, spanId: number.padStart(16, 'b'), traceFlags: 1 }
    const attributes: Attributes = { ...options.attributes }
    const seen: SeenSpan = { name, options, context, parent, attributes, errors: [], ended: false }
    this.spans.push(seen)
    const span = {
      spanContext: () => context,
      setAttribute: (key: string, value: string) => void (attributes[key] = value),
      setAttributes: (more: Attributes) => void Object.assign(attributes, more),
      setStatus: () => undefined,
      recordException: (error: unknown) => void seen.errors.push(error),
      end: () => void (seen.ended = true),
    }
    return span as unknown as Span
  }
}

class MemoryContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with: ContextManager['with'] = (context, run, thisArg, ...args) =>
    this.#storage.run(context, () => run.apply(thisArg as never, args))

  bind: ContextManager['bind'] = (_context, target) => target

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}
