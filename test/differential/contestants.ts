import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BrokerProcess } from '../faults/broker/broker-process.ts'
import type { ApacheKafka } from '../kafka/apache-kafka.ts'
import { freePort } from '../kafka/free-ports.ts'
import type { Ending } from './operation.ts'
import type { Contestant } from './run.ts'

/** The bundled broker as a process of its own, with a data directory that outlives it until `end`. */
export async function bundledBroker(
  config: Readonly<Record<string, string>>,
): Promise<Contestant & { end(): Promise<void> }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-differential-'))
  const port = await freePort()
  const options = { dataDirectory, port, config }
  let broker = await BrokerProcess.start(options)
  return {
    address: `127.0.0.1:${port}`,
    async restart(ending: Ending) {
      await broker[ending]()
      broker = await BrokerProcess.start(options)
    },
    async end() {
      await broker.stop()
      await rm(dataDirectory, { recursive: true })
    },
  }
}

/** An Apache Kafka of one node. */
export function restartable({ address, nodes }: ApacheKafka): Contestant {
  return {
    address,
    async restart(ending: Ending) {
      for (const node of nodes) {
        await node[ending]()
        await node.start()
      }
    },
  }
}
