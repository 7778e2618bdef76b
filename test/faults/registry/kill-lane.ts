import { connectKafka } from '@keyfold/kafka'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../kafka/free-ports.ts'
import { BrokerProcess } from '../broker/broker-process.ts'
import { seededRandom } from '../random.ts'
import { runClient } from './clients.ts'
import { History, type Version } from './history.ts'
import { RegistryProcess } from './registry-process.ts'

export interface KillLaneOptions {
  readonly rounds: number
  readonly seed: number
  /** How many registries share the log. */
  readonly registries: number
  readonly clients: number
  /** Whether the broker is killed, too. */
  readonly killsBroker: boolean
  /** The name of a planted bug. */
  readonly plant?: string
}

/**
 * Kills and pauses registries again and again, and the broker beneath them, under clients that register schemas; then
 * lets everybody come to rest, and returns what they did and saw.
 */
export async function runKillLane(options: KillLaneOptions): Promise<History> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'keyfold-registry-kill-'))
  const world = await World.start(dataDirectory, options)
  try {
    await world.run(options.rounds, options.clients)
    return world.history
  } finally {
    await world.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

/** Where the kinds of strikes begin, of 1. */
const BROKER = 0
const PAUSE = 0.2
const KILL = 0.5

class World {
  readonly history = new History()
  readonly #options: KillLaneOptions
  readonly #random: () => number
  readonly #dataDirectory: string
  readonly #brokerPort: number
  readonly #ports: readonly number[]
  readonly #registries: RegistryProcess[] = []
  #broker: BrokerProcess
  #isDone = false

  private constructor(place: Place, options: KillLaneOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#dataDirectory = place.dataDirectory
    this.#brokerPort = place.brokerPort
    this.#ports = place.ports
    this.#broker = place.broker
  }

  static async start(dataDirectory: string, options: KillLaneOptions): Promise<World> {
    const [brokerPort = 0, ...ports] = await freePorts(1 + options.registries)
    const broker = await BrokerProcess.start({ dataDirectory, port: brokerPort })
    const world = new World({ dataDirectory, brokerPort, ports, broker }, options)
    try {
      for (const index of ports.keys()) world.#registries.push(await world.#startRegistry(index))
      await world.#allowEverything()
      return world
    } catch (error) {
      await world.stop()
      throw error
    }
  }

  async run(rounds: number, clients: number): Promise<void> {
    const { history } = this
    const urls = this.#registries.map(({ url }) => url)
    const world = { history, random: this.#random, urls, isDone: () => this.#isDone }
    const running = Array.from({ length: clients }, (_, client) => runClient(world, client))
    try {
      for (let round = 0; round < rounds; round++) {
        await this.#untilBusy(20)
        await sleep(this.#random() * 50)
        // A short run has one of each of the quick ones.
        await this.#strike(rounds > 2 ? this.#random() : round === 0 ? KILL : BROKER)
      }
      await this.#untilBusy(20)
    } finally {
      this.#isDone = true
      await Promise.all(running)
    }
    await this.#finish()
  }

  async stop(): Promise<void> {
    this.#isDone = true
    await Promise.all(this.#registries.map((registry) => registry.kill()))
    await this.#broker.kill()
  }

  /** One thing that goes wrong, and how it is put right again. */
  async #strike(what: number): Promise<void> {
    const victim = Math.floor(this.#random() * this.#registries.length)
    if (what < PAUSE && this.#options.killsBroker) {
      await this.#broker.kill()
      this.#broker = await BrokerProcess.start({ dataDirectory: this.#dataDirectory, port: this.#brokerPort })
    } else if (what < KILL && this.#registries.length > 1) {
      // Longer than another registry waits for an answer: it takes over meanwhile.
      this.#registries[victim]?.pause()
      await sleep(3000)
      this.#registries[victim]?.goOn()
    } else {
      await this.#registries[victim]?.kill()
      this.#registries[victim] = await this.#startRegistry(victim)
    }
  }

  #startRegistry(index: number): Promise<RegistryProcess> {
    const { plant } = this.#options
    const brokers = `127.0.0.1:${this.#brokerPort}`
    return RegistryProcess.start({ brokers, port: this.#ports[index] ?? 0, ...(plant !== undefined && { plant }) })
  }

  /** Any schema may follow any other: the lane is about ids and versions. */
  async #allowEverything(): Promise<void> {
    const body = JSON.stringify({ compatibility: 'NONE' })
    const headers = { 'content-type': 'application/json' }
    const { status } = await fetch(`${this.#registries[0]?.url}/config`, { method: 'PUT', body, headers })
    if (status !== 200) throw new Error(`PUT /config was answered with ${status}`)
  }

  /** Waits until so many more registrations were acknowledged, however long that takes here. */
  async #untilBusy(more: number): Promise<void> {
    const wanted = this.history.acknowledged.length + more
    const deadline = performance.now() + 60_000
    while (this.history.acknowledged.length < wanted) {
      if (performance.now() > deadline) throw new Error(`the clients do not get on: ${this.#lastRefusal()}`)
      await sleep(10)
    }
  }

  #lastRefusal(): string {
    return this.history.registrations.findLast(({ refusal }) => refusal)?.refusal ?? 'nobody answers'
  }

  /** What a registry says that is started when all others are gone, and what is in the log. */
  async #finish(): Promise<void> {
    await Promise.all(this.#registries.map((registry) => registry.kill()))
    const last = await this.#startRegistry(0)
    this.#registries.push(last)
    const response = await fetch(`${last.url}/schemas?deleted=true&limit=1000`)
    const versions = (await response.json()) as Version[]
    const pages = [versions]
    while (pages.at(-1)?.length === 1000) {
      const next = await fetch(`${last.url}/schemas?deleted=true&limit=1000&offset=${pages.length * 1000}`)
      pages.push((await next.json()) as Version[])
    }
    this.history.final = pages.flat().map(({ subject, version, id, schema }) => ({ subject, version, id, schema }))
    this.history.log = await readLog(`127.0.0.1:${this.#brokerPort}`)
  }
}

interface Place {
  readonly dataDirectory: string
  readonly brokerPort: number
  readonly ports: readonly number[]
  readonly broker: BrokerProcess
}

/** Every SCHEMA record of the topic. */
async function readLog(broker: string): Promise<readonly Version[]> {
  const kafka = await connectKafka({ brokers: [broker], clientId: 'kill-lane' })
  try {
    const reader = kafka.openPartitionReader({ topic: '_schemas', partition: 0, fromOffset: 0, isolation: 'committed' })
    const found: Version[] = []
    for (;;) {
      const { records, position, endOffset } = await reader.next()
      for (const { key, value } of records) {
        if (value === null || !String(key).startsWith('{"keytype":"SCHEMA"')) continue
        const { subject, version, id, schema } = JSON.parse(String(value)) as Version
        found.push({ subject, version, id, schema })
      }
      if (endOffset !== undefined && position >= endOffset) return found
    }
  } finally {
    await kafka.close()
  }
}
