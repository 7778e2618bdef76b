import type { KafkaClient } from '@keyfold/kafka'
import type { PartitionStatus, ProjectorStatus } from '@keyfold/projections'

/** A projector as it is told over HTTP. */
export interface ProjectionReport {
  readonly projector: string
  readonly state: ProjectorStatus['state']
  readonly version: number | null
  readonly servingVersion: number | null
  readonly generation: number | null
  /** Log positions to go, over all partitions. */
  readonly lag: number
  /** How long ago the oldest event was written that is not applied yet; 0 when none is left. */
  readonly lagSeconds: number
  readonly parked: number
  readonly error: { readonly code: string | null; readonly message: string } | null
  readonly partitions: readonly PartitionReport[]
  readonly rebuild: ProjectorStatus['rebuild'] | null
}

export interface PartitionReport {
  readonly topic: string
  readonly partition: number
  readonly position: number
  readonly endOffset: number
  readonly lag: number
  readonly parked: number
  readonly skipped: number
  readonly error: { readonly code: string | null; readonly message: string } | null
}

/** A projector's status with how old its lag is, for which the first event that is missing is looked at. */
export async function projectionReport(
  kafka: KafkaClient,
  status: ProjectorStatus,
  nowMs: number,
): Promise<ProjectionReport> {
  const { projector, state, version, servingVersion, generation, partitions, rebuild, error } = status
  const behind = partitions.filter(({ lag }) => lag > 0)
  const writtenMs = await Promise.all(behind.map((partition) => nextEventMs(kafka, partition)))
  const oldestMs = Math.min(nowMs, ...writtenMs.flatMap((ms) => ms ?? []))
  return {
    projector,
    state,
    version: version ?? null,
    servingVersion: servingVersion ?? null,
    generation: generation ?? null,
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    lagSeconds: Math.round((nowMs - oldestMs) / 100) / 10,
    parked: partitions.reduce((sum, { parked }) => sum + parked, 0),
    error: errorOf(error),
    partitions: partitions.map((partition) => ({ ...partition, error: errorOf(partition.error) })),
    rebuild: rebuild ?? null,
  }
}

/** When the event at a partition's position was written; undefined when there are only markers left. */
async function nextEventMs(kafka: KafkaClient, { topic, partition, position }: PartitionStatus) {
  const reader = kafka.openPartitionReader({
    topic,
    partition,
    fromOffset: position,
    isolation: 'committed',
    maxBytes: 1024,
  })
  try {
    return (await reader.next({ maxWaitMs: 200 })).records[0]?.timestampMs
  } finally {
    await reader.close()
  }
}

export function errorOf(error: Error | null | undefined): ProjectionReport['error'] {
  if (error === null || error === undefined) return null
  const { code } = error as { readonly code?: unknown }
  return { code: typeof code === 'string' ? code : null, message: error.message }
}
