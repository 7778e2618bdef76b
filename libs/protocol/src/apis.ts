import type { AnyApi } from './api.ts'
import { Produce } from './apis/00-produce.ts'
import { Fetch } from './apis/01-fetch.ts'
import { ListOffsets } from './apis/02-list-offsets.ts'
import { Metadata } from './apis/03-metadata.ts'
import { OffsetCommit } from './apis/08-offset-commit.ts'
import { OffsetFetch } from './apis/09-offset-fetch.ts'
import { FindCoordinator } from './apis/10-find-coordinator.ts'
import { JoinGroup } from './apis/11-join-group.ts'
import { Heartbeat } from './apis/12-heartbeat.ts'
import { LeaveGroup } from './apis/13-leave-group.ts'
import { SyncGroup } from './apis/14-sync-group.ts'
import { DescribeGroups } from './apis/15-describe-groups.ts'
import { ListGroups } from './apis/16-list-groups.ts'
import { SaslHandshake } from './apis/17-sasl-handshake.ts'
import { ApiVersions } from './apis/18-api-versions.ts'
import { CreateTopics } from './apis/19-create-topics.ts'
import { DeleteTopics } from './apis/20-delete-topics.ts'
import { DeleteRecords } from './apis/21-delete-records.ts'
import { InitProducerId } from './apis/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from './apis/23-offset-for-leader-epoch.ts'
import { AddPartitionsToTxn } from './apis/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from './apis/25-add-offsets-to-txn.ts'
import { EndTxn } from './apis/26-end-txn.ts'
import { WriteTxnMarkers } from './apis/27-write-txn-markers.ts'
import { TxnOffsetCommit } from './apis/28-txn-offset-commit.ts'
import { DescribeAcls } from './apis/29-describe-acls.ts'
import { CreateAcls } from './apis/30-create-acls.ts'
import { DeleteAcls } from './apis/31-delete-acls.ts'
import { DescribeConfigs } from './apis/32-describe-configs.ts'
import { AlterConfigs } from './apis/33-alter-configs.ts'
import { AlterReplicaLogDirs } from './apis/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from './apis/35-describe-log-dirs.ts'
import { SaslAuthenticate } from './apis/36-sasl-authenticate.ts'
import { CreatePartitions } from './apis/37-create-partitions.ts'
import { DeleteGroups } from './apis/42-delete-groups.ts'
import { ElectLeaders } from './apis/43-elect-leaders.ts'
import { IncrementalAlterConfigs } from './apis/44-incremental-alter-configs.ts'
import { AlterPartitionReassignments } from './apis/45-alter-partition-reassignments.ts'
import { ListPartitionReassignments } from './apis/46-list-partition-reassignments.ts'
import { OffsetDelete } from './apis/47-offset-delete.ts'
import { DescribeClientQuotas } from './apis/48-describe-client-quotas.ts'
import { AlterClientQuotas } from './apis/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from './apis/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from './apis/51-alter-user-scram-credentials.ts'
import { DescribeQuorum } from './apis/55-describe-quorum.ts'
import { UpdateFeatures } from './apis/57-update-features.ts'
import { DescribeCluster } from './apis/60-describe-cluster.ts'
import { DescribeProducers } from './apis/61-describe-producers.ts'
import { DescribeTransactions } from './apis/65-describe-transactions.ts'
import { ListTransactions } from './apis/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from './apis/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from './apis/69-consumer-group-describe.ts'
import { ListConfigResources } from './apis/74-list-config-resources.ts'
import { DescribeTopicPartitions } from './apis/75-describe-topic-partitions.ts'

/** Every API that this package can encode and decode, by key. */
export const apis: readonly AnyApi[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  AddPartitionsToTxn,
  AddOffsetsToTxn,
  EndTxn,
  WriteTxnMarkers,
  TxnOffsetCommit,
  DescribeAcls,
  CreateAcls,
  DeleteAcls,
  DescribeConfigs,
  AlterConfigs,
  AlterReplicaLogDirs,
  DescribeLogDirs,
  SaslAuthenticate,
  CreatePartitions,
  DeleteGroups,
  ElectLeaders,
  IncrementalAlterConfigs,
  AlterPartitionReassignments,
  ListPartitionReassignments,
  OffsetDelete,
  DescribeClientQuotas,
  AlterClientQuotas,
  DescribeUserScramCredentials,
  AlterUserScramCredentials,
  DescribeQuorum,
  UpdateFeatures,
  DescribeCluster,
  DescribeProducers,
  DescribeTransactions,
  ListTransactions,
  ConsumerGroupHeartbeat,
  ConsumerGroupDescribe,
  ListConfigResources,
  DescribeTopicPartitions,
]

const byKey = new Map(apis.map((api) => [api.key, api]))

/** The API with this key; undefined when there is no table for it. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey.get(key)
}
