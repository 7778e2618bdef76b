import type { ClusterDescription, Isolation, Offset, PartitionWrite } from './kafka-client.ts'

/**
 * The port for tools: what they ask of a cluster and change in it. The framework needs none of this.
 * All calls may fail with `KAFKA_UNREACHABLE`, `KAFKA_TIMEOUT`, `BROKER_BUSY`, `BROKER_REFUSED` (its details name the
 * broker's error) and, on an old broker, `KAFKA_INCOMPATIBLE`.
 */
export interface KafkaAdmin {
  cluster(): Promise<ClusterDescription>
  listTopics(): Promise<readonly TopicListing[]>
  /** Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  describeTopic(topic: string): Promise<TopicDetails>
  /** Errors: `TOPIC_REFUSED`; `BROKER_REFUSED` with TOPIC_ALREADY_EXISTS. */
  createTopic(topic: NewTopic): Promise<void>
  /** Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  deleteTopic(topic: string): Promise<void>
  /** A topic can only grow. Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `TOPIC_REFUSED`. */
  setPartitionCount(topic: string, partitions: number): Promise<void>
  /** Every setting of a topic, with where its value comes from. Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  topicConfigs(topic: string): Promise<readonly ConfigEntry[]>
  /** Sets values, or goes back to the default with null (KIP-339). Errors: `TOPIC_REFUSED`. */
  alterTopicConfigs(topic: string, changes: ConfigChanges): Promise<void>
  /**
   * Deletes the records below an offset, by partition; says where each partition begins now.
   * Errors: `OFFSET_OUT_OF_RANGE`, `TOPIC_REFUSED` where the topic must not be trimmed.
   */
  deleteRecords(topic: string, below: ReadonlyMap<number, Offset>): Promise<ReadonlyMap<number, Offset>>
  /**
   * By partition: the first offset, the one after the last, or of the first record at or after a time (milliseconds
   * since 1970), which is the end where no record is that young. Errors: `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  offsets(topic: string, at: OffsetQuery, isolation?: Isolation): Promise<readonly Offset[]>
  /** Appends records outside of any transaction; every replica has them when this resolves. Not repeated in doubt. */
  append(write: PartitionWrite): Promise<Offset>
  listGroups(): Promise<readonly GroupListing[]>
  /** Of either generation of the protocol. Errors: `GROUP_NOT_FOUND`. */
  describeGroup(groupId: string): Promise<GroupDescription>
  /** Where a group stands, as far as it has said so. A group that does not exist stands nowhere. */
  groupOffsets(groupId: string): Promise<readonly GroupOffset[]>
  /** Sets where a group without members stands. Errors: `GROUP_ACTIVE` when it has some. */
  setGroupOffsets(groupId: string, offsets: readonly GroupOffset[]): Promise<void>
  /** Errors: `GROUP_NOT_FOUND`, `GROUP_ACTIVE`. */
  deleteGroup(groupId: string): Promise<void>
  close(): Promise<void>
}

export type OffsetQuery = 'earliest' | 'latest' | { readonly timestampMs: number }

export interface TopicListing {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Kafka keeps its own state in it. */
  readonly isInternal: boolean
}

export interface TopicDetails extends TopicListing {
  /** 22 characters; undefined where the broker is older than topic ids. */
  readonly topicId: string | undefined
  readonly layout: readonly PartitionLayout[]
}

export interface PartitionLayout {
  readonly partition: number
  /** -1: there is none at the moment. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

export interface NewTopic {
  readonly name: string
  /** Left out: the cluster's default, as for `replicationFactor`. */
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
  /** Only says whether it could be made. */
  readonly validateOnly?: boolean
}

export type ConfigSource = 'topic' | 'broker' | 'cluster' | 'static' | 'default' | 'other'

export interface ConfigEntry {
  readonly name: string
  /** Null when it is a secret. */
  readonly value: string | null
  readonly source: ConfigSource
  readonly isReadOnly: boolean
}

export interface ConfigChanges {
  readonly changes: Readonly<Record<string, string | null>>
  readonly validateOnly?: boolean
}

export interface GroupListing {
  readonly groupId: string
  /** `classic`, `consumer` (KIP-848), or what else the broker calls it; undefined where it does not say. */
  readonly type: string | undefined
  /** `consumer` for groups of consumers, other words for other kinds, empty for offsets without members. */
  readonly protocolType: string
  /** Undefined where the broker does not list states. */
  readonly state: string | undefined
}

export interface GroupDescription {
  readonly groupId: string
  readonly type: string
  readonly state: string
  /** How partitions are given out; empty while nobody does. */
  readonly assignor: string
  /** The node that keeps the group. */
  readonly coordinator: number
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly memberId: string
  /** The name of a static member (KIP-345). */
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assignment: readonly { readonly topic: string; readonly partition: number }[]
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  readonly metadata?: string
}
