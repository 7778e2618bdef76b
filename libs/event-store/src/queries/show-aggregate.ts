import type { StoredEvent } from '../envelope.ts'
import { plainValue, type PlainValue } from '../replay/plain-value.ts'
import { type PathDifference, stateDifference } from '../replay/state-difference.ts'
import {
  type AggregateSource,
  foldInto,
  freshAggregate,
  partitionOf,
  readKeys,
  requireVersion,
} from './read-aggregate.ts'

export interface ShowOptions {
  /** As of this version (0 is before the first event), or of the last event up to this time. Left out: now. */
  readonly at?: number | Date
  /** Says of every event what it changed in the state. */
  readonly changes?: boolean
  /** Keeps the newest events only. Default 1000. */
  readonly eventsMax?: number
}

/** An aggregate as of a moment. */
export interface AggregateHistory {
  readonly aggregate: string
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** How many events it had; 0: it did not exist. */
  readonly version: number
  /** How many it has now. */
  readonly newestVersion: number
  /** As JSON: bigints, dates, bytes, maps and sets under `$bigint` and so on. */
  readonly state: PlainValue
  /** The events that led there, oldest first, the newest `eventsMax` of them. */
  readonly events: readonly ShownEvent[]
  readonly eventsOmitted: number
}

export type ShownEvent = StoredEvent & {
  /** What the state became by the stored event; on the last of the events that it became, where it was split. */
  readonly changes?: readonly PathDifference[]
}

const changesMax = 100

/** Errors: `VERSION_NOT_REACHED`, those of reading and of the aggregate's own steps. */
export async function showAggregate(
  source: AggregateSource,
  key: string,
  { at, changes = false, eventsMax = 1_000 }: ShowOptions,
): Promise<AggregateHistory> {
  const { aggregate } = source
  const partition = await partitionOf(source, key)
  const folded = freshAggregate(aggregate)
  let events: ShownEvent[] = []
  let [newestVersion, omitted] = [0, 0]
  for await (const stored of readKeys(source, partition, (each) => each === key)) {
    newestVersion = stored.aggregateVersion
    if (isAfter(at, newestVersion, stored.time)) continue
    const before = changes ? plainValue(folded.state) : null
    foldInto(aggregate, folded, stored)
    const { events: parts, ...place } = stored
    const shown: ShownEvent[] = parts.map(({ type, data }, subIndex) => ({ ...place, type, subIndex, data }))
    const last = shown.pop()
    if (last !== undefined) {
      const { paths } = changes ? stateDifference(before, plainValue(folded.state), changesMax) : { paths: undefined }
      events.push(...shown, paths === undefined ? last : { ...last, changes: paths })
    }
    if (events.length > eventsMax * 2) {
      omitted += events.length - eventsMax
      events = events.slice(-eventsMax)
    }
  }
  requireVersion(key, at, folded.version)
  const kept = eventsMax === 0 ? [] : events.slice(-eventsMax)
  return {
    aggregate: aggregate.name,
    topic: aggregate.topic,
    partition,
    key,
    version: folded.version,
    newestVersion,
    state: plainValue(folded.state),
    events: kept,
    eventsOmitted: omitted + events.length - kept.length,
  }
}

function isAfter(at: number | Date | undefined, version: number, time: Date): boolean {
  if (at === undefined) return false
  return typeof at === 'number' ? version > at : time > at
}
