import { capabilitiesOf } from './capabilities.ts'
import { type ClientSettings, clientSettings, type KafkaClientOptions } from './client-options.ts'
import { Cluster } from './cluster.ts'
import { groupMembers } from './groups/group-members.ts'
import { ClassicGroupMembership } from './groups/group-membership.ts'
import type {
  ClusterDescription,
  Isolation,
  KafkaClient,
  NodeCapabilities,
  Offset,
  PartitionReader,
  PartitionReaderOptions,
  TopicDescription,
  TopicSpecification,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './kafka-client.ts'
import type { KafkaGroups } from './kafka-groups.ts'
import { EARLIEST, LATEST, listOffsets } from './offsets.ts'
import { FetchingPartitionReader } from './partition-reader.ts'
import { openTransactionalProducer } from './open-transactional-producer.ts'
import { describeTopics, ensureTopics } from './topics.ts'

/** Producers share this many connections per node, so that one that waits for a disk does not hold up all others. */
const producerLanes = 8

/**
 * Connects to a Kafka cluster: Apache Kafka 2.3 or newer, or the bundled broker.
 * Errors: `KAFKA_UNREACHABLE` (names the brokers), `KAFKA_INCOMPATIBLE`, `AUTHENTICATION_FAILED`.
 */
export async function connectKafka(options: KafkaClientOptions): Promise<KafkaClient> {
  const client = new KafkajsClient(clientSettings(options))
  await client.connect()
  return client
}

/** The port on kafkajs's connections and encoders. */
class KafkajsClient implements KafkaClient {
  readonly groups: KafkaGroups
  readonly #cluster: Cluster
  #readers = 0
  #producers = 0
  #memberships = 0

  constructor(settings: ClientSettings) {
    this.#cluster = new Cluster(settings)
    this.groups = {
      join: (options) => new ClassicGroupMembership(this.#cluster, options, `group-${this.#memberships++}`),
      members: (groupId) => groupMembers(this.#cluster, groupId),
    }
  }

  async connect(): Promise<void> {
    try {
      await this.#cluster.connect()
    } catch (error) {
      await this.#cluster.close()
      throw error
    }
  }

  cluster(): Promise<ClusterDescription> {
    return this.#cluster.describe()
  }

  capabilities(): Promise<readonly NodeCapabilities[]> {
    return capabilitiesOf(this.#cluster)
  }

  ensureTopics(topics: readonly TopicSpecification[]): Promise<readonly string[]> {
    return ensureTopics(this.#cluster, topics)
  }

  describeTopics(names: readonly string[], configKeys: readonly string[] = []): Promise<readonly TopicDescription[]> {
    return describeTopics(this.#cluster, names, configKeys)
  }

  endOffsets(topic: string, isolation: Isolation): Promise<readonly Offset[]> {
    return listOffsets(this.#cluster, topic, LATEST, isolation)
  }

  startOffsets(topic: string): Promise<readonly Offset[]> {
    return listOffsets(this.#cluster, topic, EARLIEST, 'uncommitted')
  }

  openTransactionalProducer(options: TransactionalProducerOptions): Promise<TransactionalProducer> {
    const lane = `producer-${this.#producers++ % producerLanes}`
    return openTransactionalProducer(this.#cluster, options, lane)
  }

  openPartitionReader(options: PartitionReaderOptions): PartitionReader {
    return new FetchingPartitionReader(this.#cluster, options, `reader-${this.#readers++}`)
  }

  close(): Promise<void> {
    return this.#cluster.close()
  }
}
