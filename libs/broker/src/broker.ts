import { generateUuid } from '@keyfold/bytes'
import type { Compressors } from '@keyfold/protocol'
import {
  type Durability,
  type Files,
  openStorage,
  type Storage,
  StorageError,
  type StorageLimits,
} from '@keyfold/storage'
import type { BrokerContext, Clock } from './broker-context.ts'
import { type BrokerNode, Cluster } from './cluster.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { ConsumerGroupCoordinator } from './consumer-groups/consumer-group-coordinator.ts'
import { ConsumerGroupRegister } from './consumer-groups/consumer-group-register.ts'
import { GroupSettingsStore } from './consumer-groups/group-settings.ts'
import { Subscriptions } from './consumer-groups/subscriptions.ts'
import { assignorNamesOf } from './consumer-groups/target-assignment.ts'
import { BrokerError } from './errors.ts'
import { ClientQuotas } from './quotas/client-quotas.ts'
import { ScramCredentials } from './users/scram-credentials.ts'
import { FetchSessions } from './fetch-sessions/fetch-sessions.ts'
import { GroupCoordinator } from './group-coordinator/group-coordinator.ts'
import { GroupRegister } from './group-coordinator/group-register.ts'
import { OffsetStore } from './group-coordinator/offsets.ts'
import type { BrokerLog } from './log.ts'
import { BrokerMetrics } from './observability/broker-metrics.ts'
import { LogCleaner } from './partition/compaction/log-cleaner.ts'
import type { Partition } from './partition/partition.ts'
import { PartitionRegistry } from './partition/partition-registry.ts'
import type { Scheduler } from './scheduler.ts'
import { TopicCatalog } from './topics/topic-catalog.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** The world of a broker: everything it does not compute itself. */
export interface BrokerWorld {
  readonly files: Files
  readonly config: BrokerConfig
  readonly log: BrokerLog
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly compressors: Compressors
  /** The address clients are told to connect to. */
  readonly advertised: { readonly host: string; readonly port: number }
  /** Those of further nodes, with `keyfold.virtual.brokers` above 1. */
  readonly furtherAdvertised?: readonly { readonly host: string; readonly port: number }[]
  readonly randomBytes: (count: number) => Uint8Array
  /** The disk failed: nothing is acknowledged any more and the broker has to end. Called once. */
  readonly onFatal: (error: BrokerError) => void
  /** Sizes inside storage, where they are not to be its own: tests make them small. */
  readonly storageLimits?: Partial<StorageLimits>
}

/** All parts of one broker, recovered from its files and ready to serve; the sockets are the rim's. */
export class Broker implements BrokerContext {
  readonly config: BrokerConfig
  readonly catalog: TopicCatalog
  readonly partitions: PartitionRegistry
  readonly fetchSessions: FetchSessions
  readonly clientQuotas: ClientQuotas
  readonly scramCredentials: ScramCredentials
  readonly groups: GroupCoordinator
  readonly consumerGroups: ConsumerGroupCoordinator
  readonly groupSettings: GroupSettingsStore
  readonly offsets: OffsetStore
  readonly transactions: TransactionCoordinator
  readonly storage: Storage
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly cluster: Cluster
  readonly node: BrokerNode
  readonly log: BrokerLog
  readonly metrics: BrokerMetrics
  readonly #register: GroupRegister
  readonly #consumerRegister: ConsumerGroupRegister
  readonly #cleaner: LogCleaner
  #isClosed = false

  /** Opens the data directory and recovers. Throws `BrokerError` for what an operator can mend. */
  static async open(world: BrokerWorld): Promise<Broker> {
    const { files, config, log, scheduler } = world
    const metrics = new BrokerMetrics(() => scheduler.now())
    const storage = await named(
      openStorage({
        files,
        durability: durabilityOf(config),
        log,
        onFatal: (error) => world.onFatal(fromStorage(error)),
        random: (count) => Buffer.from(world.randomBytes(count)),
        after: (delayMs, task) => void scheduler.after(delayMs, task),
        limits: world.storageLimits ?? {},
        meter: metrics.journal,
      }),
    )
    try {
      const broker = new Broker(world, storage, metrics)
      await named(broker.#recover())
      return broker
    } catch (error) {
      await storage.close()
      throw error
    }
  }

  private constructor(world: BrokerWorld, storage: Storage, metrics: BrokerMetrics) {
    const { config, scheduler, clock, log } = world
    const newUuid = () => generateUuid(world.randomBytes)
    this.config = config
    this.scheduler = scheduler
    this.clock = clock
    this.log = log
    this.metrics = metrics
    this.storage = storage
    const firstId = config.number('node.id')
    this.node = { nodeId: firstId, ...world.advertised }
    const further = (world.furtherAdvertised ?? []).map((address, n) => ({ nodeId: firstId + 1 + n, ...address }))
    this.cluster = new Cluster([this.node, ...further])
    this.partitions = new PartitionRegistry({ storage, decompress: world.compressors })
    this.clientQuotas = new ClientQuotas(storage)
    this.scramCredentials = new ScramCredentials(storage)
    this.fetchSessions = new FetchSessions({
      slots: () => config.number('max.incremental.fetch.session.cache.slots'),
      newId: () => 1 + (Buffer.from(world.randomBytes(4)).readUInt32BE() % 0x7fff_fffe),
      now: () => clock.steady(),
    })
    this.#cleaner = new LogCleaner({
      storage,
      log,
      partitions: () => this.partitions.all(),
      now: () => clock.wall(),
      bytesMax: () => config.number('log.cleaner.dedupe.buffer.size'),
    })
    this.catalog = new TopicCatalog({ storage, partitions: this.partitions, config, newUuid })
    this.offsets = new OffsetStore(storage)
    this.#register = new GroupRegister(storage)
    this.#consumerRegister = new ConsumerGroupRegister(storage)
    this.groupSettings = new GroupSettingsStore(storage, config)
    this.transactions = new TransactionCoordinator({
      storage,
      partitions: this.partitions,
      offsets: this.offsets,
      settings: {
        timeoutMaxMs: config.number('transaction.max.timeout.ms'),
        idExpirationMs: config.number('transactional.id.expiration.ms'),
        transactionalIdsMax: config.number('keyfold.transactional.ids.max'),
      },
    })
    this.consumerGroups = new ConsumerGroupCoordinator({
      scheduler,
      storage,
      register: this.#consumerRegister,
      groupSettings: this.groupSettings,
      subscriptions: new Subscriptions(this.catalog),
      settings: consumerGroupSettings(config),
      releaseClassic: (groupId) => this.groups.release(groupId),
      migration: migrationPolicy(config),
      upgradeClassic: (groupId, convert) => this.groups.upgrade(groupId, convert),
      downgrade: (facts, end) => this.groups.downgrade(facts, end),
      hasRoom: () => this.groups.hasRoom,
      newUuid,
    })
    this.groups = new GroupCoordinator({
      scheduler,
      storage,
      register: this.#register,
      offsets: this.offsets,
      consumerGroups: this.consumerGroups,
      newUuid,
      settings: groupSettings(config),
      hasPendingOffsets: (groupId) => this.transactions.hasPendingOffsets(groupId),
      wallClock: () => clock.wall(),
    })
  }

  /** The broker as one of its nodes has it: the same parts, another address. */
  as(node: BrokerNode): BrokerContext {
    const { config, catalog, partitions, groups, offsets, transactions, storage, scheduler, clock, cluster, log } = this
    const { metrics } = this
    const { consumerGroups, groupSettings, fetchSessions, clientQuotas, scramCredentials } = this
    const coordinators = { groups, consumerGroups, groupSettings, offsets, transactions }
    return {
      config,
      catalog,
      partitions,
      fetchSessions,
      clientQuotas,
      scramCredentials,
      ...coordinators,
      storage,
      scheduler,
      clock,
      cluster,
      log,
      metrics,
      node,
    }
  }

  /** Clean end: everything durable, a checkpoint, the data directory released. Throws `BrokerError` STORAGE_FAILED. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#cleaner.stop()
    await named(this.storage.close())
  }

  async #recover(): Promise<void> {
    const { storage, partitions, catalog, offsets, transactions, clock } = this
    await storage.recover({
      observer: partitions,
      states: [
        partitions,
        catalog,
        offsets,
        this.#register,
        this.#consumerRegister,
        this.groupSettings,
        transactions,
        this.clientQuotas,
        this.scramCredentials,
      ],
    })
    catalog.configurePartitions()
    const unfinished = transactions.open.length
    if (unfinished > 0) this.log.info('transactions.aborted-at-start', { transactions: unfinished })
    transactions.abortUnfinished(clock.steady())
    this.consumerGroups.load()
    this.groups.load()
    await storage.durable(catalog.identify())
    const sweepMs = this.config.number('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    this.#every(sweepMs, () => this.#endLateTransactions())
    this.#every(this.config.number('offsets.retention.check.interval.ms'), () => this.groups.expireOffsets())
    this.#every(this.config.number('log.retention.check.interval.ms'), () => this.#applyRetention())
    if (!this.config.boolean('log.cleaner.enable')) return
    this.#every(this.config.number('log.cleaner.backoff.ms'), () => void this.#cleaner.run())
  }

  #endLateTransactions(): void {
    const nowMs = this.clock.steady()
    for (const { transactionalId, producerId, producerEpoch, startMs, timeoutMs } of this.transactions.tick(nowMs)) {
      this.metrics.transactionsTimedOut += 1
      const openMs = nowMs - startMs
      this.log.warn('transaction.timed-out', { transactionalId, producerId, producerEpoch, openMs, timeoutMs })
    }
  }

  #applyRetention(): void {
    const nowMs = this.clock.wall()
    for (const partition of this.partitions.all()) {
      this.#deleteExpired(partition, nowMs)
      partition.upkeep.expireProducers(nowMs, this.config.number('producer.id.expiration.ms'))
    }
  }

  #deleteExpired(partition: Partition, nowMs: number): void {
    const bytesBefore = partition.sizeInBytes
    const segments = partition.upkeep.applyRetention(nowMs)
    if (segments === 0) return
    const { topic, index, sizeInBytes, logStartOffset } = partition
    const bytes = bytesBefore - sizeInBytes
    const { retention } = this.metrics
    retention.segments += segments
    retention.bytes += bytes
    this.log.info('retention.deleted', { topic, partition: index, segments, bytes, logStartOffset })
  }

  /** Repeats a task for as long as the broker is open and can write. */
  #every(periodMs: number, task: () => void): void {
    this.scheduler.after(periodMs, () => {
      if (this.#isClosed) return
      if (this.storage.acceptsWrites) task()
      this.#every(periodMs, task)
    })
  }
}

function durabilityOf(config: BrokerConfig): Durability {
  const durability = config.text('keyfold.durability')
  if (durability === 'interval') return { intervalMs: config.number('keyfold.durability.interval.ms') }
  return durability === 'os' ? 'os' : 'fsync'
}

function consumerGroupSettings(config: BrokerConfig) {
  return {
    get maxSize() {
      return config.number('group.consumer.max.size')
    },
    assignorNames: assignorNamesOf(config.text('group.consumer.assignors')),
  }
}

/** Between the protocols of groups in use (KIP-848). */
function migrationPolicy(config: BrokerConfig) {
  const policy = () => config.text('group.consumer.migration.policy')
  return {
    get mayUpgrade() {
      return policy() === 'bidirectional' || policy() === 'upgrade'
    },
    get mayDowngrade() {
      return policy() === 'bidirectional' || policy() === 'downgrade'
    },
  }
}

/** Read at each use, so that altered settings take effect at once. */
function groupSettings(config: BrokerConfig) {
  return {
    get initialRebalanceDelayMs() {
      return config.number('group.initial.rebalance.delay.ms')
    },
    get minSessionTimeoutMs() {
      return config.number('group.min.session.timeout.ms')
    },
    get maxSessionTimeoutMs() {
      return config.number('group.max.session.timeout.ms')
    },
    get maxSize() {
      return config.number('group.max.size')
    },
    get groupsMax() {
      return config.number('keyfold.groups.max')
    },
    get offsetsRetentionMs() {
      return config.number('offsets.retention.minutes') * 60_000
    },
  }
}

async function named<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof StorageError ? fromStorage(error) : error
  }
}

/** Storage's errors under the broker's names: same text, same advice. */
function fromStorage(error: StorageError): BrokerError {
  const { code, message, fix } = error
  const isOwn = code !== 'WRITE_FAILED' && code !== 'CLOSED' && code !== 'PARTITION_DAMAGED'
  return new BrokerError(isOwn ? code : 'STORAGE_FAILED', message, { cause: error, fix })
}
