import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../kafka/free-ports.ts'
import { BrokerProcess, type BrokerProcessOptions } from './broker-process.ts'

/** The bundled broker as a process of its own, on one port and with one data directory until `end`. */
export class RestartableBroker {
  readonly port: number
  readonly #options: BrokerProcessOptions
  #process: BrokerProcess

  static async start(config: Readonly<Record<string, string>>): Promise<RestartableBroker> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-broker-'))
    const options = { dataDirectory, port: await freePort(), config }
    return new RestartableBroker(options, await BrokerProcess.start(options))
  }

  private constructor(options: BrokerProcessOptions, process: BrokerProcess) {
    this.port = options.port
    this.#options = options
    this.#process = process
  }

  async restart(ending: 'kill' | 'stop'): Promise<void> {
    await this.#process[ending]()
    this.#process = await BrokerProcess.start(this.#options)
  }

  async end(): Promise<void> {
    await this.#process.kill()
    await rm(this.#options.dataDirectory, { recursive: true })
  }
}
