import { setTimeout as sleep } from 'node:timers/promises'
import { Fetch, ListOffsets } from '@keyfold/protocol'
import { WireClient } from '../../../libs/broker/src/testing/wire-client.ts'
import { committedRecords } from './committed-records.ts'
import type { Isolation, SeenRecord } from './history.ts'

export interface TopicToRead {
  readonly topic: string
  readonly partitions: number
}

const fetchVersion = 11

/** Reads with nothing but frames: it shares no code with the clients that write, nor with kafkajs. */
export class WireReader {
  readonly #name: string
  readonly #port: number
  readonly #isolation: Isolation
  readonly #positions = new Map<string, number>()

  constructor({ name, port, isolation }: { name: string; port: number; isolation: Isolation }) {
    this.#name = name
    this.#port = port
    this.#isolation = isolation
  }

  /** Follows the topics until it is told to stop; reconnects for as long as the broker is away. */
  async follow(topics: readonly TopicToRead[], onSeen: (record: SeenRecord) => void, isDone: () => boolean) {
    while (!isDone()) {
      const client = new WireClient({ host: '127.0.0.1', port: this.#port })
      try {
        while (!isDone()) {
          const count = await this.#fetch(client, topics, onSeen)
          if (count === 0) await sleep(10)
        }
      } catch {
        // The broker was killed under this reader.
        await sleep(20)
      } finally {
        client.close()
      }
    }
  }

  /** Everything that is there now, from the first offset to the last, in order of topic, partition, offset. */
  async readAll(topics: readonly TopicToRead[]): Promise<SeenRecord[]> {
    const client = new WireClient({ host: '127.0.0.1', port: this.#port })
    const ends = await this.#ends(client, topics)
    const seen: SeenRecord[] = []
    this.#positions.clear()
    while ([...ends].some(([key, end]) => (this.#positions.get(key) ?? 0) < end)) {
      await this.#fetch(client, topics, (record) => seen.push(record))
    }
    client.close()
    return seen.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset)
  }

  /** One request over all partitions; returns how many bytes it brought. */
  async #fetch(client: WireClient, topics: readonly TopicToRead[], onSeen: (record: SeenRecord) => void) {
    const isolationLevel = this.#isolation === 'read_committed' ? 1 : 0
    const response = await client.call(Fetch, fetchVersion, {
      replicaId: -1,
      maxWaitMs: 20,
      minBytes: 1,
      maxBytes: 4_000_000,
      isolationLevel,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: indexes(partitions).map((partition) => ({
          partition,
          fetchOffset: this.#positions.get(`${topic}-${partition}`) ?? 0,
          partitionMaxBytes: 1_000_000,
        })),
      })),
    })
    let bytes = 0
    for (const { topic, partitions } of response.responses) {
      for (const { partitionIndex, records, abortedTransactions, errorCode } of partitions) {
        if (errorCode !== 0) throw new Error(`Fetch of ${topic}-${partitionIndex} answers ${errorCode}`)
        if (records === null || records.length === 0) continue
        bytes += records.length
        const key = `${topic}-${partitionIndex}`
        const read = committedRecords(records, this.#positions.get(key) ?? 0, abortedTransactions ?? [])
        this.#positions.set(key, read.nextOffset)
        const place = { reader: this.#name, isolation: this.#isolation, topic, partition: partitionIndex }
        for (const record of read.records) onSeen({ ...place, ...record })
      }
    }
    return bytes
  }

  async #ends(client: WireClient, topics: readonly TopicToRead[]): Promise<Map<string, number>> {
    const response = await client.call(ListOffsets, 3, {
      replicaId: -1,
      isolationLevel: this.#isolation === 'read_committed' ? 1 : 0,
      topics: topics.map(({ topic, partitions }) => ({
        name: topic,
        partitions: indexes(partitions).map((partitionIndex) => ({ partitionIndex, timestamp: -1 })),
      })),
    })
    const ends = response.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }): [string, number] => [`${name}-${partitionIndex}`, offset]),
    )
    return new Map(ends)
  }
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
