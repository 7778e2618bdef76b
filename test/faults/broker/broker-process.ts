import { fileURLToPath } from 'node:url'
import { startProgram, VictimProcess } from '../victim-process.ts'

const main = fileURLToPath(new URL('../../../apps/broker/src/main.ts', import.meta.url))
const plantedBugs = fileURLToPath(new URL('planted-process.ts', import.meta.url))

export interface BrokerProcessOptions {
  readonly dataDirectory: string
  readonly port: number
  /** The name of a planted bug, for lanes that have to find it. */
  readonly plant?: string
  /** Kafka's own keys. */
  readonly config?: Readonly<Record<string, string>>
}

/** The broker as a process that can be killed. */
export class BrokerProcess extends VictimProcess {
  /** Resolves once clients can connect. */
  static async start({ dataDirectory, port, plant, config }: BrokerProcessOptions): Promise<BrokerProcess> {
    const settings = { 'group.initial.rebalance.delay.ms': '0', 'auto.create.topics.enable': 'false', ...config }
    const args = ['--json', '--data', dataDirectory, '--port', `${port}`]
    for (const [key, value] of Object.entries(settings)) args.push('--set', `${key}=${value}`)
    const planted = plant === undefined ? undefined : { name: plant, file: plantedBugs }
    return new BrokerProcess(await startProgram({ name: 'the broker', main, args, plant: planted }))
  }
}
