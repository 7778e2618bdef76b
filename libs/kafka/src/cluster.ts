import Encoder from 'kafkajs/src/protocol/encoder.js'
import { BackOff, delay } from './back-off.ts'
import { brokerError, brokerErrorName, isTransient } from './broker-error.ts'
import { type Address, type ClientSettings, parseAddress } from './client-options.ts'
import { KafkaClientError } from './errors.ts'
import type { ClusterDescription } from './kafka-client.ts'
import { NodeLink } from './node-link.ts'
import { apis, type MetadataResponse } from './wire-apis.ts'

/** Partition leaders of one topic, by partition; undefined where there is none at the moment. */
export interface TopicLayout {
  readonly partitions: number
  /** The smallest of all partitions. */
  readonly replicationFactor: number
  readonly leaders: ReadonlyMap<number, number>
}

/**
 * Knows the cluster: its nodes, who leads what, and one connection per node and lane. A lane is a name for traffic that
 * must not wait behind other traffic, because a node answers one connection's requests in order.
 */
export class Cluster {
  readonly settings: ClientSettings
  readonly #seeds: readonly Address[]
  readonly #nodes = new Map<number, Address>()
  readonly #layouts = new Map<string, TopicLayout>()
  readonly #links = new Map<string, Promise<NodeLink>>()
  #clusterId = ''
  #controllerId = -1
  #closed = false

  constructor(settings: ClientSettings) {
    this.settings = settings
    this.#seeds = settings.brokers.map(parseAddress)
  }

  /** Tries the seeds in turn until one answers. Errors: `KAFKA_UNREACHABLE`, `KAFKA_INCOMPATIBLE`. */
  async connect(): Promise<void> {
    const { connectTimeoutMs } = this.settings
    const deadline = Date.now() + connectTimeoutMs
    const backOff = new BackOff(50, 500)
    const reasons = new Map<string, string>()
    while (!this.#closed) {
      for (const seed of this.#seeds) {
        const leftMs = deadline - Date.now()
        if (leftMs <= 0) throw unreachable(this.settings, connectTimeoutMs, [...reasons.values()])
        try {
          const link = await this.#link(`${seed.host}:${seed.port}/seed`, seed, leftMs)
          this.#learn(await askMetadata(link, []))
          await this.#reachAdvertised(seed)
          return this.closeLane('seed')
        } catch (error) {
          if (!(error instanceof KafkaClientError) || !error.retriable) throw error
          reasons.set(`${seed.host}:${seed.port}`, error.message)
        }
      }
      await delay(Math.min(backOff.next(), Math.max(0, deadline - Date.now())))
    }
    throw this.#closedError()
  }

  async describe(): Promise<ClusterDescription> {
    await this.refresh([])
    return {
      clusterId: this.#clusterId,
      controllerId: this.#controllerId,
      nodes: [...this.#nodes].map(([nodeId, address]) => ({ nodeId, ...address })),
    }
  }

  /** The layout of a topic, from memory when it is there. Errors: `UNKNOWN_TOPIC_OR_PARTITION`. */
  async layoutOf(topic: string): Promise<TopicLayout> {
    const known = this.#layouts.get(topic)
    if (known !== undefined) return known
    const existing = await this.refresh([topic])
    const found = this.#layouts.get(topic)
    if (found !== undefined) return found
    throw brokerError(existing.length > 0 ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION', `topic ${topic}`)
  }

  /** The node that leads a partition. Errors: `UNKNOWN_TOPIC_OR_PARTITION`, `BROKER_BUSY` while there is no leader. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const { leaders, partitions } = await this.layoutOf(topic)
    if (partition >= partitions || partition < 0)
      throw brokerError('UNKNOWN_TOPIC_OR_PARTITION', `partition ${partition} of topic ${topic}`)
    const leader = leaders.get(partition)
    if (leader !== undefined) return leader
    this.forget(topic)
    throw brokerError('LEADER_NOT_AVAILABLE', `partition ${partition} of topic ${topic}`)
  }

  /** Drops what is known of a topic, so that the next question goes to the cluster. */
  forget(topic: string): void {
    this.#layouts.delete(topic)
  }

  /** Asks the cluster for nodes and for the layout of these topics; says which of them exist. */
  async refresh(topics: readonly string[]): Promise<readonly string[]> {
    const link = await this.anyLink()
    const metadata = await askMetadata(link, topics)
    this.#learn(metadata)
    const existing: string[] = []
    for (const { topic, topicErrorCode, partitionMetadata } of metadata.topicMetadata) {
      const errorName = brokerErrorName(topicErrorCode)
      const missing = topicErrorCode !== 0 && !isTransient(errorName)
      if (missing && errorName !== 'UNKNOWN_TOPIC_OR_PARTITION') throw brokerError(errorName, `topic ${topic}`)
      this.#layouts.delete(topic)
      if (missing) continue
      existing.push(topic)
      const led = partitionMetadata.filter(({ leader }) => leader >= 0)
      const leaders = new Map(led.map(({ partitionId, leader }) => [partitionId, leader]))
      const replicationFactor = Math.min(...partitionMetadata.map(({ replicas }) => replicas.length))
      const partitions = partitionMetadata.length
      if (partitions > 0) this.#layouts.set(topic, { partitions, replicationFactor, leaders })
    }
    return existing
  }

  /** A live connection to some node, preferring one that is open. Errors: `KAFKA_UNREACHABLE`. */
  async anyLink(): Promise<NodeLink> {
    const reasons: string[] = []
    for (const nodeId of this.#nodes.keys()) {
      try {
        return await this.linkTo(nodeId)
      } catch (error) {
        if (!(error instanceof KafkaClientError) || !error.retriable) throw error
        reasons.push(error.message)
      }
    }
    for (const seed of this.#seeds) {
      try {
        return await this.#link(`${seed.host}:${seed.port}/seed`, seed, this.settings.connectTimeoutMs)
      } catch (error) {
        if (!(error instanceof KafkaClientError) || !error.retriable) throw error
        reasons.push(error.message)
      }
    }
    throw unreachable(this.settings, this.settings.connectTimeoutMs, reasons)
  }

  /** The connection to a node on a lane, opened when there is none. Errors: `KAFKA_UNREACHABLE`. */
  async linkTo(nodeId: number, lane = 'main'): Promise<NodeLink> {
    const address = this.#nodes.get(nodeId)
    if (address === undefined) throw new KafkaClientError('KAFKA_UNREACHABLE', `node ${nodeId} is not in the cluster`)
    return this.#link(`${nodeId}/${lane}`, address, this.settings.connectTimeoutMs)
  }

  async refreshUnlessKnown(nodeId: number): Promise<void> {
    if (!this.#nodes.has(nodeId)) await this.refresh([])
  }

  async linkToController(): Promise<NodeLink> {
    return this.#nodes.has(this.#controllerId) ? this.linkTo(this.#controllerId) : this.anyLink()
  }

  /** Closes the connections of a lane. */
  closeLane(lane: string): void {
    for (const [key, opening] of this.#links) {
      if (!key.endsWith(`/${lane}`)) continue
      this.#links.delete(key)
      opening.then(
        (link) => link.close(),
        () => undefined,
      )
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  async close(): Promise<void> {
    this.#closed = true
    const links = [...this.#links.values()]
    this.#links.clear()
    const settled = await Promise.allSettled(links)
    for (const each of settled) if (each.status === 'fulfilled') each.value.close(this.#closedError())
  }

  async #link(key: string, address: Address, timeoutMs: number): Promise<NodeLink> {
    if (this.#closed) throw this.#closedError()
    const open = this.#links.get(key)
    if (open !== undefined) {
      const link = await open
      if (link.alive && sameAddress(link.address, address)) return link
      // What is in flight there fails for now, not because this client was closed.
      link.close(
        new KafkaClientError('KAFKA_UNREACHABLE', `the connection to ${address.host}:${address.port} was lost`),
      )
      if (this.#links.get(key) === open) this.#links.delete(key)
      return this.#link(key, address, timeoutMs)
    }
    const opening = NodeLink.open(address, this.settings, timeoutMs)
    this.#links.set(key, opening)
    try {
      const link = await opening
      if (!this.#closed) return link
      link.close(this.#closedError())
      throw this.#closedError()
    } catch (error) {
      if (this.#links.get(key) === opening) this.#links.delete(key)
      throw error
    }
  }

  /** A broker that answers may still advertise an address that leads nowhere from here. */
  async #reachAdvertised(seed: Address): Promise<void> {
    const reasons: string[] = []
    for (const nodeId of this.#nodes.keys()) {
      try {
        await this.linkTo(nodeId)
        return
      } catch (error) {
        if (!(error instanceof KafkaClientError) || !error.retriable) throw error
        reasons.push(error.message)
      }
    }
    const advertised = [...this.#nodes.values()].map(({ host, port }) => `${host}:${port}`).join(', ')
    throw new KafkaClientError(
      'KAFKA_UNREACHABLE',
      `${seed.host}:${seed.port} answers but advertises ${advertised || 'no nodes'}: ${reasons.join('; ')}`,
    )
  }

  #learn(metadata: MetadataResponse): void {
    this.#clusterId = metadata.clusterId ?? ''
    this.#controllerId = metadata.controllerId
    this.#nodes.clear()
    for (const { nodeId, host, port } of metadata.brokers) this.#nodes.set(nodeId, { host, port })
  }

  #closedError(): KafkaClientError {
    return new KafkaClientError('KAFKA_CLIENT_CLOSED', 'the Kafka client is closed')
  }
}

/** kafkajs would turn an empty list of topics into "all of them". */
function askMetadata(link: NodeLink, topics: readonly string[]): Promise<MetadataResponse> {
  const encode = async (): Promise<Encoder> => {
    const encoder = new Encoder().writeInt32(topics.length)
    for (const topic of topics) encoder.writeString(topic)
    return encoder.writeBoolean(false)
  }
  return link.call(apis.metadata, { topics, allowAutoTopicCreation: false }, { encode })
}

function sameAddress(left: Address, right: Address): boolean {
  return left.host === right.host && left.port === right.port
}

function unreachable(settings: ClientSettings, withinMs: number, reasons: readonly string[]): KafkaClientError {
  const { brokers } = settings
  const because = reasons.length === 0 ? '' : ` (${[...new Set(reasons)].join('; ')})`
  return new KafkaClientError(
    'KAFKA_UNREACHABLE',
    `no broker answered at ${brokers.join(', ')} within ${withinMs} ms${because}`,
    { details: { brokers } },
  )
}
