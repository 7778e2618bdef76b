import type { StoredEvent } from '@keyfold/event-store'
import { jsonText } from '../json-text.ts'
import { anything, mapOf, objectOf, text, whole } from '../json-schema.ts'

/** A stored event as programs get it. */
export const eventSchema = objectOf({
  topic: text,
  partition: whole,
  offset: whole,
  key: text,
  version: whole,
  type: text,
  time: text,
  commandId: text,
  data: anything,
  headers: mapOf(text),
  'undecoded?': text,
})

export interface EventView {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** The aggregate's version after it. */
  readonly version: number
  readonly type: string
  /** ISO text. */
  readonly time: string
  readonly commandId: string
  readonly data: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Why the data is shown as base64. */
  readonly undecoded?: string
}

export function eventView(event: StoredEvent): EventView {
  const { topic, partition, offset, key, aggregateVersion: version, type, commandId, data, headers } = event
  return { topic, partition, offset, key, version, type, time: event.time.toISOString(), commandId, data, headers }
}

export const eventColumns = [{ heading: 'VERSION', right: true }, 'TIME', 'TYPE', 'DATA', 'COMMAND', 'ACTOR'] as const

export function eventRow({ version, time, type, data, commandId, headers }: EventView) {
  return [version, time, type, jsonText(data), commandId, headers['ce_actor'] ?? '']
}
