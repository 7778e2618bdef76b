import type { Operation } from '../operation.ts'
import type { Plan, Planned, Script, ScriptProducer } from '../script.ts'
import { firstCommit, isTooLong } from './groups.ts'
import { newProducer, sequencedProduce } from './producing.ts'

/** CONCURRENT_TRANSACTIONS and what a coordinator says while it loads: Kafka's clients send again, so do we. */
const NOT_YET = [14, 15, 16, 51]

const transactional = (script: Script) => script.pick(script.producers.filter((each) => each.transactionalId !== null))

function about(producer: ScriptProducer) {
  return { connection: 'transactions', about: [producer.name], retryOn: NOT_YET }
}

function identity(script: Script, producer: ScriptProducer) {
  const plus = script.chance(0.07) ? script.one(-1, 1) : 0
  const of = script.chance(0.02) ? 'nobody' : producer.name
  return {
    producerId: { $: 'producerId', of },
    producerEpoch: { $: 'producerEpoch', of: producer.name, plus },
  }
}

/** A transactional id's first producer, or the next one, which fences the one before. */
export const initTransactional: Plan = (script) => {
  const known = transactional(script)
  const isNew = known === undefined || script.producers.length < 6 || script.chance(0.1)
  if (!isNew) return initAgain(script, known, script.chance(0.3))
  const version = script.version('InitProducerId', { max: 5 })
  if (version === undefined) return undefined
  const producer = newProducer(script.fresh('t'), script.fresh('tx-'))
  const transactionalId = script.chance(0.02) ? '' : producer.transactionalId
  const { operation, learn } = initNew(producer, version, transactionalId)
  return {
    operation,
    learn: (answer) => {
      if ((answer as { errorCode: number }).errorCode === 0) script.producers.push(producer)
      learn(answer)
    },
  }
}

export function initNew(producer: ScriptProducer, version: number, transactionalId = producer.transactionalId) {
  const title = 'init a transactional producer'
  return init(producer, { title, version, request: { transactionalId, transactionTimeoutMs: LONG_MS } })
}

/** Longer than a run: what runs out while one broker is slower would be a difference. */
const LONG_MS = 900_000

/** The same transactional id once more, with what its producer knows of itself or, as after a restart, without. */
export function initAgain(script: Script, producer: ScriptProducer, keeps: boolean): Planned | undefined {
  const version = script.version('InitProducerId', { max: 5, ...(keeps && { min: 3 }) })
  if (version === undefined) return undefined
  const { transactionalId } = producer
  const transactionTimeoutMs = keeps && script.chance(0.1) ? script.one(0, -1, 900_001) : LONG_MS
  return init(producer, {
    title: `init again${keeps ? ' with its epoch' : ''}`,
    version,
    request: { transactionalId, transactionTimeoutMs, ...(keeps && identity(script, producer)) },
  })
}

interface InitShape {
  readonly title: string
  readonly version: number
  readonly request: Readonly<Record<string, unknown>>
}

function init(producer: ScriptProducer, { title, version, request }: InitShape) {
  return {
    operation: {
      title,
      api: 'InitProducerId',
      version,
      ...about(producer),
      names: { producer: producer.name },
      request,
      settle: [{ kind: 'transaction', transactionalId: producer.transactionalId ?? '' }],
    } satisfies Operation,
    learn: (answer: unknown) => {
      if ((answer as { errorCode: number }).errorCode !== 0) return
      producer.inTransaction.clear()
      producer.written.clear()
      producer.appended.clear()
      producer.hasOffsets = false
    },
  }
}

export const addPartitions: Plan = (script) => {
  const producer = transactional(script)
  const topic = script.pick(script.topics)
  const version = script.version('AddPartitionsToTxn', { max: 3 })
  if (producer === undefined || topic === undefined || version === undefined) return undefined
  const unknown = script.chance(0.07) ? [{ name: 'no-such-topic', partitions: [0] }] : []
  const { producerId, producerEpoch } = identity(script, producer)
  return addPartition(producer, version, {
    topic: topic.name,
    partition: script.partitionOf(topic),
    request: {
      v3AndBelowTransactionalId: script.chance(0.03) ? 'no-such-id' : producer.transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
    },
    more: unknown,
  })
}

interface AddedPartition {
  readonly topic: string
  readonly partition: number
  /** What is not as it should be. */
  readonly request?: Readonly<Record<string, unknown>>
  readonly more?: readonly object[]
}

export function addPartition(producer: ScriptProducer, version: number, added: AddedPartition): Planned {
  const { topic, partition, request, more = [] } = added
  return {
    operation: {
      title: 'add a partition to the transaction',
      api: 'AddPartitionsToTxn',
      version,
      ...about(producer),
      request: {
        v3AndBelowTransactionalId: producer.transactionalId,
        v3AndBelowProducerId: { $: 'producerId', of: producer.name },
        v3AndBelowProducerEpoch: { $: 'producerEpoch', of: producer.name, plus: 0 },
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }, ...more],
        ...request,
      },
    },
    learn: (answer) => {
      const { resultsByTopicV3AndBelow: results } = answer as {
        resultsByTopicV3AndBelow: readonly { resultsByPartition: readonly { partitionErrorCode: number }[] }[]
      }
      if (
        results.every((each) => each.resultsByPartition.every(({ partitionErrorCode }) => partitionErrorCode === 0))
      ) {
        producer.inTransaction.add(`${topic}/${partition}`)
      }
    },
  }
}

/** To a partition of the transaction, most often; by a batch that is not transactional, seldom. */
export const transactionalProduce: Plan = (script) => {
  const producer = transactional(script)
  if (producer === undefined) return undefined
  const place = script.pick([...producer.inTransaction])
  const within = script.topics.find(({ name }) => name === place?.slice(0, place.lastIndexOf('/')))
  const isWithin = within !== undefined && place !== undefined && script.chance(0.9)
  const topic = isWithin ? within : script.pick(script.topics)
  if (topic === undefined) return undefined
  const partition = isWithin ? Number(place.slice(place.lastIndexOf('/') + 1)) : script.partitionOf(topic)
  return sequencedProduce(script, { producer, topic, partition, isTransactional: script.chance(0.95) })
}

export const addOffsets: Plan = (script) => {
  const producer = transactional(script)
  const group = script.pick(script.groups)
  const version = script.version('AddOffsetsToTxn', { max: 3 })
  if (producer === undefined || group === undefined || version === undefined) return undefined
  return {
    operation: {
      title: 'add offsets to the transaction',
      api: 'AddOffsetsToTxn',
      version,
      ...about(producer),
      request: {
        transactionalId: producer.transactionalId,
        ...identity(script, producer),
        groupId: group.name,
      },
    },
    learn: (answer) => {
      if ((answer as { errorCode: number }).errorCode === 0) producer.hasOffsets = true
    },
  }
}

export const commitOffsetsInTransaction: Plan = (script) => {
  const producer = transactional(script)
  const group = script.pick(script.groups)
  const topic = script.pick(script.topics)
  const version = script.version('TxnOffsetCommit', { max: 4 })
  if (producer === undefined || !producer.hasOffsets || group === undefined) return undefined
  if (topic === undefined || version === undefined) return undefined
  const member = script.chance(0.5) ? script.pick(group.members) : undefined
  const committedMetadata = script.one('', 'm', 'x'.repeat(script.chance(0.05) ? 5_000 : 3))
  if (isTooLong(committedMetadata)) script.queue.push(firstCommit(group.name, topic.name))
  return {
    operation: {
      title: 'commit offsets in the transaction',
      api: 'TxnOffsetCommit',
      version,
      ...about(producer),
      about: [producer.name, group.name],
      request: {
        transactionalId: producer.transactionalId,
        groupId: group.name,
        ...identity(script, producer),
        ...(version >= 3 &&
          member && {
            generationId: member.generation + (script.chance(0.1) ? 1 : 0),
            memberId: { $: 'member', of: member.name },
          }),
        topics: [
          {
            name: topic.name,
            partitions: [
              {
                partitionIndex: script.partitionOf(topic),
                committedOffset: script.between(0, 500),
                committedMetadata,
              },
            ],
          },
        ],
      },
    },
  }
}

export const endTransaction: Plan = (script) => {
  const producer = transactional(script)
  const version = script.version('EndTxn', { max: 4 })
  if (producer === undefined || version === undefined) return undefined
  return endBy(producer, version, { ...identity(script, producer), committed: script.chance(0.6) })
}

export function endBy(
  producer: ScriptProducer,
  version: number,
  request: Readonly<Record<string, unknown>> & { readonly committed: boolean },
): Planned {
  return {
    operation: {
      title: 'end the transaction',
      api: 'EndTxn',
      version,
      ...about(producer),
      request: {
        transactionalId: producer.transactionalId,
        producerId: { $: 'producerId', of: producer.name },
        producerEpoch: { $: 'producerEpoch', of: producer.name, plus: 0 },
        ...request,
      },
      settle: [{ kind: 'transaction', transactionalId: producer.transactionalId ?? '' }],
    },
    learn: (answer) => {
      if ((answer as { errorCode: number }).errorCode !== 0) return
      producer.inTransaction.clear()
      producer.written.clear()
      producer.hasOffsets = false
    },
  }
}

/** A whole transaction of the second protocol (KIP-890): no partitions are announced, every end bumps the epoch. */
export const newProtocolProduce: Plan = (script) => {
  const producer = transactional(script)
  const topic = script.pick(script.topics)
  const isServed = script.version('EndTxn', { min: 5 }) !== undefined
  if (producer === undefined || topic === undefined || !isServed) return undefined
  // A transaction begun the old way goes on the old way, as clients do.
  if (producer.inTransaction.size > 0 || producer.hasOffsets) return undefined
  const partition = script.partitionOf(topic)
  return sequencedProduce(script, { producer, topic, partition, isTransactional: true, version: { min: 12, max: 13 } })
}

export const newProtocolEnd: Plan = (script) => {
  const producer = transactional(script)
  const version = script.version('EndTxn', { min: 5, max: 5 })
  if (producer === undefined || version === undefined) return undefined
  if (producer.inTransaction.size > 0 || producer.hasOffsets) return undefined
  return {
    operation: {
      title: 'end the transaction (KIP-890)',
      api: 'EndTxn',
      version,
      ...about(producer),
      names: { producer: producer.name },
      request: {
        transactionalId: producer.transactionalId,
        ...identity(script, producer),
        committed: script.chance(0.6),
      },
      settle: [{ kind: 'transaction', transactionalId: producer.transactionalId ?? '' }],
    },
    learn: (answer) => {
      // The epoch is another one: sequences begin at 0 again.
      if ((answer as { errorCode: number }).errorCode !== 0) return
      producer.appended.clear()
      producer.written.clear()
    },
  }
}

export const describeTransactions: Plan = (script) => {
  const producer = transactional(script)
  const version = script.version('DescribeTransactions')
  if (producer === undefined || version === undefined) return undefined
  const operation: Operation = {
    title: 'describe transactions',
    api: 'DescribeTransactions',
    version,
    ...about(producer),
    request: { transactionalIds: [producer.transactionalId, ...(script.chance(0.1) ? ['no-such-id'] : [])] },
  }
  return { operation }
}

export const listTransactions: Plan = (script) => {
  const version = script.version('ListTransactions')
  if (version === undefined) return undefined
  const stateFilters = script.chance(0.5) ? [] : [script.one('Ongoing', 'Empty', 'CompleteCommit', 'NoSuchState')]
  return {
    operation: {
      title: 'list transactions',
      api: 'ListTransactions',
      version,
      connection: 'transactions',
      about: [],
      request: { stateFilters, producerIdFilters: [] },
    },
  }
}

/** Runs into its time-out: begun with one second, and waited for; then its producer comes back, this once. */
export const timedOutTransaction: Plan = (script) => {
  const version = script.version('InitProducerId')
  const topic = script.pick(script.topics)
  if (version === undefined || topic === undefined) return undefined
  const producer = newProducer(script.fresh('t'), script.fresh('tx-'))
  const transactionalId = producer.transactionalId ?? ''
  const own = { producerId: { $: 'producerId', of: producer.name } }
  const epoch = { $: 'producerEpoch', of: producer.name, plus: 0 }
  const begin: Plan = () => ({
    operation: {
      title: 'add a partition and wait for the time-out',
      api: 'AddPartitionsToTxn',
      version: 3,
      ...about(producer),
      request: {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: own.producerId,
        v3AndBelowProducerEpoch: epoch,
        v3AndBelowTopics: [{ name: topic.name, partitions: [0] }],
      },
      settle: [{ kind: 'transaction timed out', transactionalId }],
    },
  })
  const end: Plan = () => ({
    operation: {
      title: 'end a transaction that timed out',
      api: 'EndTxn',
      version: script.version('EndTxn', { max: 4 }) ?? 4,
      ...about(producer),
      request: { transactionalId, ...own, producerEpoch: epoch, committed: true },
    },
  })
  script.queue.push(begin, end)
  return {
    operation: {
      title: 'init a producer with a time-out of a second',
      api: 'InitProducerId',
      version,
      ...about(producer),
      names: { producer: producer.name },
      request: { transactionalId, transactionTimeoutMs: 1_000 },
    },
  }
}
