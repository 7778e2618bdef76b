import { anything, type JsonSchema, listOf, mapOf, objectOf, oneOf, orNull, text, whole } from '../json-schema.ts'
import { jsonText } from '../json-text.ts'
import { type EventPlace, placeOf } from './event-place.ts'

/** What an application tells of events that were tried. */
export interface DebugView {
  readonly projector: string
  readonly version: number
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly from: number
  readonly to: number
  readonly next: number | null
  readonly warmUp: { readonly applied: number; readonly failed: number } | null
  readonly events: readonly DebuggedEventView[]
}

const OUTCOMES = ['applied', 'passed-over', 'failed', 'waits'] as const

export interface DebuggedEventView extends EventPlace {
  readonly time: string
  readonly key: string
  readonly type: string | null
  readonly outcome: (typeof OUTCOMES)[number]
  readonly handled: readonly { readonly type: string; readonly data: unknown }[]
  readonly rows: readonly ChangedRowView[]
  readonly rowsOmitted: number
  readonly error: { readonly code: string | null; readonly message: string; readonly stack: string | null } | null
  readonly consequence: 'park' | 'halt' | null
  readonly behind: number | null
}

interface ChangedRowView {
  readonly table: string
  readonly key: Readonly<Record<string, unknown>>
  readonly before: unknown
  readonly after: unknown
}

const eventSchema: JsonSchema = objectOf({
  topic: text,
  partition: whole,
  offset: whole,
  time: text,
  key: text,
  type: orNull(text),
  outcome: oneOf(...OUTCOMES),
  handled: listOf(objectOf({ type: text, data: anything })),
  rows: listOf(objectOf({ table: text, key: mapOf(anything), before: anything, after: anything })),
  rowsOmitted: whole,
  error: orNull(objectOf({ code: orNull(text), message: text, stack: orNull(text) })),
  consequence: oneOf('park', 'halt', null),
  behind: orNull(whole),
})

export const debugSchema = objectOf({
  projector: text,
  version: whole,
  topic: text,
  partition: whole,
  key: orNull(text),
  from: whole,
  to: whole,
  next: orNull(whole),
  warmUp: orNull(objectOf({ applied: whole, failed: whole })),
  events: listOf(eventSchema),
})

/** Everything for people: each event with what its handlers got, and the rows that it changed below it. */
export function debugLines(view: DebugView): readonly string[] {
  const { projector, version, topic, partition, key, from, to, warmUp, events } = view
  const ofKey = key === null ? '' : `, key ${key}`
  const tables = warmUp === null ? 'from empty tables' : `after ${warmUp.applied} events before`
  const lost = warmUp === null || warmUp.failed === 0 ? '' : ` (${warmUp.failed} failed)`
  return [
    `${projector}, version ${version}: ${topic}/${partition} from ${from} to ${to}${ofKey}, ${tables}${lost}`,
    ...events.flatMap((event) => ['', ...eventLines(event)]),
    '',
    countsLine(events),
  ]
}

function eventLines(event: DebuggedEventView): readonly string[] {
  const { key, type, handled, rows, rowsOmitted } = event
  const isPlain = handled.length === 1 && handled[0]?.type === type
  return [
    [placeOf(event), type ?? 'a record without a type', key, outcomeText(event)].join('  '),
    ...[
      ...handled.map(({ type: own, data }) => `${isPlain ? '' : `${own} `}${jsonText(data)}`),
      ...rows.map(rowLine),
      ...(rowsOmitted === 0 ? [] : [`and ${rowsOmitted} changes more`]),
      ...failureLines(event),
    ].map((line) => `    ${line}`),
  ]
}

function outcomeText({ outcome, behind }: DebuggedEventView): string {
  return outcome === 'waits' ? `would wait behind ${behind}` : outcome.replace('-', ' ')
}

function failureLines({ error, consequence, key }: DebuggedEventView): readonly string[] {
  if (error === null) return []
  const then =
    consequence === 'park'
      ? `it would be parked, and later events of key ${key} wait behind it`
      : 'its partition would stop here'
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line))
  return [`${error.code ?? 'Error'}: ${error.message}`, ...frames, then]
}

/** `+` a new row, `-` a deleted one, `~` what became of its columns. */
function rowLine({ table, key, before, after }: ChangedRowView): string {
  if (before === null) return `+ ${table} ${jsonText(after)}`
  if (after === null) return `- ${table} ${jsonText(before)}`
  const [old, made] = [columnsOf(before), columnsOf(after)]
  const name = Object.keys(key).length === 0 ? table : `${table} ${jsonText(key)}`
  if (old === undefined || made === undefined) return `~ ${name} ${jsonText(before)} -> ${jsonText(after)}`
  const changed = Object.keys({ ...old, ...made }).filter((column) => jsonText(old[column]) !== jsonText(made[column]))
  const shown = (value: unknown): string => (value === undefined ? 'nothing' : jsonText(value))
  return `~ ${name} ${changed.map((column) => `${column} ${shown(old[column])} -> ${shown(made[column])}`).join(', ')}`
}

function columnsOf(row: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof row === 'object' && row !== null && !Array.isArray(row) ? { ...row } : undefined
}

function countsLine(events: readonly DebuggedEventView[]): string {
  const counts = OUTCOMES.map((outcome) => {
    const count = events.filter((event) => event.outcome === outcome).length
    return `${count} ${outcome === 'waits' ? 'would wait' : outcome.replace('-', ' ')}`
  })
  return `${events.length} events: ${counts.join(', ')}`
}
