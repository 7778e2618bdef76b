import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CreateTopics, Fetch, Produce, buildRecordBatch, readRecords } from '@keyfold/protocol'
import type { RunningBroker } from '../../../../libs/broker/src/running-broker.ts'
import { startBroker } from '../../../../libs/broker/src/server/start-broker.ts'
import { WireClient } from '../../../../libs/broker/src/testing/wire-client.ts'
import { seededRandom } from '../../random.ts'
import { type HostileFrame, hostileFrames } from './hostile-frames.ts'

export interface LimitsLaneResult {
  /** What the hostile client got for its frames. */
  readonly answered: number
  readonly closed: number
  readonly silent: number
  readonly problems: readonly string[]
  /** Bytes that are held after everything is over, and that the process had at most, more than before. */
  readonly heldBytes: number
  readonly peakBytes: number
}

/** A polite client is asked for its opinion after so many hostile frames, and memory is looked at. */
const framesPerRound = 100

/**
 * Sends hostile frames to a broker over a real socket, one at a time, with a polite client beside it. Every frame gets an
 * answer, a closed connection, or nothing because it waits for something; the polite client never notices.
 */
export async function runLimitsLane({ frames, seed }: { frames: number; seed: number }): Promise<LimitsLaneResult> {
  const broker = await startBroker({
    memory: true,
    config: { 'group.initial.rebalance.delay.ms': 0, 'keyfold.decompressed.bytes.max': 1_048_576 },
  })
  try {
    return await new LimitsLane(broker, seed).run(frames)
  } finally {
    await broker.close()
  }
}

class LimitsLane {
  readonly #broker: RunningBroker
  readonly #polite: WireClient
  readonly #hostile: Generator<HostileFrame, never>
  readonly #problems: string[] = []
  readonly counts = { answered: 0, closed: 0, silent: 0 }
  #attacker: WireClient
  #written = 0

  constructor(broker: RunningBroker, seed: number) {
    this.#broker = broker
    this.#polite = new WireClient(broker)
    this.#attacker = new WireClient(broker)
    this.#hostile = hostileFrames(seededRandom(seed))
  }

  async run(frames: number): Promise<LimitsLaneResult> {
    await this.#createTopics()
    const peakBefore = process.resourceUsage().maxRSS
    // Once around before it is measured what is held: code is compiled, pools are filled.
    await this.#round(framesPerRound)
    const heldBefore = heldBytes()
    let held = 0
    for (let left = frames; left > 0 && this.#problems.length === 0; left -= framesPerRound) {
      await this.#round(Math.min(left, framesPerRound))
      held = Math.max(held, heldBytes() - heldBefore)
    }
    const peakBytes = (process.resourceUsage().maxRSS - peakBefore) * 1024
    this.#attacker.close()
    this.#polite.close()
    return { ...this.counts, problems: this.#problems, heldBytes: held, peakBytes }
  }

  async #round(frames: number): Promise<void> {
    for (let count = 0; count < frames; count++) {
      const hostile = this.#hostile.next().value
      await this.#attack(hostile)
      if (this.#polite.isClosed) this.#problems.push(`a polite client lost its connection after ${hostile.what}`)
      if (this.#problems.length > 0) return
    }
    await this.#goOn().catch((error: unknown) => this.#problems.push(`a polite client: ${String(error)}`))
  }

  async #attack({ what, bytes }: HostileFrame): Promise<void> {
    this.#attacker.socket.write(bytes)
    const seen: { outcome: keyof LimitsLane['counts'] } = { outcome: 'silent' }
    const answer = this.#attacker.next().then((frame) => {
      seen.outcome = frame === undefined ? 'closed' : 'answered'
    })
    // What the polite client asks comes later: by its last answer the broker has seen the hostile frame.
    await this.#ask(what)
    this.counts[seen.outcome] += 1
    if (seen.outcome === 'answered') return
    this.#attacker.close()
    await answer
    this.#attacker = new WireClient(this.#broker)
  }

  /** Questions that every broker answers at once, each on its own way through the event loop. */
  async #ask(what: string): Promise<void> {
    try {
      for (let count = 0; count < 3; count++) await this.#fetchEnd()
    } catch (error) {
      this.#problems.push(`a polite client after ${what}: ${String(error)}`)
    }
  }

  async #createTopics(): Promise<void> {
    const compacted = [{ name: 'cleanup.policy', value: 'compact' }]
    const topics = ['polite', 'plain', 'compacted'].map((name) => {
      const configs = name === 'compacted' ? compacted : []
      return { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
    })
    const created = await this.#polite.call(CreateTopics, 4, { topics, timeoutMs: 1000 })
    if (created.topics.some(({ errorCode }) => errorCode !== 0)) throw new Error('the topics cannot be created')
  }

  /** The polite client writes a record and finds all of its records in order. */
  async #goOn(): Promise<void> {
    const value = Buffer.from(`record ${this.#written}`)
    const records = buildRecordBatch({ records: [{ key: null, value }], timestamp: Date.now() })
    const topicData = [{ name: 'polite', partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }
    const { responses } = await this.#polite.call(Produce, 9, request)
    const { errorCode, baseOffset } = responses[0]?.partitionResponses[0] ?? {}
    if (errorCode !== 0 || baseOffset !== this.#written) {
      throw new Error(`record ${this.#written} is answered with ${errorCode}, offset ${baseOffset}`)
    }
    const found = await this.#fetch(this.#written)
    if (!found.includes(String(value))) throw new Error(`record ${this.#written} is not there`)
    this.#written += 1
  }

  async #fetchEnd(): Promise<void> {
    await this.#fetch(this.#written)
  }

  async #fetch(fetchOffset: number): Promise<string[]> {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000 }]
    const topics = [{ topic: 'polite', partitions }]
    const response = await this.#polite.call(Fetch, 11, { replicaId: -1, maxWaitMs: 0, minBytes: 0, topics })
    const { errorCode, records } = response.responses[0]?.partitions[0] ?? {}
    if (errorCode !== 0) throw new Error(`a fetch at ${fetchOffset} is answered with ${errorCode}`)
    if (records === null || records === undefined || records.length === 0) return []
    return Array.from(readRecords(records), ({ value }) => String(value))
  }
}

/** What is held once everything that nobody holds is gone. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
