import type { StoredEvent } from '@keyfold/event-store'

/** An event as it is stored, in a form that JSON can carry: long integers are texts. */
export function describeEvent(event: StoredEvent) {
  const { topic, partition, offset, key, type, schemaVersion, aggregateVersion, time, headers, data } = event
  return {
    topic,
    partition,
    offset,
    key,
    type,
    schemaVersion,
    aggregateVersion,
    time: time.toISOString(),
    headers,
    data: JSON.parse(JSON.stringify(data, longAsText)) as unknown,
  }
}

function longAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
