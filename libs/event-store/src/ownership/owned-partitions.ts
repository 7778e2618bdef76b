import type { GroupAssignment, GroupMembership, KafkaGroups } from '@keyfold/kafka'
import type { EventStoreLogger } from '../event-store-options.ts'
import type { OwnershipGrant } from '../writer/claim.ts'
import type { OwnershipSettings } from './ownership-options.ts'
import { decodeMap, encodeCard, type Instance, type RoutingTable, shareOut } from './routing-table.ts'

/** Waiting times of a writer that was fenced, in milliseconds: two that are fenced by each other must not take turns. */
const claimAgain = { firstMs: 50, capMs: 2_000 }

/** What works on one partition for as long as it is ours. None of it rejects. */
export interface PartitionOwner {
  start(): Promise<void>
  /** Finishes what is under way and gives the partition back. */
  release(): Promise<void>
  /** Ends after somebody else has taken the partition. */
  close(): Promise<void>
}

export interface OwnedPartitionsOptions<Owner extends PartitionOwner> {
  readonly groups: KafkaGroups
  readonly groupId: string
  readonly topic: string
  /** How many the topic has. */
  readonly partitions: number
  readonly self: Instance
  readonly settings: Pick<OwnershipSettings, 'slot' | 'sessionTimeoutMs' | 'heartbeatIntervalMs'>
  readonly table: RoutingTable
  readonly openWriter: (partition: number, grant: OwnershipGrant, onFenced: () => void) => Owner
  /** Runs claims, some at a time. */
  readonly whenFree: (claim: () => Promise<void>) => Promise<void>
  readonly log: EventStoreLogger
}

/**
 * This instance's share of one topic's partitions: a writer for each of them. While the group forms anew all writers go
 * on; one stops when the new assignment does not have its partition. A writer that was fenced although the group says
 * that the partition is still ours is followed by a new one after a while: a time-out had fenced it, or an owner that
 * has lost it since.
 */
export class OwnedPartitions<Owner extends PartitionOwner> {
  readonly #options: OwnedPartitionsOptions<Owner>
  readonly #writers = new Map<number, Owner>()
  readonly #attempts = new Map<number, number>()
  readonly #releasing = new Set<Promise<void>>()
  readonly #assigned = Promise.withResolvers<void>()
  readonly #membership: GroupMembership
  #share: ReadonlySet<number> = new Set()
  #generation = -1
  #closed = false

  constructor(options: OwnedPartitionsOptions<Owner>) {
    this.#options = options
    const { groups, groupId, topic, partitions, settings, log } = options
    this.#membership = groups.join({
      groupId,
      topic,
      assigner: {
        name: 'keyfold-sticky',
        assign: (joined, generation) => shareOut(topic, partitions, { joined, generation }),
      },
      userData: () => this.#card(),
      sessionTimeoutMs: settings.sessionTimeoutMs,
      rebalanceTimeoutMs: settings.sessionTimeoutMs,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      onAssigned: (assignment) => this.#onAssigned(assignment),
      onTrouble: (error) => log('warn', `group ${groupId}: ${error.message}`, { error: String(error) }),
    })
  }

  /** Resolves when this instance has its first share and each writer of it is open or knows why it is not. */
  get started(): Promise<void> {
    return this.#assigned.promise
  }

  /** Undefined for a partition that is not ours, or whose writer was just fenced. */
  writerOf(partition: number): Owner | undefined {
    return this.#writers.get(partition)
  }

  /** Everything that works here now, by partition. */
  get owners(): ReadonlyMap<number, Owner> {
    return this.#writers
  }

  /** Looks at once whether the group has changed. */
  hurry(): void {
    this.#membership.hurry()
  }

  /** Leaves the group, calls `left`, and hands the partitions back: running commits finish first. */
  async close(left: () => void): Promise<void> {
    this.#closed = true
    await this.#membership.close()
    left()
    this.#assigned.resolve()
    for (const partition of this.#writers.keys()) this.#release(partition)
    await Promise.all(this.#releasing)
  }

  #card(): Buffer {
    const { self, settings } = this.#options
    return encodeCard({ ...self, slot: settings.slot, owned: [...this.#share], generation: this.#generation })
  }

  #onAssigned({ partitions, userData, generation }: GroupAssignment): void {
    if (this.#closed) return
    this.#share = new Set(partitions)
    this.#generation = generation
    this.#attempts.clear()
    const { table, groupId, log } = this.#options
    log('info', `group ${groupId} gave this instance ${partitions.join(', ') || 'no partition'}`, { generation })
    for (const partition of this.#writers.keys()) if (!this.#share.has(partition)) this.#release(partition)
    const claims = partitions.filter((partition) => !this.#writers.has(partition)).map((each) => this.#open(each))
    const map = decodeMap(userData)
    if (map !== undefined) table.learn(map)
    void Promise.all(claims).then(() => this.#assigned.resolve())
  }

  async #open(partition: number): Promise<void> {
    const generation = (): number => this.#generation
    const grant: OwnershipGrant = {
      // Grows while the writer lives: what it claims later, it claims in the generation of then.
      get generation() {
        return generation()
      },
      holds: () => this.#holds(partition),
    }
    const writer = this.#options.openWriter(partition, grant, () => this.#onFenced(partition, writer))
    this.#writers.set(partition, writer)
    await this.#options.whenFree(async () => {
      if (this.#writers.get(partition) === writer) await writer.start()
    })
  }

  async #holds(partition: number): Promise<boolean> {
    return !this.#closed && this.#share.has(partition) && (await this.#membership.isCurrent())
  }

  #onFenced(partition: number, writer: Owner): void {
    if (this.#writers.get(partition) !== writer) return
    this.#writers.delete(partition)
    void writer.close()
    const attempt = this.#attempts.get(partition) ?? 0
    this.#attempts.set(partition, attempt + 1)
    const waitMs = Math.min(claimAgain.firstMs * 2 ** attempt, claimAgain.capMs) * (0.5 + Math.random())
    setTimeout(() => {
      if (!this.#closed && this.#share.has(partition) && !this.#writers.has(partition)) void this.#open(partition)
    }, waitMs).unref()
  }

  #release(partition: number): void {
    const releasing = this.#writers.get(partition)?.release()
    this.#writers.delete(partition)
    if (releasing === undefined) return
    this.#releasing.add(releasing)
    void releasing.then(() => this.#releasing.delete(releasing))
  }
}
