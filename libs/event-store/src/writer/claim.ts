import type { KafkaClient, TransactionalProducer } from '@keyfold/kafka'
import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import type { EventCodec } from '../event-codec.ts'
import type { EventStoreLimits } from '../event-store-options.ts'
import type { EventStoreSignal } from '../signals.ts'
import type { StateStores } from '../state/state-stores.ts'
import type { PartitionMemory } from './partition-memory.ts'
import { readPartition } from './read-partition.ts'
import { restoreMemory, stateRange } from './restore.ts'
import { decodeState, encodeState } from './state-records.ts'

/** What a writer needs to know of its partition and of the world. */
export interface WriterContext {
  readonly application: string
  readonly aggregate: AggregateDescriptor
  readonly partition: number
  readonly stateTopic: string
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly clock: () => Date
  readonly newId: () => string
  readonly instanceId: string
  readonly limits: EventStoreLimits
  readonly stores: StateStores
  readonly warn: (message: string) => void
  /** Where instances share partitions: without the group's word nothing is claimed. */
  readonly grant?: OwnershipGrant
  readonly onSignal?: ((signal: EventStoreSignal) => void) | undefined
}

/** The group's word that a partition is this instance's. It is a hint: the claim is what counts. */
export interface OwnershipGrant {
  /** Of the group, when it said so. */
  readonly generation: number
  /** Whether it still says so. Errors: those of the Kafka client. */
  readonly holds: () => Promise<boolean>
}

/** A partition that is this writer's: its fenced producer, and everything that came before it. */
export interface Claim extends ClaimsSeen {
  readonly producer: TransactionalProducer
  readonly memory: PartitionMemory
  /** Where the events ended when the claim had read them all: nobody but this owner writes from here on. */
  readonly endOffset: number
}

/** Claims of other instances that are newer than this came after this writer's own. */
export interface ClaimsSeen {
  readonly generation: number
  /** The state partition was read up to here. */
  readonly stateOffset: number
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'ownerChanged' }
  /** Nobody knows whether the claim is there: from here on another instance's newer one counts. */
  | { readonly kind: 'notYet'; readonly error: Error; readonly seen: ClaimsSeen }

/**
 * Takes a partition over. First the fence: InitProducerId ends every earlier producer of the id and decides its
 * transactions; what a killed node forgot of them is ended, too. Only then the end is asked for and everything up to it
 * read, so nothing of an earlier owner can be missing. The `Claimed` record proves that no later owner came meanwhile.
 *
 * A writer that claims again passes its earlier claim: when somebody else has claimed since, it must not take the
 * partition back. Where instances share partitions the group decides that instead: a claim begins with its word, and one
 * of a later generation in the log makes it ask again, so that two instances do not take a partition from each other in
 * turns.
 * Errors: those of reading that no repetition mends, `LOG_CORRUPT_VERSION`, `EVENT_UNKNOWN`.
 */
export async function claimPartition(
  context: WriterContext,
  earlier: Claim | undefined,
  seen: ClaimsSeen | undefined = earlier,
): Promise<ClaimResult> {
  const { grant } = context
  if (grant === undefined) {
    if (seen !== undefined && (await isClaimedSince(context, seen))) return { kind: 'ownerChanged' }
  } else if (!(await grant.holds())) return { kind: 'ownerChanged' }
  const { application, aggregate, partition, kafka, limits } = context
  const producer = await kafka.openTransactionalProducer({
    transactionalId: `${application}.${aggregate.name}.${partition}`,
    transactionTimeoutMs: limits.transactionTimeoutMs,
    partitions: [aggregate.topic, context.stateTopic].map((topic) => ({ topic, partition })),
  })
  earlier?.memory.close()
  const { memory, endOffset } = await restoreMemory(context)
  try {
    const result = await record(context, { producer, memory, endOffset, seen })
    if (result.kind !== 'claimed') memory.close()
    return result
  } catch (error) {
    memory.close()
    throw error
  }
}

interface ClaimToRecord extends Pick<Claim, 'producer' | 'memory' | 'endOffset'> {
  readonly seen: ClaimsSeen | undefined
}

/** Writes the `Claimed` record, if nobody else has a better right. */
async function record(
  context: WriterContext,
  { producer, memory, endOffset, seen }: ClaimToRecord,
): Promise<ClaimResult> {
  if (!(await mayTake(context, seen, memory))) return { kind: 'ownerChanged' }
  const { grant, partition } = context
  const { stateOffset } = memory
  const generation = memory.generation + 1
  const outcome = await producer.commit([
    {
      topic: context.stateTopic,
      partition,
      records: [
        encodeState({
          kind: 'Claimed',
          generation,
          ...(grant === undefined ? {} : { groupGeneration: grant.generation }),
          instanceId: context.instanceId,
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          endOffset,
          claimedAt: context.clock().toISOString(),
        }),
      ],
    },
  ])
  if (outcome.kind === 'committed') {
    const group = grant === undefined ? {} : { groupGeneration: grant.generation }
    memory.stateOffset = (outcome.baseOffsets[0] ?? stateOffset) + 1
    memory.noteClaim({ generation, ...group, instanceId: context.instanceId })
    return { kind: 'claimed', claim: { producer, memory, generation, stateOffset, endOffset } }
  }
  if (outcome.kind === 'fenced') return { kind: 'ownerChanged' }
  return { kind: 'notYet', error: outcome.error, seen: { generation: generation - 1, stateOffset } }
}

/** Whether nobody else has a better right to the partition, as far as has been read. */
async function mayTake(
  { grant }: WriterContext,
  seen: ClaimsSeen | undefined,
  { othersGeneration, groupGeneration }: PartitionMemory,
): Promise<boolean> {
  if (grant === undefined) return seen === undefined || othersGeneration <= seen.generation
  return groupGeneration <= grant.generation || (await grant.holds())
}

/** A claim of our own does not count: its commit may have succeeded without our learning of it. */
async function isClaimedSince(context: WriterContext, seen: ClaimsSeen): Promise<boolean> {
  const range = await stateRange(context, seen.stateOffset)
  for await (const records of readPartition(context.kafka, range)) {
    for (const record of records) {
      const state = decodeState(record)
      if (state?.kind !== 'Claimed' || state.instanceId === context.instanceId) continue
      if (state.generation > seen.generation) return true
    }
  }
  return false
}
