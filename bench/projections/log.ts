import { connectKafka, type KafkaClient } from '@keyfold/kafka'
import { RegistryEventCodec } from '@keyfold/event-store'
import type { DomainEvent } from '@keyfold/eventsourcing'
import { AccountOpened, MoneyDeposited, MoneyWithdrawn } from '../../apps/bank/src/generated/bank.ts'
import { encodeEnvelope } from '../../libs/event-store/src/envelope.ts'

export const TOPIC = 'bench.account'
export const EVENTS = [AccountOpened, MoneyDeposited, MoneyWithdrawn] as const
export const EVENTS_PER_ACCOUNT = 100
const COMMIT_RECORDS = 2_000

/** Where the log to measure on is. */
export interface LogAddress {
  readonly broker: string
  readonly registry: string
  readonly topic: string
  readonly partitions: number
  readonly events: number
}

export async function codecOf({
  registry,
  topic,
}: Pick<LogAddress, 'registry' | 'topic'>): Promise<RegistryEventCodec> {
  const codec = new RegistryEventCodec({ url: registry })
  await codec.register(topic, EVENTS)
  return codec
}

/**
 * Writes the log as an event store would have: envelope, Avro, transactions. An account's events are spread over the
 * whole log, as those of accounts in use are.
 */
export async function fill(address: LogAddress): Promise<void> {
  const { broker, topic, partitions } = address
  const kafka = await connectKafka({ brokers: [broker], clientId: 'bench-fill' })
  const codec = await codecOf(address)
  await kafka.ensureTopics([{ name: topic, partitions, configs: { 'retention.ms': '-1' } }])
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) => fillPartition(kafka, codec, address, partition)),
  )
  await kafka.close()
}

async function fillPartition(
  kafka: KafkaClient,
  codec: RegistryEventCodec,
  { topic, partitions, events }: LogAddress,
  partition: number,
): Promise<void> {
  const transactionalId = `bench-fill-${topic}-${partition}`
  const producer = await kafka.openTransactionalProducer({ transactionalId, transactionTimeoutMs: 60_000 })
  const own = events / partitions
  const accounts = own / EVENTS_PER_ACCOUNT
  for (let from = 0; from < own; from += COMMIT_RECORDS) {
    const numbers = Array.from({ length: Math.min(COMMIT_RECORDS, own - from) }, (_, index) => from + index)
    const records = await Promise.all(
      numbers.map((number) => {
        const version = Math.floor(number / accounts) + 1
        return record(codec, topic, `account-${partition}-${number % accounts}`, version)
      }),
    )
    const outcome = await producer.commit([{ topic, partition, records }])
    if (outcome.kind !== 'committed') throw outcome.error
  }
  await producer.close()
}

export async function record(codec: RegistryEventCodec, topic: string, key: string, version: number) {
  const event = eventAt(version)
  const commandId = `5f0c7b1e-8d0b-4a54-9c1e-${key.slice(-6).padStart(6, '0')}${String(version).padStart(6, '0')}`
  const time = new Date(1_780_000_000_000 + version * 1000)
  const place = { source: '/bank/account', key, type: event.type, time, eventId: commandId, version, commandId }
  const command = { commandFingerprint: 'c0ffee00c0ffee00', commandIndex: 0, commandSize: 1, commandTarget: undefined }
  const rest = { batchId: commandId, ownerEpoch: 1, correlationId: undefined, causationId: undefined, extensions: {} }
  return encodeEnvelope({ ...place, ...command, ...rest }, await codec.encode(topic, event))
}

function eventAt(version: number): DomainEvent {
  if (version === 1) return AccountOpened({ owner: 'Ann' })
  const amountCents = BigInt(100 + version)
  return version % 3 === 0 ? MoneyWithdrawn({ amountCents }) : MoneyDeposited({ amountCents, memo: 'salary' })
}
