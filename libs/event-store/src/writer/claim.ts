import type { KafkaClient, TransactionalProducer } from '@keyfold/kafka'
import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import { decodeRecord } from '../envelope.ts'
import { fail } from '../errors.ts'
import type { EventCodec } from '../event-codec.ts'
import type { EventStoreLimits } from '../event-store-options.ts'
import { PartitionMemory } from './partition-memory.ts'
import { readPartition } from './read-partition.ts'
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
}

/** A partition that is this writer's: its fenced producer, and everything that came before it. */
export interface Claim {
  readonly producer: TransactionalProducer
  readonly memory: PartitionMemory
  readonly generation: number
  /** The state partition was read up to here. */
  readonly stateOffset: number
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'ownerChanged' }
  | { readonly kind: 'notYet'; readonly error: Error }

/**
 * Takes a partition over. First the fence: InitProducerId ends every earlier producer of the id and decides its
 * transactions. Only then the end is asked for and everything up to it read, so nothing of an earlier owner can be
 * missing. The `Claimed` record proves that no later owner came meanwhile.
 *
 * A writer that claims again passes its earlier claim: when somebody else has claimed since, it must not take the
 * partition back.
 * Errors: those of reading that no repetition mends, `LOG_CORRUPT_VERSION`, `EVENT_UNKNOWN`.
 */
export async function claimPartition(context: WriterContext, earlier: Claim | undefined): Promise<ClaimResult> {
  if (earlier !== undefined && (await isClaimedSince(context, earlier))) return { kind: 'ownerChanged' }
  const { application, aggregate, partition, kafka, limits } = context
  const producer = await kafka.openTransactionalProducer({
    transactionalId: `${application}.${aggregate.name}.${partition}`,
    transactionTimeoutMs: limits.transactionTimeoutMs,
  })
  const memory = new PartitionMemory(aggregate, limits)
  const [stateOffset, endOffset] = await Promise.all([foldState(context, memory), foldEvents(context, memory)])
  if (earlier !== undefined && memory.othersGeneration > earlier.generation) return { kind: 'ownerChanged' }
  const generation = memory.generation + 1
  const outcome = await producer.commit([
    {
      topic: context.stateTopic,
      partition,
      records: [
        encodeState({
          kind: 'Claimed',
          generation,
          instanceId: context.instanceId,
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          endOffset,
          claimedAt: context.clock().toISOString(),
        }),
      ],
    },
  ])
  if (outcome.kind === 'committed') return { kind: 'claimed', claim: { producer, memory, generation, stateOffset } }
  return outcome.kind === 'fenced' ? { kind: 'ownerChanged' } : { kind: 'notYet', error: outcome.error }
}

/** A claim of our own does not count: its commit may have succeeded without our learning of it. */
async function isClaimedSince(context: WriterContext, earlier: Claim): Promise<boolean> {
  const range = await stateRange(context, earlier.stateOffset)
  for await (const records of readPartition(context.kafka, range)) {
    for (const record of records) {
      const state = decodeState(record)
      if (state?.kind !== 'Claimed' || state.instanceId === context.instanceId) continue
      if (state.generation > earlier.generation) return true
    }
  }
  return false
}

async function foldState(context: WriterContext, memory: PartitionMemory): Promise<number> {
  const starts = await context.kafka.startOffsets(context.stateTopic)
  const range = await stateRange(context, starts[context.partition] ?? 0)
  for await (const records of readPartition(context.kafka, range)) {
    for (const record of records) {
      const state = decodeState(record)
      if (state?.kind === 'Claimed') memory.noteClaim(state, context.instanceId)
      else if (state?.kind === 'Outcome') memory.forgotten.push(...memory.ledger.keep(state))
      else if (state?.kind === 'Forgotten') memory.ledger.forget(state.commandId)
    }
  }
  return range.endOffset
}

async function foldEvents(context: WriterContext, memory: PartitionMemory): Promise<number> {
  const { aggregate, codec, kafka, partition } = context
  const { topic } = aggregate
  const ends = await kafka.endOffsets(topic, 'committed')
  const endOffset = endOf(ends, topic, partition)
  for await (const records of readPartition(kafka, { topic, partition, fromOffset: 0, endOffset })) {
    await codec.prepare(records.flatMap(({ value }) => value ?? []))
    for (const record of records) memory.fold(decodeRecord(record, codec), record)
  }
  return endOffset
}

async function stateRange({ kafka, stateTopic, partition }: WriterContext, fromOffset: number) {
  const ends = await kafka.endOffsets(stateTopic, 'committed')
  return { topic: stateTopic, partition, fromOffset, endOffset: endOf(ends, stateTopic, partition) }
}

function endOf(ends: readonly number[], topic: string, partition: number): number {
  const end = ends[partition]
  if (end === undefined) throw fail('TOPIC_MISMATCH', `topic ${topic} has no partition ${partition}`)
  return end
}
