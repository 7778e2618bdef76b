import { AvroError, decodeWire } from '@keyfold/avro'
import { KeyfoldError } from '@keyfold/eventsourcing'
import type { KafkaClient, StoredRecord } from '@keyfold/kafka'
import { HEADERS } from '../envelope.ts'
import type { EventCodec } from '../event-codec.ts'
import { readPartition } from '../writer/read-partition.ts'
import type { GateFinding } from './gate-finding.ts'
import type { GateOptions } from './gate-options.ts'

export interface SampleOptions extends Required<GateOptions> {
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly topic: string
  /** Schema ids that are registered for the topic's events: when each was met, scanning ends. */
  readonly schemaIds: ReadonlySet<number>
}

/** What is asked of the log at most for one partition; the rest of a topic's partitions are read beside it. */
interface Sample extends SampleOptions {
  readonly partition: number
  readonly start: number
  readonly end: number
}

/**
 * Decodes some of what is really stored in a topic, as the code would: the newest records of each partition, and from its
 * start the first one of every schema. What is no event at all is left to whoever reads the partition.
 * Errors: those of Kafka and of a registry that cannot be reached.
 */
export async function sampleFindings(options: SampleOptions): Promise<readonly GateFinding[]> {
  const { kafka, topic } = options
  const [starts, ends] = await Promise.all([kafka.startOffsets(topic), kafka.endOffsets(topic, 'committed')])
  const findings: GateFinding[] = []
  for (const [partition, end] of ends.entries()) {
    const sample = { ...options, partition, start: starts[partition] ?? 0, end }
    findings.push(...(await newestFindings(sample)), ...(await firstFindings(sample)))
  }
  return withoutRepeats(findings)
}

async function newestFindings(sample: Sample): Promise<readonly GateFinding[]> {
  const { start, end, newestPerPartition } = sample
  if (newestPerPartition === 0) return []
  const findings: GateFinding[] = []
  // Markers of transactions take offsets, too: about one of two.
  for await (const records of recordsOf(sample, Math.max(start, end - 2 * newestPerPartition), end))
    findings.push(...(await decodeAll(sample, records)))
  return findings
}

async function firstFindings(sample: Sample): Promise<readonly GateFinding[]> {
  const { start, end, schemaIds, scannedPerPartition } = sample
  const met = new Set<number>()
  const findings: GateFinding[] = []
  for await (const records of recordsOf(sample, start, Math.min(end, start + scannedPerPartition))) {
    const first = records.filter(({ value }) => {
      const id = value === null ? undefined : schemaIdOf(value)
      if (id === undefined || met.has(id)) return false
      met.add(id)
      return true
    })
    findings.push(...(await decodeAll(sample, first)))
    if (schemaIds.size > 0 && schemaIds.isSubsetOf(met)) break
  }
  return findings
}

async function* recordsOf({ kafka, topic, partition }: Sample, fromOffset: number, endOffset: number) {
  for await (const records of readPartition(kafka, { topic, partition, fromOffset, endOffset }))
    yield records.filter(({ offset }) => offset < endOffset)
}

async function decodeAll({ codec }: Sample, records: readonly StoredRecord[]): Promise<readonly GateFinding[]> {
  await codec.prepare(records.flatMap(({ value }) => value ?? []))
  return records.flatMap((record) => decodeOne(codec, record) ?? [])
}

/** These say that code and data do not go together; anything else is a record that is no event. */
const toldCodes: ReadonlySet<string> = new Set(['EVENT_UNKNOWN', 'UPCASTER_FAILED', 'VALUE_UNREADABLE'])

function decodeOne(
  codec: EventCodec,
  { topic, partition, offset, value, headers }: StoredRecord,
): GateFinding | undefined {
  if (value === null || schemaIdOf(value) === undefined) return undefined
  try {
    codec.decode(value)
    return undefined
  } catch (error) {
    if (!(error instanceof KeyfoldError) || !toldCodes.has(error.code)) return undefined
    const version = Number(headers[HEADERS.schemaVersion]?.toString() ?? Number.NaN)
    const { cause } = error
    const told = error.details['type']
    const type = typeof told === 'string' ? told : (headers[HEADERS.type]?.toString() ?? '?')
    const field = error.details['field'] ?? (cause instanceof AvroError ? cause.path : undefined)
    return {
      subject: `${topic}-${type}`,
      version: Number.isSafeInteger(version) ? version : undefined,
      field: typeof field === 'string' && field !== '' ? field : undefined,
      reason: error.message,
      fix: error.fix,
      place: `${topic}/${partition}/${offset}`,
    }
  }
}

function schemaIdOf(value: Buffer): number | undefined {
  return value.length >= 5 && value[0] === 0 ? decodeWire(value).schemaId : undefined
}

/** One finding for everything that has the same subject, version and reason: the first. */
function withoutRepeats(findings: readonly GateFinding[]): readonly GateFinding[] {
  const known = new Set<string>()
  return findings.filter(({ subject, version, reason }) => {
    const key = JSON.stringify([subject, version, reason])
    return !known.has(key) && known.add(key)
  })
}
