import { murmur2 } from '@keyfold/bytes'
import type { Topic } from './topics/topic.ts'

/** A node as clients are to connect to it. */
export interface BrokerNode {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * The nodes that this process answers as (`keyfold.virtual.brokers`; usually one), and which of them has what. All of
 * them serve the same logs and coordinators: a partition has a leader and a group a coordinator only so that clients
 * meet a cluster. Where something belongs is computed from its name, so that it is the same after every restart.
 */
export class Cluster {
  /** In order of id, at least one. */
  readonly nodes: readonly BrokerNode[]
  readonly #first: BrokerNode
  readonly #byId: ReadonlyMap<number, BrokerNode>

  constructor(nodes: readonly BrokerNode[]) {
    const [first] = nodes
    if (first === undefined) throw new Error('a cluster has at least one node')
    this.nodes = nodes
    this.#first = first
    this.#byId = new Map(nodes.map((node) => [node.nodeId, node]))
  }

  /** The node that clients are told is the controller; every node does what a controller does. */
  get controllerId(): number {
    return this.#first.nodeId
  }

  get isSingle(): boolean {
    return this.nodes.length === 1
  }

  get(nodeId: number): BrokerNode | undefined {
    return this.#byId.get(nodeId)
  }

  /** Ids of the nodes that hold a partition; the first one leads. */
  replicasOf(topic: Topic, partition: number): number[] {
    if (this.isSingle) return [this.#first.nodeId]
    const assigned = topic.assignments.get(partition)?.filter((nodeId) => this.#byId.has(nodeId)) ?? []
    if (assigned.length > 0) return assigned
    const count = Math.min(topic.replicationFactor, this.nodes.length)
    const start = spread(topic.name) + partition
    return Array.from({ length: count }, (_, n) => this.#at(start + n).nodeId)
  }

  leaderOf(topic: Topic, partition: number): BrokerNode {
    const [nodeId] = this.replicasOf(topic, partition)
    return (nodeId === undefined ? undefined : this.#byId.get(nodeId)) ?? this.#first
  }

  /** The node that coordinates a group or a transactional id. */
  coordinatorOf(key: string): BrokerNode {
    return this.isSingle ? this.#first : this.#at(spread(key))
  }

  #at(position: number): BrokerNode {
    return this.nodes[position % this.nodes.length] ?? this.#first
  }
}

function spread(name: string): number {
  return murmur2(Buffer.from(name)) & 0x7fffffff
}
