import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Fetch, type KafkaRecord, Metadata } from '@keyfold/protocol'
import { WireClient } from '../../../libs/broker/src/testing/wire-client.ts'
import { committed, nextOffset } from '../broker/committed-records.ts'
import type { LogClaim, LogEvent } from './history.ts'

export interface ReadLog {
  readonly events: readonly LogEvent[]
  readonly claims: readonly LogClaim[]
}

export interface LogToRead {
  /** Of the cluster's nodes. */
  readonly ports: readonly number[]
  readonly registryUrl: string
  readonly topics: readonly string[]
  readonly partitions: number
}

/**
 * All events and claims, read with nothing but frames and a plain registry client: no code of the event store's client,
 * nor of kafkajs, whose read_committed filter is not exact.
 */
export async function readLog({ ports, registryUrl, topics, partitions }: LogToRead): Promise<ReadLog> {
  const registry = new SchemaRegistry({ host: registryUrl })
  const events: LogEvent[] = []
  const claims: LogClaim[] = []
  for (const topic of topics) {
    for (const { partition, message } of await readTopic(ports, topic, partitions))
      events.push(await eventOf(registry, topic, partition, message))
    for (const { partition, message } of await readTopic(ports, `${topic}.state`, partitions))
      claims.push(...claimOf(topic, partition, message))
  }
  const byPlace = (left: LogEvent, right: LogEvent) =>
    left.topic.localeCompare(right.topic) || left.partition - right.partition || left.offset - right.offset
  return { events: events.toSorted(byPlace), claims }
}

interface Message {
  readonly partition: number
  readonly message: KafkaRecord
}

const fetchVersion = 11
const metadataVersion = 8

/** What a read_committed reader sees of a partition, from its first record to the end that it has now. */
async function readTopic(ports: readonly number[], topic: string, partitions: number): Promise<readonly Message[]> {
  const messages: Message[] = []
  const leaders = await leadersOf(ports, topic)
  for (let partition = 0; partition < partitions; partition++) {
    const leader = leaders.get(partition)
    if (leader === undefined) throw new Error(`${topic}/${partition} has no leader`)
    const client = new WireClient(leader)
    try {
      for await (const message of readPartition(client, topic, partition)) messages.push({ partition, message })
    } finally {
      client.close()
    }
  }
  return messages
}

/** Where each partition is led. */
async function leadersOf([port = 0]: readonly number[], topic: string) {
  const client = new WireClient({ host: '127.0.0.1', port })
  try {
    const { brokers, topics } = await client.call(Metadata, metadataVersion, { topics: [{ name: topic }] })
    const nodes = new Map(brokers.map((node) => [node.nodeId, node]))
    const partitions = topics.flatMap((described) => described.partitions)
    return new Map(partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, nodes.get(leaderId)]))
  } finally {
    client.close()
  }
}

async function* readPartition(client: WireClient, topic: string, partition: number): AsyncGenerator<KafkaRecord> {
  for (let fetchOffset = 0, end = 1; fetchOffset < end;) {
    const { responses } = await client.call(Fetch, fetchVersion, {
      replicaId: -1,
      maxWaitMs: 20,
      minBytes: 1,
      maxBytes: 4_000_000,
      isolationLevel: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
    })
    const answer = responses[0]?.partitions[0]
    if (answer === undefined || answer.errorCode !== 0) throw new Error(`${topic}: Fetch answers ${answer?.errorCode}`)
    const { lastStableOffset, records, abortedTransactions } = answer
    end = lastStableOffset
    if (records === null || records.length === 0) continue
    yield* committed(records, fetchOffset, abortedTransactions ?? [])
    fetchOffset = nextOffset(records, fetchOffset)
  }
}

async function eventOf(
  registry: SchemaRegistry,
  topic: string,
  partition: number,
  { key, value, offset, timestamp, headers }: KafkaRecord,
): Promise<LogEvent> {
  const texts = new Map(headers.map((header) => [header.key, String(header.value)]))
  const header = (name: string) => texts.get(name) ?? ''
  return {
    topic,
    partition,
    offset,
    timestampMs: timestamp,
    key: String(key),
    type: header('ce_type'),
    // A plain object: decoded values have a class of their own.
    data: { ...((await registry.decode(value ?? Buffer.alloc(0))) as object) },
    version: Number(header('keyfold-version')),
    commandId: header('keyfold-command-id'),
    index: Number(header('keyfold-command-index')),
    size: Number(header('keyfold-command-size')),
    generation: Number(header('keyfold-owner-epoch')),
    causationId: texts.get('ce_causationid'),
  }
}

function claimOf(topic: string, partition: number, { key, value, offset }: KafkaRecord): readonly LogClaim[] {
  if (String(key) !== 'claim' || value === null) return []
  const { generation, instanceId, endOffset } = JSON.parse(String(value)) as LogClaim
  return [{ topic, partition, offset, generation, instanceId, endOffset }]
}
