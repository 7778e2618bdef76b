import { HEADERS } from '@keyfold/event-store'
import type { DomainEvent } from '@keyfold/eventsourcing'
import type { RecordToWrite } from '@keyfold/kafka'

export interface EventRecordOptions {
  readonly key: string
  /** The aggregate's version after the event. */
  readonly version: number
  readonly time?: Date
  readonly headers?: Readonly<Record<string, string>>
}

const DEFAULT_TIME = new Date('2026-01-01T00:00:00.000Z')

/** A record as an event store writes it, with the headers that readers look at. `value` is the encoded event. */
export function eventRecord(event: DomainEvent, value: Buffer, options: EventRecordOptions): RecordToWrite {
  const { key, version, time = DEFAULT_TIME, headers = {} } = options
  return {
    key: Buffer.from(key),
    value,
    timestampMs: time.getTime(),
    headers: { [HEADERS.type]: event.type, [HEADERS.version]: String(version), ...headers },
  }
}
