import type { KafkaGroups } from './kafka-groups.ts'

/**
 * The port through which the framework talks Kafka. Whatever client stands behind it, what holds is written here:
 * one transaction at a time per producer, outcomes with three values, progress by fetch position.
 */
export interface KafkaClient {
  /** Who answers: the cluster's id, its nodes, the controller. Errors: `KAFKA_UNREACHABLE`, `KAFKA_INCOMPATIBLE`. */
  cluster(): Promise<ClusterDescription>
  /**
   * What the nodes that answer can do; one that this client cannot use says why. Left out by a client that cannot tell.
   * Errors: `KAFKA_UNREACHABLE`.
   */
  capabilities?(): Promise<readonly NodeCapabilities[]>
  /** Creates the topics that do not exist yet; resolves when all of them have leaders. Says which were created. */
  ensureTopics(topics: readonly TopicSpecification[]): Promise<readonly string[]>
  /** Partition counts and the settings that were asked for. A topic that does not exist is left out. */
  describeTopics(names: readonly string[], configKeys?: readonly string[]): Promise<readonly TopicDescription[]>
  /** The offset after the last record that the isolation shows, for every partition of the topic, by partition. */
  endOffsets(topic: string, isolation: Isolation): Promise<readonly Offset[]>
  /** The first offset still stored, by partition. */
  startOffsets(topic: string): Promise<readonly Offset[]>
  /**
   * Runs InitProducerId for the transactional id: when this resolves every earlier producer of that id is fenced and
   * each of its transactions is decided.
   */
  openTransactionalProducer(options: TransactionalProducerOptions): Promise<TransactionalProducer>
  /** Reads one partition from an exact offset, without a consumer group. */
  openPartitionReader(options: PartitionReaderOptions): PartitionReader
  /** Membership in groups; left out by a client that cannot have it: then one process owns all partitions. */
  readonly groups?: KafkaGroups
  /** Closes every connection, reader, producer and membership that was opened through this client. */
  close(): Promise<void>
}

declare const offsetBrand: unique symbol
/** A record's place in its partition, counted from 0. */
export type Offset = number & { readonly [offsetBrand]?: 'Offset' }

/** `committed` shows records of committed transactions only and ends at the last stable offset (KIP-98). */
export type Isolation = 'committed' | 'uncommitted'

export interface ClusterDescription {
  readonly clusterId: string
  readonly controllerId: number
  readonly nodes: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]
}

export interface NodeCapabilities {
  readonly nodeId: number
  readonly address: string
  /** The newest version of each API, by Kafka's number of it. */
  readonly apis: ReadonlyMap<number, number>
  /** By their names, such as `transaction.version`. */
  readonly features: ReadonlyMap<string, FeatureLevels>
  /** Why this client cannot use the node; then nothing else is known of it. */
  readonly incompatible?: string
}

/** Of a feature (KIP-584): the highest level that the node knows, and the one in force in the cluster; 0 for none. */
export interface FeatureLevels {
  readonly supported: number
  readonly finalized: number
}

export interface TopicSpecification {
  readonly name: string
  readonly partitions: number
  /** Left out: the cluster's default. */
  readonly replicationFactor?: number
  /** Kafka's own keys, such as `retention.ms`. */
  readonly configs?: Readonly<Record<string, string>>
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  /** The smallest of its partitions; left out by a client that has no replicas to speak of. */
  readonly replicationFactor?: number
  readonly configs: Readonly<Record<string, string>>
}

export interface RecordToWrite {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string | Buffer>>
  /** Milliseconds since 1970. Left out: the client's clock. */
  readonly timestampMs?: number
}

/** The records of one partition; they are stored in this order and next to each other. */
export interface PartitionWrite extends PartitionPlace {
  readonly records: readonly RecordToWrite[]
  /**
   * The offset that the first record has to get. When it gets another one, nothing of the transaction becomes visible:
   * the outcome is `aborted`, with the error `OFFSET_UNEXPECTED`.
   */
  readonly expectedOffset?: Offset
}

export interface TransactionalProducerOptions {
  readonly transactionalId: string
  /** After this many milliseconds without a decision the cluster aborts the transaction by itself. Cut down to tens. */
  readonly transactionTimeoutMs: number
  /**
   * Where its transactions write. Opening then looks in them for what a killed node forgot: records of the transaction
   * before, without an end although it was decided. They are ended as it was decided. Errors: `TRANSACTION_UNDECIDED`.
   */
  readonly partitions?: readonly PartitionPlace[]
}

export interface PartitionPlace {
  readonly topic: string
  readonly partition: number
}

/** The newest producer of one transactional id. Use it for one `commit` at a time. */
export interface TransactionalProducer {
  readonly transactionalId: string
  /** As the id was opened; a cluster of `transaction.version` 2 moves both on with every transaction. */
  readonly producerId: number
  readonly producerEpoch: number
  /** Writes all records in one transaction. Never throws for an operating error: the outcome says what is known. */
  commit(writes: readonly PartitionWrite[]): Promise<CommitOutcome>
  close(): Promise<void>
}

/**
 * - `committed`: durable and visible; `baseOffsets` has the offset of the first record of every write, in their order.
 * - `aborted`: nothing of it will ever be visible; the producer can go on.
 * - `fenced`: a newer producer of this transactional id exists; nothing of it is visible; this producer is finished.
 * - `unknown`: it may be visible or not; this producer is finished. Open a new one, which settles it, and read.
 */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly baseOffsets: readonly Offset[] }
  | { readonly kind: 'aborted' | 'fenced' | 'unknown'; readonly error: Error }

export interface PartitionReaderOptions {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: Offset
  readonly isolation: Isolation
  /** Upper bound of one fetch, in bytes. Default 1 MiB. */
  readonly maxBytes?: number
}

export interface PartitionReader {
  /**
   * The next records, in order. Waits up to `maxWaitMs` for some to arrive, then answers with none; also answers with
   * none, but a higher position, when only transaction markers or aborted records were passed.
   * Retries connections and leader changes by itself. Errors: `OFFSET_OUT_OF_RANGE` (history is missing: fatal, never
   * skipped), `UNKNOWN_TOPIC_OR_PARTITION`, `KAFKA_CLIENT_CLOSED`.
   */
  next(options?: { readonly maxWaitMs?: number }): Promise<ReadBatch>
  close(): Promise<void>
}

export interface ReadBatch {
  readonly records: readonly StoredRecord[]
  /** Where the next fetch starts: everything below it has been seen or passed. Progress is this, not the last record. */
  readonly position: Offset
  /**
   * End of what can be read in this isolation when the batch was fetched: `position >= endOffset` is "caught up".
   * Undefined when nobody has answered in time, so that nothing is known of the end.
   */
  readonly endOffset: Offset | undefined
}

export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}
