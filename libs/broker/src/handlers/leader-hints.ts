import { KafkaError } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'

/** Who leads a partition, as Produce and Fetch tell it. */
export interface CurrentLeader {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** The errors after which a client wants to know the leader. */
const staleLeader: ReadonlySet<number> = new Set([
  KafkaError.NOT_LEADER_OR_FOLLOWER.code,
  KafkaError.FENCED_LEADER_EPOCH.code,
])

/**
 * What a client that asked the wrong node is told beside the error (KIP-951): the leaders of the partitions it asked
 * for, and where those nodes are, so that it need not ask for metadata first. One for each answer.
 */
export class LeaderHints {
  readonly #broker: BrokerContext
  readonly #leaderIds = new Set<number>()

  constructor(broker: BrokerContext) {
    this.#broker = broker
  }

  /** The field for one partition of the answer; nothing for other errors, and for topics that are not there. */
  of(errorCode: number, topicName: string | undefined, partition: number): { currentLeader?: CurrentLeader } {
    if (!staleLeader.has(errorCode) || topicName === undefined) return {}
    const { catalog, cluster, partitions } = this.#broker
    const topic = catalog.get(topicName)
    const log = partitions.get(topicName, partition)
    if (topic === undefined || log === undefined) return {}
    const { nodeId } = cluster.leaderOf(topic, partition)
    this.#leaderIds.add(nodeId)
    return { currentLeader: { leaderId: nodeId, leaderEpoch: log.leaderEpoch } }
  }

  /** The field that the answer ends with, once all partitions have theirs. */
  get nodeEndpoints(): { nodeId: number; host: string; port: number; rack: null }[] {
    return this.#broker.cluster.nodes
      .filter(({ nodeId }) => this.#leaderIds.has(nodeId))
      .map(({ nodeId, host, port }) => ({ nodeId, host, port, rack: null }))
  }
}
