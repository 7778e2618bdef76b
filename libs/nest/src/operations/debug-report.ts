import type { ChangedRow, DebuggedEvent, DebugReport } from '@keyfold/projections'
import { errorOf } from './projection-report.ts'

/** What was found out about some events, as JSON can carry it. */
export function debugReport({ events, ...report }: DebugReport) {
  return { ...report, events: events.map(eventReport) }
}

function eventReport({ timeMs, handled, rows, error, ...event }: DebuggedEvent) {
  const told = errorOf(error)
  return {
    ...event,
    time: new Date(timeMs).toISOString(),
    handled: handled.map(({ type, data }) => ({ type, data: jsonValue(data) })),
    rows: rows.map(rowReport),
    error: told === null ? null : { ...told, stack: stackOf(error) },
  }
}

function rowReport({ table, key, before, after }: ChangedRow) {
  return { table, key: jsonValue(key), before: jsonValue(before), after: jsonValue(after) }
}

/** Where the handler's own code failed. */
function stackOf(error: Error | null): string | null {
  const own = error?.cause instanceof Error ? error.cause : error
  return own?.stack ?? null
}

/** Integers that readers of JSON would round are texts, bytes are base64. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(jsonValue)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonValue(member)]))
}
