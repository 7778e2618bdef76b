import { KafkaClientError, type KafkaErrorCode } from '@keyfold/kafka'
import { describe, expect, it, vi } from 'vitest'
import { type EventStoreErrorCode, fail } from '../errors.ts'
import { Add } from '../testing/counter.ts'
import { FaultyKafka, type KafkaStep, kafkaSteps } from '../testing/faulty-kafka.ts'
import { openCounters, topic } from '../testing/open-counters.ts'
import { troubleOf } from './trouble.ts'

/** Every error that the port knows. */
const kafkaCodes: Readonly<Record<KafkaErrorCode, true>> = {
  KAFKA_UNREACHABLE: true,
  KAFKA_INCOMPATIBLE: true,
  KAFKA_CLIENT_CLOSED: true,
  KAFKA_TIMEOUT: true,
  OFFSET_OUT_OF_RANGE: true,
  OFFSET_UNEXPECTED: true,
  UNKNOWN_TOPIC_OR_PARTITION: true,
  TOPIC_REFUSED: true,
  TOPIC_EXISTS: true,
  GROUP_NOT_FOUND: true,
  GROUP_ACTIVE: true,
  RECORDS_CORRUPT: true,
  COMPRESSION_UNSUPPORTED: true,
  AUTHENTICATION_FAILED: true,
  TRANSACTION_TIMED_OUT: true,
  TRANSACTION_UNDECIDED: true,
  PRODUCER_FENCED: true,
  BROKER_REFUSED: true,
  BROKER_BUSY: true,
}
const final = new Set<string>(['KAFKA_CLIENT_CLOSED', 'COMPRESSION_UNSUPPORTED'])
const errors: readonly Error[] = [
  ...(Object.keys(kafkaCodes) as KafkaErrorCode[]).map((code) => new KafkaClientError(code, 'as the test says')),
  ...(['REGISTRY_UNREACHABLE', 'REGISTRY_REFUSED', 'STATE_STORE_LOST'] satisfies EventStoreErrorCode[]).map((code) =>
    fail(code, 'as the test says'),
  ),
  new TypeError('a bug'),
]

const add = () => new Add({ id: 'a', amount: 1 })

/** A partition with one event, whose next batch has no outcome, so that it has to be claimed again. */
async function opened() {
  const kafka = new FaultyKafka()
  const counters = await openCounters({ kafka })
  await counters.store.execute(add())
  return { ...counters, kafka }
}

/** Commands before, while and after it is broken: none is lost or doubled, whoever got an answer. */
async function servesAgain({ store, kafka }: Awaited<ReturnType<typeof opened>>): Promise<void> {
  const during = await Promise.all([store.execute(add()), store.execute(add())])
  const after = await store.execute(add())
  const committed = [...during, after].filter(({ kind }) => kind === 'committed').length
  expect(after).toMatchObject({ kind: 'committed', version: 1 + committed })
  expect(kafka.failed).toBeGreaterThan(0)
  const events = await store.readEvents({ topic, key: 'a', limit: 10 })
  expect(events.map(({ aggregateVersion }) => aggregateVersion)).toEqual(events.map((_, index) => index + 1))
  expect(events.length).toBe(1 + committed)
}

describe.each(kafkaSteps)('an error at the step "%s" of a claim or batch', (step: KafkaStep) => {
  it('leaves the partition in service when it has passed, and refuses it only when it cannot pass', async () => {
    const outcomes = errors.map(async (error) => {
      const counters = await opened()
      const { store, kafka } = counters
      if (step !== 'batch') kafka.log.commitFaults.push('lose-request')
      kafka.failAt(step, error)
      if (!final.has(codeOf(error))) await servesAgain(counters)
      else {
        await store.execute(add())
        const refused = { code: 'PARTITION_REFUSED', cause: error }
        expect(await store.execute(add())).toMatchObject({ kind: 'failed', error: refused })
      }
      await store.close()
      return codeOf(error)
    })
    expect(await Promise.all(outcomes)).toEqual(errors.map(codeOf))
  })
})

describe.each(['claim', 'batch'] as const)('a %s whose commit', (step) => {
  it.each(['unknown', 'aborted'] as const)('ends "%s", for whatever reason, is tried again', async (kind) => {
    const outcomes = errors.map(async (error) => {
      const counters = await opened()
      if (step === 'claim') counters.kafka.log.commitFaults.push('lose-request')
      counters.kafka.endAt(step, { kind, error }, 2)
      await servesAgain(counters)
      await counters.store.close()
    })
    await Promise.all(outcomes)
  })
})

it('an abort that nobody asked for fails no command', async () => {
  const { store, kafka } = await opened()
  kafka.endAt('batch', { kind: 'aborted', error: new KafkaClientError('BROKER_BUSY', 'no leader') }, 3)
  expect(await store.execute(add())).toMatchObject({ kind: 'committed', version: 2 })
})

it('what may pass or not is tried some times, and refused then', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  try {
    const { store, kafka } = await opened()
    const gone = new KafkaClientError('OFFSET_OUT_OF_RANGE', 'history is missing')
    kafka.log.commitFaults.push('lose-request')
    kafka.failAt('read events', gone, Number.POSITIVE_INFINITY)
    const answer = store.execute(add(), { deadlineMs: 600_000 })
    while (kafka.failed < 8) await vi.advanceTimersByTimeAsync(100)
    expect(await answer).toMatchObject({ kind: 'unknown', error: { code: 'OUTCOME_UNKNOWN', cause: { cause: gone } } })
    expect(await store.execute(add())).toMatchObject({ error: { code: 'PARTITION_REFUSED', cause: gone } })
  } finally {
    vi.useRealTimers()
  }
})

it('an error that no row has is believed when it says that it may be tried again', () => {
  expect(troubleOf(Object.assign(new Error('away'), { retriable: true }))).toBe('passing')
  expect(troubleOf(Object.assign(new Error('?'), { code: 'ENOENT' }))).toBe('doubtful')
  expect(troubleOf(undefined)).toBe('doubtful')
  expect(troubleOf(fail('LOG_CORRUPT_VERSION', 'a gap'))).toBe('final')
})

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: string }
  return code ?? error.name
}
