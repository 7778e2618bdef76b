import { startApacheKafka } from '../../kafka/apache-kafka.ts'
import { RestartableBroker } from '../broker/restartable-broker.ts'

/** The broker under the application, whoever made it. */
export interface FaultsCluster {
  readonly name: string
  /** Of its nodes. */
  readonly ports: readonly number[]
  /** kill -9 of a node, each in its turn, and up again on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Sessions of members may be as short as the lane wants them. */
const shortSessions = { 'group.min.session.timeout.ms': '500' }

export async function startBundled(): Promise<FaultsCluster> {
  const broker = await RestartableBroker.start(shortSessions)
  return {
    name: 'the bundled broker',
    ports: [broker.port],
    restart: () => broker.restart('kill'),
    stop: () => broker.end(),
  }
}

export async function startKafka(count: 1 | 3): Promise<FaultsCluster> {
  const properties = { ...shortSessions, 'min.insync.replicas': count === 1 ? '1' : '2' }
  const kafka = await startApacheKafka({ nodes: count, properties })
  let restarts = 0
  return {
    name: count === 1 ? 'Apache Kafka' : `${count} nodes of Apache Kafka`,
    ports: kafka.addresses.map((address) => Number(address.split(':')[1])),
    restart: async () => {
      const node = kafka.nodes[restarts++ % count]
      await node?.kill()
      await node?.start()
    },
    stop: () => kafka.stop(),
  }
}
