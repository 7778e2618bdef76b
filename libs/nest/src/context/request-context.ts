import type { ExecuteOptions } from '@keyfold/event-store'

/** On whose behalf something happens, and what it belongs to. It travels in the headers of every event. */
export interface RequestContext {
  /** The same for everything that one request led to, over any number of commands and processes. */
  readonly correlationId?: string
  /** What led to the command directly: the id (`ce_id`) of the event that a handler reacted to. */
  readonly causationId?: string
  readonly actor?: string
  readonly tenant?: string
  /** W3C Trace Context. */
  readonly traceparent?: string
}

/** Places in the headers of HTTP requests, in small letters. `actor` has none: a header can say anything. */
export const HTTP_HEADERS = {
  correlationId: 'x-correlation-id',
  tenant: 'x-tenant-id',
  traceparent: 'traceparent',
} as const satisfies Readonly<Partial<Record<keyof RequestContext, string>>>

/** Places in the headers of records: CloudEvents attributes. An event's own id is what causes the next command. */
const EVENT_HEADERS = {
  correlationId: 'ce_correlationid',
  causationId: 'ce_id',
  actor: 'ce_actor',
  tenant: 'ce_tenant',
  traceparent: 'ce_traceparent',
} as const satisfies Readonly<Record<keyof RequestContext, string>>

type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** What a request's headers say; what cannot be used is passed over. */
export function contextOfHttp(
  headers: HttpHeaders,
  names: Readonly<Partial<Record<keyof RequestContext, string>>> = HTTP_HEADERS,
): RequestContext {
  const members = Object.entries(names).flatMap(([member, name]) => {
    const value = headers[name.toLowerCase()]
    const text = typeof value === 'string' ? value : undefined
    return text !== undefined && isUsable(member, text) ? [[member, text] as const] : []
  })
  return Object.fromEntries(members)
}

/** What an event's headers say. */
export function contextOfEvent(headers: Readonly<Record<string, string>>): RequestContext {
  const members = Object.entries(EVENT_HEADERS).flatMap(([member, name]) => {
    const value = headers[name]
    return value === undefined ? [] : [[member, value] as const]
  })
  return Object.fromEntries(members)
}

/** How a command carries it. What the caller of the command says goes before what surrounds it. */
export function withContext(options: ExecuteOptions, context: RequestContext, newId: () => string): ExecuteOptions {
  const { correlationId = newId(), causationId, actor, tenant, traceparent } = context
  return {
    correlationId,
    ...(causationId !== undefined && { causationId }),
    ...options,
    extensions: {
      ...(actor !== undefined && { actor }),
      ...(tenant !== undefined && { tenant }),
      ...(traceparent !== undefined && { traceparent }),
      ...options.extensions,
    },
  }
}

const VALUE = /^[\x21-\x7e]{1,200}$/
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

function isUsable(member: string, text: string): boolean {
  return (member === 'traceparent' ? TRACEPARENT : VALUE).test(text)
}
