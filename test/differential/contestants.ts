import { RestartableBroker } from '../faults/broker/restartable-broker.ts'
import type { ApacheKafka } from '../kafka/apache-kafka.ts'
import type { Ending } from './operation.ts'
import type { Contestant } from './run.ts'

/** The bundled broker as a process of its own, until `end`. */
export async function bundledBroker(
  config: Readonly<Record<string, string>>,
): Promise<Contestant & { end(): Promise<void> }> {
  const broker = await RestartableBroker.start(config)
  return {
    address: `127.0.0.1:${broker.port}`,
    restart: (ending) => broker.restart(ending),
    end: () => broker.end(),
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
