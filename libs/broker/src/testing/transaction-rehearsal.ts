import { buildRecordBatch, KafkaError, readBatchHeader, readRecords, readTransactionMarker } from '@keyfold/protocol'
import { eachBatch, MemoryFiles, openStorage, type Storage } from '@keyfold/storage'

import type { Isolation } from '../partition/partition-requests.ts'
import { PartitionRegistry } from '../partition/partition-registry.ts'
import type { Partition } from '../partition/partition.ts'
import { TransactionCoordinator } from '../transactions/transaction-coordinator.ts'
import type { OffsetToStage } from '../transactions/transaction-entries.ts'
import type { ProducerResult } from '../transactions/transaction-requests.ts'
import type { StagedOffset } from '../transactions/transaction.ts'

export const nowMs = 1_700_000_000_000
export const timeoutMs = 60_000
const limits = { journalFileBytes: 262_144, firstJournalFileBytes: 262_144 }
const open: Storage[] = []

/** Ends what the tests of a file have started. */
export async function closeAll(): Promise<void> {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
}

/** A group offset store that keeps what transactions hand over. */
class Offsets {
  readonly committed: (StagedOffset & { groupId: string })[] = []

  commitTransactional(groupId: string, offsets: readonly StagedOffset[]): void {
    for (const offset of offsets) this.committed.push({ groupId, ...offset })
  }
}

export interface TransactionWorld {
  files: MemoryFiles
  storage: Storage
  registry: PartitionRegistry
  transactions: TransactionCoordinator
  offsets: Offsets
}

export async function start(files: MemoryFiles): Promise<TransactionWorld> {
  const storage = await openStorage({ files, onFatal: () => {}, limits })
  const registry = new PartitionRegistry({ storage })
  const offsets = new Offsets()
  const transactions = new TransactionCoordinator({ storage, partitions: registry, offsets })
  await storage.recover({ observer: registry, states: [registry, transactions] })
  transactions.abortUnfinished(nowMs)
  open.push(storage)
  return { files, storage, registry, transactions, offsets }
}

export async function startFresh(): Promise<TransactionWorld> {
  const world = await start(new MemoryFiles())
  world.storage.appendAtomic(world.storage.partitions.creation('a', [0, 1]))
  world.storage.appendAtomic(world.storage.partitions.creation('b', [0]))
  return world
}

/** What the next process finds after power was cut. */
export function restart(world: TransactionWorld): Promise<TransactionWorld> {
  return start(world.files.crash('drop'))
}

export function partition({ registry }: TransactionWorld, topic: string, index = 0): Partition {
  const found = registry.get(topic, index)
  if (found === undefined) throw new Error(`no ${topic}-${index}`)
  return found
}

export interface Producer {
  transactionalId: string
  producerId: number
  producerEpoch: number
}

export function init(
  { transactions }: TransactionWorld,
  transactionalId = 'tx',
  expected?: Producer,
): ProducerResult & Producer {
  const result = transactions.initProducerId({
    transactionalId,
    timeoutMs,
    nowMs,
    ...(expected && { expectedProducerId: expected.producerId, expectedProducerEpoch: expected.producerEpoch }),
  })
  return { transactionalId, ...result }
}

export function add({ transactions }: TransactionWorld, producer: Producer, topic: string, index = 0): number {
  return transactions.addPartitions({ ...producer, partitions: [{ topic, partition: index }], nowMs }).errorCode
}

/** Where to produce, and whether that adds the partition to the transaction. */
export interface Placement {
  index?: number
  adds?: boolean
}

export function produce(
  world: TransactionWorld,
  producer: Producer,
  topic: string,
  sequence: number,
  { index = 0, adds = false }: Placement = {},
): number {
  const at = { topic, partition: index }
  const { code } = world.transactions.admitProduce({ ...producer, ...at, adds, nowMs })
  if (code !== 0) return code
  const batch = buildRecordBatch({
    records: [{ key: null, value: Buffer.from(`${producer.transactionalId}${sequence}`) }],
    timestamp: nowMs,
    isTransactional: true,
    baseSequence: sequence,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
  })
  return partition(world, topic, index).append({ batch, nowMs, isTransactionVerified: true, mustStartAtZero: adds })
    .errorCode
}

export function end(
  { transactions }: TransactionWorld,
  producer: Producer,
  committed: boolean,
  bumpsEpoch = false,
): ProducerResult {
  return transactions.endTxn({ ...producer, committed, bumpsEpoch, nowMs })
}

/** Stages an offset of a group that was added; the code of the refusal. */
export function stage(
  { transactions }: TransactionWorld,
  producer: Producer,
  groupId: string,
  offset: OffsetToStage,
): number {
  const refused = transactions.admitOffsets({ ...producer, groupId, adds: false, nowMs })
  if (refused === KafkaError.NONE) transactions.stageOffsets({ ...producer, groupId, offsets: [offset], nowMs })
  return refused.code
}

export async function settle({ storage }: TransactionWorld): Promise<void> {
  await storage.durable(storage.lastLsn)
}

/** Records as a client of this isolation sees them; markers as <commit> and <abort>. */
export async function read(world: TransactionWorld, topic: string, isolation: Isolation, index = 0): Promise<string[]> {
  const from = partition(world, topic, index)
  const end = isolation === 'read_committed' ? from.lastStableOffset : from.highWatermark
  const found: string[] = []
  for (let offset = 0; offset < end;) {
    const result = await from.read({ offset, maxBytes: 100_000, isolation, minOneBatch: true })
    const aborted = [...(result.abortedTransactions ?? [])]
    for (const batch of eachBatch(result.records)) {
      const header = readBatchHeader(batch)
      const { producerId, lastOffset } = header
      const isAborted = aborted.some((begun) => begun.producerId === producerId && begun.firstOffset <= lastOffset)
      offset = lastOffset + 1
      for (const record of readRecords(batch)) {
        const marker = header.isControl ? readTransactionMarker(record)?.type : undefined
        if (marker !== undefined) found.push(`<${marker}>`)
        else if (!isAborted) found.push(String(record.value))
        if (marker === 'abort')
          aborted.splice(
            aborted.findIndex((begun) => begun.producerId === producerId),
            1,
          )
      }
    }
  }
  return found
}
