import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startProgram, VictimProcess } from '../victim-process.ts'

const main = fileURLToPath(new URL('../../../apps/registry/src/main.ts', import.meta.url))
const plantedBugs = fileURLToPath(new URL('planted-process.ts', import.meta.url))

export interface RegistryProcessOptions {
  readonly brokers: string
  readonly port: number
  /** The name of a planted bug, for lanes that have to find it. */
  readonly plant?: string
}

/** A registry as a process that can be killed, and stopped for a while. */
export class RegistryProcess extends VictimProcess {
  readonly url: string

  /** Resolves once clients can connect. */
  static async start({ brokers, port, plant }: RegistryProcessOptions): Promise<RegistryProcess> {
    const args = ['--kafka', brokers, '--port', `${port}`, '--write-timeout-ms', '1500']
    const planted = plant === undefined ? undefined : { name: plant, file: plantedBugs }
    const child = await startProgram({ name: 'the registry', main, args, plant: planted })
    return new RegistryProcess(child, `http://127.0.0.1:${port}`)
  }

  private constructor(child: ChildProcess, url: string) {
    super(child)
    this.url = url
  }
}
