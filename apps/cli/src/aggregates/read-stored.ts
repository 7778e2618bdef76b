import { HEADERS } from '@keyfold/event-store'
import type { StoredRecord } from '@keyfold/kafka'
import { decodePayload } from '../avro/decode-payload.ts'
import { RegisteredSchemas } from '../avro/registered-schemas.ts'
import { CliError } from '../cli-error.ts'
import { type PartitionToRead, readPartitions } from '../consume/read-partitions.ts'
import type { Context } from '../context.ts'
import type { EventView } from './shown-events.ts'

/** What is wanted of the events of some topics. */
export interface EventsWanted {
  readonly topics: readonly string[]
  readonly isWanted: (record: StoredRecord) => boolean
  /** The newest so many; without it, more than can be held end in an error. */
  readonly newest?: number | undefined
}

const heldMax = 100_000

/**
 * Stored events as they were written, without any code of the application: their own schemas, their own names. Oldest
 * first. Errors: `RESULT_TOO_LARGE`, those of the cluster and the registry.
 */
export async function readStored(context: Context, wanted: EventsWanted): Promise<readonly EventView[]> {
  const kafka = await context.kafka()
  const found: StoredRecord[] = []
  await readPartitions(await partitionsOf(context, wanted), {
    kafka,
    isolation: 'committed',
    signal: context.signal,
    async onRecords(records) {
      found.push(...records.filter(wanted.isWanted))
      if (wanted.newest === undefined && found.length > heldMax)
        throw new CliError('RESULT_TOO_LARGE', `there are more than ${heldMax} such events`)
      if (wanted.newest !== undefined && found.length > wanted.newest * 2 + 1_000) {
        found.sort(byTime)
        found.splice(0, found.length - wanted.newest)
      }
      return true
    },
  })
  found.sort(byTime)
  const schemas = new RegisteredSchemas(context.registry())
  const views: EventView[] = []
  for (const record of found.slice(-(wanted.newest ?? heldMax))) views.push(await storedView(record, schemas))
  return views
}

async function partitionsOf(context: Context, { topics }: EventsWanted): Promise<readonly PartitionToRead[]> {
  const admin = await context.admin()
  const all = await Promise.all(
    topics.map(async (topic) => {
      const [starts, ends] = await Promise.all([
        admin.offsets(topic, 'earliest'),
        admin.offsets(topic, 'latest', 'committed'),
      ])
      return ends.map((until, partition) => ({ topic, partition, from: starts[partition] ?? 0, until }))
    }),
  )
  return all.flat()
}

async function storedView(record: StoredRecord, schemas: RegisteredSchemas): Promise<EventView> {
  const { topic, partition, offset } = record
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, bytes]) => [name, bytes.toString()]))
  const { content, reason } = await decodePayload(record.value, schemas)
  return {
    topic,
    partition,
    offset,
    key: record.key?.toString() ?? '',
    version: Number(headers[HEADERS.version] ?? 0),
    type: headers[HEADERS.type] ?? '',
    time: headers[HEADERS.time] ?? new Date(record.timestampMs).toISOString(),
    commandId: headers[HEADERS.commandId] ?? '',
    data: content,
    headers,
    ...(reason === undefined ? {} : { undecoded: reason }),
  }
}

/** The offset tells within a partition, where two may have one time. */
function byTime(a: StoredRecord, b: StoredRecord): number {
  return a.timestampMs - b.timestampMs || a.partition - b.partition || a.offset - b.offset
}
