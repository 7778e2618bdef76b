import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApacheKafka } from '../../kafka/apache-kafka.ts'
import { freePort } from '../../kafka/free-ports.ts'
import { BrokerProcess } from '../broker/broker-process.ts'

/** The broker under the application, whoever made it. */
export interface FaultsCluster {
  readonly name: string
  readonly port: number
  /** Whether a commit that was acknowledged outlives `restart`. README.md says why it may not on a single Apache Kafka. */
  readonly keepsCommits: boolean
  /** kill -9, and up again on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Sessions of members may be as short as the lane wants them. */
const shortSessions = { 'group.min.session.timeout.ms': '500' }

export async function startBundled(): Promise<FaultsCluster> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-commands-broker-'))
  const port = await freePort()
  const start = () => BrokerProcess.start({ dataDirectory, port, config: shortSessions })
  let broker = await start()
  return {
    name: 'the bundled broker',
    port,
    keepsCommits: true,
    restart: async () => {
      await broker.kill()
      broker = await start()
    },
    stop: async () => {
      await broker.kill()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

export async function startKafka(): Promise<FaultsCluster> {
  const kafka = await startApacheKafka({ properties: shortSessions })
  const [node] = kafka.nodes
  return {
    name: 'Apache Kafka',
    keepsCommits: false,
    port: Number(kafka.address.split(':')[1]),
    restart: async () => {
      await node?.kill()
      await node?.start()
    },
    stop: () => kafka.stop(),
  }
}
