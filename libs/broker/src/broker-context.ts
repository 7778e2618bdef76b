import type { Storage } from '@keyfold/storage'
import type { BrokerNode, Cluster } from './cluster.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { ConsumerGroupCoordinator } from './consumer-groups/consumer-group-coordinator.ts'
import type { GroupSettingsStore } from './consumer-groups/group-settings.ts'
import type { FetchSessions } from './fetch-sessions/fetch-sessions.ts'
import type { ClientQuotas } from './quotas/client-quotas.ts'
import type { ScramCredentials } from './users/scram-credentials.ts'
import type { GroupCoordinator } from './group-coordinator/group-coordinator.ts'
import type { OffsetStore } from './group-coordinator/offsets.ts'
import type { BrokerLog } from './log.ts'
import type { BrokerMetrics } from './observability/broker-metrics.ts'
import type { PartitionRegistry } from './partition/partition-registry.ts'
import type { Scheduler } from './scheduler.ts'
import type { TopicCatalog } from './topics/topic-catalog.ts'
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** Everything a handler may use: the parts of one broker. */
export interface BrokerContext {
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
  /** All nodes that this process answers as. */
  readonly cluster: Cluster
  /** The one of them that the request came to. */
  readonly node: BrokerNode
  readonly log: BrokerLog
  readonly metrics: BrokerMetrics
}

export interface Clock {
  /** Milliseconds since 1970 as the machine has it now; may jump. For timestamps. */
  wall(): number
  /** Milliseconds since 1970 that never jump: the wall clock at start plus the time since. For timeouts. */
  steady(): number
}
