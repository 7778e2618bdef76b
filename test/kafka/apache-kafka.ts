import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installKafka } from './distribution.ts'
import { freePorts } from './free-ports.ts'
import { KafkaNode } from './kafka-node.ts'

/** A real Apache Kafka (KRaft, nodes are broker and controller), without Docker: Java 17 runs it, Maven brings it. */
export interface ApacheKafka {
  /** `host:port` of the first node. */
  readonly address: string
  readonly addresses: readonly string[]
  readonly nodes: readonly KafkaNode[]
  /** Ends all nodes and deletes their data. */
  stop(): Promise<void>
}

export interface ApacheKafkaOptions {
  readonly nodes?: 1 | 3
  /** Settings that win over those set here. */
  readonly properties?: Readonly<Record<string, string>>
  readonly heapMib?: number
}

export async function startApacheKafka(options: ApacheKafkaOptions = {}): Promise<ApacheKafka> {
  const { nodes: count = 1, properties = {}, heapMib = 512 } = options
  await installKafka()
  const directory = await mkdtemp(join(tmpdir(), 'keyfold-apache-kafka-'))
  const ports = await freePorts(2 * count)
  // With a letter in front: an id that begins with '-' reads like an option.
  const clusterId = `K${Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url').slice(1)}`
  const nodes = Array.from({ length: count }, (_, index) => {
    const settings = { ...settingsOf(index, ports), ...properties }
    const home = join(directory, String(index + 1))
    return new KafkaNode({ id: index + 1, clusterId, directory: home, properties: settings, heapMib })
  })
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await rm(directory, { recursive: true })
  }
  try {
    for (const node of nodes) {
      await mkdir(join(directory, String(node.id)))
      await node.format()
    }
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const addresses = ports.slice(0, count).map((port) => `127.0.0.1:${port}`)
  return { address: addresses[0] ?? '', addresses, nodes, stop }
}

/** The first half of the ports is for clients, the second for controllers. */
function settingsOf(index: number, ports: readonly number[]): Record<string, string> {
  const count = ports.length / 2
  const controller = (node: number) => `127.0.0.1:${ports[count + node]}`
  const voters = Array.from({ length: count }, (_, node) => `${node + 1}@${controller(node)}`)
  return {
    'process.roles': 'broker,controller',
    'node.id': `${index + 1}`,
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${ports[index]},CONTROLLER://${controller(index)}`,
    'controller.listener.names': 'CONTROLLER',
    'default.replication.factor': `${count}`,
    'offsets.topic.replication.factor': `${count}`,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': `${count}`,
    'transaction.state.log.min.isr': `${Math.ceil(count / 2)}`,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': `${count}`,
    'share.coordinator.state.topic.min.isr': `${Math.ceil(count / 2)}`,
    'group.initial.rebalance.delay.ms': '0',
  }
}
