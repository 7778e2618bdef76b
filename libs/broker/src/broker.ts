import { generateUuid } from '@keyfold/bytes'
import type { Compressors } from '@keyfold/protocol'
import { type Durability, type Files, openStorage, type Storage, StorageError } from '@keyfold/storage'
import type { BrokerContext, Clock } from './broker-context.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { BrokerError } from './errors.ts'
import { GroupCoordinator } from './group-coordinator/group-coordinator.ts'
import { GroupRegister } from './group-coordinator/group-register.ts'
import { OffsetStore } from './group-coordinator/offsets.ts'
import type { BrokerLog } from './log.ts'
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
  readonly randomBytes: (count: number) => Uint8Array
  /** The disk failed: nothing is acknowledged any more and the broker has to end. Called once. */
  readonly onFatal: (error: BrokerError) => void
}

/** All parts of one broker, recovered from its files and ready to serve; the sockets are the rim's. */
export class Broker implements BrokerContext {
  readonly config: BrokerConfig
  readonly catalog: TopicCatalog
  readonly partitions: PartitionRegistry
  readonly groups: GroupCoordinator
  readonly offsets: OffsetStore
  readonly transactions: TransactionCoordinator
  readonly storage: Storage
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly node: BrokerContext['node']
  readonly log: BrokerLog
  readonly #register: GroupRegister
  #isClosed = false

  /** Opens the data directory and recovers. Throws `BrokerError` for what an operator can mend. */
  static async open(world: BrokerWorld): Promise<Broker> {
    const options = { files: world.files, durability: durabilityOf(world.config), log: world.log }
    const storage = await named(openStorage({ ...options, onFatal: (error) => world.onFatal(fromStorage(error)) }))
    try {
      const broker = new Broker(world, storage)
      await named(broker.#recover())
      return broker
    } catch (error) {
      await storage.close()
      throw error
    }
  }

  private constructor(world: BrokerWorld, storage: Storage) {
    const { config, scheduler, clock, log } = world
    const newUuid = () => generateUuid(world.randomBytes)
    this.config = config
    this.scheduler = scheduler
    this.clock = clock
    this.log = log
    this.storage = storage
    this.node = { nodeId: config.number('node.id'), ...world.advertised }
    this.partitions = new PartitionRegistry({ storage, decompress: world.compressors })
    this.catalog = new TopicCatalog({ storage, partitions: this.partitions, config, newUuid })
    this.offsets = new OffsetStore(storage)
    this.#register = new GroupRegister(storage)
    this.transactions = new TransactionCoordinator({
      storage,
      partitions: this.partitions,
      offsets: this.offsets,
      settings: {
        timeoutMaxMs: config.number('transaction.max.timeout.ms'),
        idExpirationMs: config.number('transactional.id.expiration.ms'),
      },
    })
    this.groups = new GroupCoordinator({
      scheduler,
      storage,
      register: this.#register,
      offsets: this.offsets,
      newUuid,
      settings: groupSettings(config),
      hasPendingOffsets: (groupId) => this.transactions.hasPendingOffsets(groupId),
      wallClock: () => clock.wall(),
    })
  }

  /** Clean end: everything durable, a checkpoint, the data directory released. Throws `BrokerError` STORAGE_FAILED. */
  async close(): Promise<void> {
    this.#isClosed = true
    await named(this.storage.close())
  }

  async #recover(): Promise<void> {
    const { storage, partitions, catalog, offsets, transactions, clock } = this
    await storage.recover({
      observer: partitions,
      states: [partitions, catalog, offsets, this.#register, transactions],
    })
    catalog.configurePartitions()
    transactions.abortUnfinished(clock.steady())
    this.groups.load()
    await storage.durable(catalog.identify())
    const sweepMs = this.config.number('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    this.#every(sweepMs, () => transactions.tick(clock.steady()))
    this.#every(this.config.number('offsets.retention.check.interval.ms'), () => this.groups.expireOffsets())
    this.#every(this.config.number('log.retention.check.interval.ms'), () => this.#applyRetention())
  }

  #applyRetention(): void {
    const nowMs = this.clock.wall()
    for (const partition of this.partitions.all()) {
      partition.applyRetention(nowMs)
      partition.expireProducers(nowMs, this.config.number('producer.id.expiration.ms'))
    }
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
