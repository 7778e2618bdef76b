import { listOf, objectOf, oneOf, orNull, text, whole, anything, type JsonSchema } from '../json-schema.ts'
import type { Table } from '../report.ts'

interface Failure {
  readonly code: string | null
  readonly message: string
}

/** A projector as an application tells it. */
export interface ProjectionView {
  readonly projector: string
  readonly state: string
  readonly version: number | null
  readonly servingVersion: number | null
  readonly generation: number | null
  readonly lag: number
  readonly lagSeconds: number
  readonly parked: number
  readonly error: Failure | null
  readonly partitions: readonly PartitionView[]
  readonly rebuild: { readonly phase: string; readonly done: number; readonly total: number } | null
}

export interface PartitionView {
  readonly topic: string
  readonly partition: number
  readonly position: number
  readonly endOffset: number
  readonly lag: number
  readonly parked: number
  readonly skipped: number
  readonly error: Failure | null
}

/** An event that is set aside. */
export interface ParkedView {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly type: string | null
  readonly error: string | null
  readonly attempts: number
  readonly parkedAtMs: number
}

const decimal: JsonSchema = { type: 'number' }
const failure = orNull(objectOf({ code: orNull(text), message: text }))

export const projectionSchema = objectOf({
  projector: text,
  state: oneOf('new', 'catching-up', 'live', 'paused', 'rebuilding', 'failed', 'detached'),
  version: orNull(whole),
  servingVersion: orNull(whole),
  generation: orNull(whole),
  lag: whole,
  lagSeconds: decimal,
  parked: whole,
  error: failure,
  partitions: listOf(
    objectOf({
      topic: text,
      partition: whole,
      position: whole,
      endOffset: whole,
      lag: whole,
      parked: whole,
      skipped: whole,
      error: failure,
    }),
  ),
  rebuild: anything,
})

export const parkedSchema = objectOf({
  topic: text,
  partition: whole,
  offset: whole,
  key: text,
  type: orNull(text),
  error: orNull(text),
  attempts: whole,
  parkedAtMs: whole,
})

export function projectionsTable(views: readonly ProjectionView[]): Table {
  return {
    columns: [
      'PROJECTOR',
      'STATE',
      { heading: 'VERSION', right: true },
      { heading: 'GENERATION', right: true },
      { heading: 'LAG', right: true },
      { heading: 'SECONDS', right: true },
      { heading: 'PARKED', right: true },
    ],
    rows: views.map((view) => [
      view.projector,
      view.rebuild === null ? view.state : `${view.state} (${view.rebuild.phase})`,
      view.servingVersion ?? '-',
      view.generation ?? '-',
      view.lag,
      view.lagSeconds,
      view.parked,
    ]),
  }
}

export function partitionsTable({ projector, partitions }: ProjectionView): Table {
  return {
    title: projector,
    columns: [
      'TOPIC',
      { heading: 'PARTITION', right: true },
      { heading: 'POSITION', right: true },
      { heading: 'END', right: true },
      { heading: 'LAG', right: true },
      { heading: 'PARKED', right: true },
      'ERROR',
    ],
    rows: partitions.map(({ topic, partition, position, endOffset, lag, parked, error }) => [
      topic,
      partition,
      position,
      endOffset,
      lag,
      parked,
      error?.message ?? '',
    ]),
  }
}

export function parkedTable(events: readonly ParkedView[]): Table {
  return {
    columns: [
      'TOPIC',
      { heading: 'PARTITION', right: true },
      { heading: 'OFFSET', right: true },
      'KEY',
      'TYPE',
      { heading: 'ATTEMPTS', right: true },
      'ERROR',
    ],
    rows: events.map(({ topic, partition, offset, key, type, attempts, error }) => [
      topic,
      partition,
      offset,
      key,
      type ?? '',
      attempts,
      error ?? 'waits behind its key',
    ]),
  }
}
