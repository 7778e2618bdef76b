export {
  type AnyApi,
  type Api,
  defineApi,
  isFlexible,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
  supportsVersion,
} from './api.ts'
export { apiByKey, apis } from './apis.ts'
export type { GenerationId, LeaderEpoch, Offset, ProducerEpoch, ProducerId } from './brands.ts'
export {
  type ApiCodec,
  type CodecMode,
  codecOf,
  decodeRequest,
  decodeResponse,
  defaultMode as defaultCodecMode,
  encodeRequest,
  encodeResponse,
} from './codec.ts'
export {
  compressionCodecs,
  compressionName,
  type CompressionName,
  type Compressor,
  type Compressors,
  UnsupportedCompression,
} from './compression.ts'
export { lz4FrameLength } from './compression/lz4-frame.ts'
export { type RawSnappy, snappyCompressor } from './compression/snappy-framing.ts'
export {
  buildControlBatch,
  type ControlBatchInput,
  readTransactionMarker,
  type TransactionMarker,
  type TransactionOutcome,
} from './control-record.ts'
export {
  array,
  boolean,
  bytes,
  type DecodedTable,
  type EncodableTable,
  type Field,
  type FieldOptions,
  float64,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  type Table,
  uint16,
  uuid,
} from './fields.ts'
export { decodeApiVersionsResponse, requestFrame, responseFrame, unsupportedApiVersionsFrame } from './frame.ts'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  type RequestHeader,
  requestHeaderVersion,
  type RequestHeaderVersion,
  responseHeaderVersion,
  type ResponseHeaderVersion,
} from './header.ts'
export { KafkaError, kafkaErrorByCode, type KafkaErrorName } from './kafka-error.ts'
export { buildRecordBatch, type RecordBatchInput, type RecordHeader, type RecordInput } from './record-batch-builder.ts'
export { assignOffsets, hasValidCrc, setCreateTime, setLogAppendTime } from './record-batch-edit.ts'
export {
  batchAttributes,
  batchHeaders,
  headerLayout as recordBatchLayout,
  type PlacedBatchHeader,
  readBatchHeader,
  type RecordBatchHeader,
  recordBatchHeaderBytes,
  recordBatchOverheadBytes,
} from './record-batch-header.ts'
export { batchPayload, type KafkaRecord, readRecords, type ReadRecordsOptions } from './record-reader.ts'
export { UnsupportedVersion, type VersionRange } from './versions.ts'
export { arrayItemsMax, skipTaggedFields, taggedFieldsMax } from './wire-values.ts'
export { Produce } from './apis/00-produce.ts'
export { Fetch } from './apis/01-fetch.ts'
export { ListOffsets } from './apis/02-list-offsets.ts'
export { Metadata } from './apis/03-metadata.ts'
export { OffsetCommit } from './apis/08-offset-commit.ts'
export { OffsetFetch } from './apis/09-offset-fetch.ts'
export { FindCoordinator } from './apis/10-find-coordinator.ts'
export { JoinGroup } from './apis/11-join-group.ts'
export { Heartbeat } from './apis/12-heartbeat.ts'
export { LeaveGroup } from './apis/13-leave-group.ts'
export { SyncGroup } from './apis/14-sync-group.ts'
export { DescribeGroups } from './apis/15-describe-groups.ts'
export { ListGroups } from './apis/16-list-groups.ts'
export { SaslHandshake } from './apis/17-sasl-handshake.ts'
export { ApiVersions } from './apis/18-api-versions.ts'
export { CreateTopics } from './apis/19-create-topics.ts'
export { DeleteTopics } from './apis/20-delete-topics.ts'
export { DeleteRecords } from './apis/21-delete-records.ts'
export { InitProducerId } from './apis/22-init-producer-id.ts'
export { OffsetForLeaderEpoch } from './apis/23-offset-for-leader-epoch.ts'
export { AddPartitionsToTxn } from './apis/24-add-partitions-to-txn.ts'
export { AddOffsetsToTxn } from './apis/25-add-offsets-to-txn.ts'
export { EndTxn } from './apis/26-end-txn.ts'
export { WriteTxnMarkers } from './apis/27-write-txn-markers.ts'
export { TxnOffsetCommit } from './apis/28-txn-offset-commit.ts'
export { DescribeAcls } from './apis/29-describe-acls.ts'
export { CreateAcls } from './apis/30-create-acls.ts'
export { DeleteAcls } from './apis/31-delete-acls.ts'
export { DescribeConfigs } from './apis/32-describe-configs.ts'
export { AlterConfigs } from './apis/33-alter-configs.ts'
export { AlterReplicaLogDirs } from './apis/34-alter-replica-log-dirs.ts'
export { DescribeLogDirs } from './apis/35-describe-log-dirs.ts'
export { SaslAuthenticate } from './apis/36-sasl-authenticate.ts'
export { CreatePartitions } from './apis/37-create-partitions.ts'
export { DeleteGroups } from './apis/42-delete-groups.ts'
export { ElectLeaders } from './apis/43-elect-leaders.ts'
export { IncrementalAlterConfigs } from './apis/44-incremental-alter-configs.ts'
export { AlterPartitionReassignments } from './apis/45-alter-partition-reassignments.ts'
export { ListPartitionReassignments } from './apis/46-list-partition-reassignments.ts'
export { OffsetDelete } from './apis/47-offset-delete.ts'
export { DescribeClientQuotas } from './apis/48-describe-client-quotas.ts'
export { AlterClientQuotas } from './apis/49-alter-client-quotas.ts'
export { DescribeUserScramCredentials } from './apis/50-describe-user-scram-credentials.ts'
export { AlterUserScramCredentials } from './apis/51-alter-user-scram-credentials.ts'
export { DescribeQuorum } from './apis/55-describe-quorum.ts'
export { UpdateFeatures } from './apis/57-update-features.ts'
export { DescribeCluster } from './apis/60-describe-cluster.ts'
export { DescribeProducers } from './apis/61-describe-producers.ts'
export { DescribeTransactions } from './apis/65-describe-transactions.ts'
export { ListTransactions } from './apis/66-list-transactions.ts'
export { ConsumerGroupHeartbeat } from './apis/68-consumer-group-heartbeat.ts'
export { ConsumerGroupDescribe } from './apis/69-consumer-group-describe.ts'
export { ListConfigResources } from './apis/74-list-config-resources.ts'
export { DescribeTopicPartitions } from './apis/75-describe-topic-partitions.ts'
