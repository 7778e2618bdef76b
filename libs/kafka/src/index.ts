export { type KafkaClientOptions, type KafkaLog, type KafkaLogLevel } from './client-options.ts'
export { connectKafka } from './connect-kafka.ts'
export { connectKafkaAdmin } from './connect-kafka-admin.ts'
export type {
  ConfigChanges,
  ConfigEntry,
  ConfigSource,
  GroupDescription,
  GroupListing,
  GroupMember,
  GroupOffset,
  KafkaAdmin,
  NewTopic,
  OffsetQuery,
  PartitionLayout,
  TopicDetails,
  TopicListing,
} from './kafka-admin.ts'
export { headerText } from './fetched-record.ts'
export { KafkaClientError, type KafkaErrorCode, type KafkaErrorParticulars, type KafkaErrorRow } from './errors.ts'
export type {
  ClusterDescription,
  CommitOutcome,
  FeatureLevels,
  Isolation,
  KafkaClient,
  NodeCapabilities,
  Offset,
  PartitionPlace,
  PartitionReader,
  PartitionReaderOptions,
  PartitionWrite,
  ReadBatch,
  RecordToWrite,
  StoredRecord,
  TopicDescription,
  TopicSpecification,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './kafka-client.ts'
export type {
  GroupAssigner,
  GroupAssignment,
  GroupMembership,
  GroupMembershipOptions,
  JoinedMember,
  KafkaGroups,
  MemberShare,
  SeenMember,
} from './kafka-groups.ts'
export { partitionForKey } from '@keyfold/bytes'
