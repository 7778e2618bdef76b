import { createHash } from 'node:crypto'
import type { PartitionLog, Storage } from '@keyfold/storage'
import { ConsumerGroupRegister } from '../../../../libs/broker/src/consumer-groups/consumer-group-register.ts'
import { GroupSettingsStore } from '../../../../libs/broker/src/consumer-groups/group-settings.ts'
import { GroupRegister } from '../../../../libs/broker/src/group-coordinator/group-register.ts'
import { OffsetStore } from '../../../../libs/broker/src/group-coordinator/offsets.ts'
import { PartitionRegistry } from '../../../../libs/broker/src/partition/partition-registry.ts'
import { ClientQuotas } from '../../../../libs/broker/src/quotas/client-quotas.ts'
import { TopicCatalog } from '../../../../libs/broker/src/topics/topic-catalog.ts'
import { TransactionCoordinator } from '../../../../libs/broker/src/transactions/transaction-coordinator.ts'
import { ScramCredentials } from '../../../../libs/broker/src/users/scram-credentials.ts'
import { Storage as StorageClass } from '../../../../libs/storage/src/storage.ts'

/** Everything that a broker remembers, part by part, as text: equal for brokers that remember the same. */
export type BrokerState = Readonly<Record<string, string>>

/** What a storage has just recovered, before the broker does anything with it. */
export interface Recovered {
  readonly storage: Storage
  readonly states: readonly unknown[]
}

let onRecovered: ((recovered: Recovered) => void) | undefined

/**
 * From here on every storage tells what it has recovered before its broker goes on. Returns the way to stop that.
 * Without it, what was recovered cannot be told from what the broker then does: it aborts unfinished transactions.
 */
export function watchRecoveries(): () => void {
  const { prototype } = StorageClass
  const original = Object.getOwnPropertyDescriptor(prototype, 'recover')
  const recover = prototype.recover
  Object.defineProperty(prototype, 'recover', {
    ...original,
    async value(this: StorageClass, options: Parameters<typeof recover>[0]) {
      await recover.call(this, options)
      onRecovered?.({ storage: this, states: options?.states ?? [] })
    },
  })
  return () => Object.defineProperty(prototype, 'recover', original ?? {})
}

/** Runs work that recovers a storage, and hands what it recovers to the listener. */
export async function recovering<T>(listener: (recovered: Recovered) => void, work: () => Promise<T>): Promise<T> {
  const outer = onRecovered
  onRecovered = listener
  try {
    return await work()
  } finally {
    onRecovered = outer
  }
}

/** What the running broker was after each group of journal entries: what any recovery may find, and nothing else. */
export class RecordedStates {
  readonly #byLsn = new Map<number, BrokerState>()
  /** Batches as they were appended, by the id of their partition. */
  readonly #batches = new Map<number, { readonly baseOffset: number; readonly bytes: Buffer }[]>()

  /** Follows a broker from its recovery on; what an earlier life wrote after that point is forgotten. */
  follow({ storage, states }: Recovered): void {
    const append = storage.appendAtomic.bind(storage)
    for (const lsn of this.#byLsn.keys()) if (lsn > storage.lastLsn) this.#byLsn.delete(lsn)
    for (const log of storage.partitions.all()) this.#cutBatches(log)
    this.#byLsn.set(storage.lastLsn, stateOf(states))
    Object.defineProperty(storage, 'appendAtomic', {
      value: (entries: Parameters<typeof append>[0]) => {
        const lsn = append(entries)
        this.#byLsn.set(lsn, stateOf(states))
        for (const { kind, payload, body } of entries) {
          if (kind === batchKind && body !== undefined) this.#keepBatch(payload.readInt32BE(), body)
        }
        return lsn
      },
    })
  }

  at(lsn: number): BrokerState | undefined {
    return this.#byLsn.get(lsn)
  }

  /** What was appended to a log between its start and its end, hashed. */
  hashOf({ id, logStartOffset, logEndOffset }: PartitionLog): string {
    const hash = createHash('sha256')
    for (const { baseOffset, bytes } of this.#batches.get(id) ?? []) {
      const nextOffset = baseOffset + bytes.readInt32BE(lastOffsetDeltaAt) + 1
      if (nextOffset > logStartOffset && baseOffset < logEndOffset) hash.update(bytes)
    }
    return hash.digest('hex')
  }

  #keepBatch(partitionId: number, bytes: Buffer): void {
    const list = this.#batches.get(partitionId) ?? []
    list.push({ baseOffset: Number(bytes.readBigInt64BE(0)), bytes: Buffer.from(bytes) })
    this.#batches.set(partitionId, list)
  }

  #cutBatches({ id, logEndOffset }: PartitionLog): void {
    const kept = (this.#batches.get(id) ?? []).filter(({ baseOffset }) => baseOffset < logEndOffset)
    this.#batches.set(id, kept)
  }
}

/** A journal entry of storage itself: a batch of records. */
const batchKind = 3
/** Of a batch's header: the last record's distance from the base offset. */
const lastOffsetDeltaAt = 23

export function stateOf(states: readonly unknown[]): BrokerState {
  return Object.fromEntries(states.flatMap((state) => describe(state).map(([part, lines]) => [part, inOrder(lines)])))
}

function describe(state: unknown): [string, readonly unknown[]][] {
  if (state instanceof PartitionRegistry) {
    const partitions = state.all().map((partition) => {
      const { topic, index, id, logStartOffset, logEndOffset, abortedTransactions } = partition
      return [topic, index, id, logStartOffset, logEndOffset, partition.describeProducers(), abortedTransactions]
    })
    return [['partitions', partitions]]
  }
  if (state instanceof TopicCatalog) {
    return [
      [
        'topics',
        state.all().map((topic) => ({ ...topic, configs: [...topic.configs], assignments: [...topic.assignments] })),
      ],
      ['cluster', [withoutTopics(state.snapshot())]],
    ]
  }
  if (state instanceof OffsetStore) return [['offsets', state.groupIds().map((group) => [group, state.ofGroup(group)])]]
  if (state instanceof GroupRegister) return [['groups', state.all()]]
  if (state instanceof ConsumerGroupRegister) {
    return [['consumer groups', state.all().map((group) => [group.facts(), group.state])]]
  }
  if (state instanceof GroupSettingsStore) {
    return [['group settings', state.groupIds.map((groupId) => [groupId, [...state.of(groupId)]])]]
  }
  if (state instanceof TransactionCoordinator) {
    // The snapshot has what the list does not: staged offsets, and which producer ids are given out.
    return [['transactions', [...state.list(), state.snapshot().toString('base64')]]]
  }
  if (state instanceof ClientQuotas) return [['quotas', state.matching([], false)]]
  if (state instanceof ScramCredentials) {
    return [['credentials', state.users.flatMap((user) => state.of(user))]]
  }
  throw new Error('there is a state that this lane does not know: describe it here')
}

/** Of the catalog's snapshot: the cluster's id and the settings of brokers. */
function withoutTopics(snapshot: Buffer): unknown {
  const { topics: _, ...rest } = JSON.parse(snapshot.toString()) as Record<string, unknown>
  return rest
}

/** JSON lines, sorted, with the members of objects in order: two ways to the same state may have set them differently. */
function inOrder(lines: readonly unknown[]): string {
  return lines
    .map((line) => JSON.stringify(line, sortedMembers))
    .toSorted()
    .join('\n')
}

function sortedMembers(_key: string, value: unknown): unknown {
  if (value instanceof Map) return [...value]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)))
}
