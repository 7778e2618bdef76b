import { AvroError, GUID_HEADERS, writerSchemaOf } from '@keyfold/avro'
import type { KafkaAdmin, KafkaClient } from '@keyfold/kafka'
import { readPartitions } from '../consume/read-partitions.ts'
import { boundsOf } from '../consume/start-position.ts'

/** How many stored records were written with one schema. */
export interface SchemaCount {
  records: number
  /** Milliseconds since 1970. */
  readonly firstMs: number
  lastMs: number
}

export interface TopicCounts {
  readonly topic: string
  /** By the registry's id, or the guid, that records carry. */
  readonly bySchema: ReadonlyMap<number | string, SchemaCount>
  /** Records that carry neither: tombstones, and what is no Avro of a registry. */
  readonly withoutSchema: number
  readonly records: number
}

interface CountOptions {
  readonly admin: KafkaAdmin
  readonly kafka: KafkaClient
  readonly signal: AbortSignal
  /** Hears how far it is, from 0 to 1, after each batch. */
  readonly onProgress: (share: number) => void
}

/** Reads a topic from its beginning to where it ended when asked, committed records only, and counts by schema. */
export async function countSchemas(
  topic: string,
  { admin, kafka, signal, onProgress }: CountOptions,
): Promise<TopicCounts> {
  const bySchema = new Map<number | string, SchemaCount>()
  let withoutSchema = 0
  let records = 0
  const bounds = await boundsOf(admin, topic, { position: { kind: 'start' }, isolation: 'committed' })
  const total = bounds.reduce((sum, { from, end }) => sum + (end - from), 0)
  const left = new Map(bounds.map(({ partition, from, end }) => [partition, end - from]))
  await readPartitions(
    bounds.map(({ partition, from, end }) => ({ topic, partition, from, until: end })),
    {
      kafka,
      isolation: 'committed',
      signal,
      onRecords: async (batch, { partition, until = 0 }, position) => {
        for (const { value, headers, timestampMs } of batch) {
          records += 1
          const key = value === null ? undefined : schemaKeyOf(value, headers[GUID_HEADERS.value])
          if (key === undefined) withoutSchema += 1
          else note(bySchema, key, timestampMs)
        }
        left.set(partition, until - position)
        onProgress(1 - [...left.values()].reduce((sum, each) => sum + each, 0) / total)
        return true
      },
    },
  )
  return { topic, bySchema, withoutSchema, records }
}

function note(counts: Map<number | string, SchemaCount>, key: number | string, timeMs: number): void {
  const known = counts.get(key)
  if (known === undefined) counts.set(key, { records: 1, firstMs: timeMs, lastMs: timeMs })
  else {
    known.records += 1
    known.lastMs = Math.max(known.lastMs, timeMs)
  }
}

function schemaKeyOf(value: Buffer, header: Buffer | undefined): number | string | undefined {
  try {
    const key = writerSchemaOf(value, header)
    return 'guid' in key ? key.guid : key.schemaId
  } catch (error) {
    if (error instanceof AvroError) return undefined
    throw error
  }
}
