import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheKafka, startApacheKafka } from '../../kafka/apache-kafka.ts'
import { BrokerProcess, type BrokerProcessOptions } from '../../faults/broker/broker-process.ts'

/** What the clients talk to: three nodes with data that outlive them. */
export interface Target {
  readonly address: string
  /** SIGKILL, and up again with the same data and ports. */
  readonly killAndStart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Short beats, so that groups settle within moments. */
const CONFIG = { 'group.consumer.heartbeat.interval.ms': '300', 'group.consumer.min.heartbeat.interval.ms': '100' }

/** The bundled broker, one process that answers as three. */
export class BundledBroker implements Target {
  readonly #options: BrokerProcessOptions
  #process: BrokerProcess

  /**
   * Its nodes have a port and the next ones. Any may be taken: then it goes somewhere else. They lie below the range
   * from which the system takes ports for clients, which would otherwise get them while the broker is down.
   */
  static async start(): Promise<BundledBroker> {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-clients-'))
    const config = { ...CONFIG, 'keyfold.virtual.brokers': '3' }
    for (let attempt = 1; ; attempt++) {
      const options = { dataDirectory, port: 20_000 + randomInt(10_000), config }
      try {
        return new BundledBroker(options, await BrokerProcess.start(options))
      } catch (error) {
        if (attempt < ATTEMPTS_MAX) continue
        await rm(dataDirectory, { recursive: true })
        throw error
      }
    }
  }

  private constructor(options: BrokerProcessOptions, process: BrokerProcess) {
    this.#options = options
    this.#process = process
  }

  get address(): string {
    return `127.0.0.1:${this.#options.port}`
  }

  async killAndStart(): Promise<void> {
    await this.#process.kill()
    this.#process = await BrokerProcess.start(this.#options)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    await rm(this.#options.dataDirectory, { recursive: true })
  }
}

const ATTEMPTS_MAX = 8

/** A cluster of Apache Kafka, to see whether a scenario asks for more than Kafka gives. */
export class ApacheKafkaCluster implements Target {
  readonly #kafka: ApacheKafka

  static async start(): Promise<ApacheKafkaCluster> {
    return new ApacheKafkaCluster(await startApacheKafka({ nodes: 3, properties: CONFIG }))
  }

  private constructor(kafka: ApacheKafka) {
    this.#kafka = kafka
  }

  get address(): string {
    return this.#kafka.address
  }

  async killAndStart(): Promise<void> {
    await Promise.all(this.#kafka.nodes.map((node) => node.kill()))
    await Promise.all(this.#kafka.nodes.map((node) => node.start()))
  }

  stop(): Promise<void> {
    return this.#kafka.stop()
  }
}
