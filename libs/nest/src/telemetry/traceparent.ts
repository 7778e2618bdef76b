import type { SpanContext } from '@opentelemetry/api'

const FORM = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

/** What a `traceparent` header (W3C Trace Context, level 1) names; undefined when it names nothing. */
export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00'] = FORM.exec(text) ?? []
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
}

/** The header of a span; undefined for the spans of an API without an SDK, which are none. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}
