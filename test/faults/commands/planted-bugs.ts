import type { CommitOutcome, KafkaClient, PartitionWrite, TransactionalProducer } from '@keyfold/kafka'
import { CommandLedger } from '../../../libs/event-store/src/writer/command-ledger.ts'
import { nextStep, type WriterStep } from '../../../libs/event-store/src/writer/writer-machine.ts'

/*
 * Faults that event stores on Kafka have had, put into this one from outside: nothing in the product knows of them. Most
 * stand between the event store and its Kafka client, so that they are the same whatever the store looks like inside.
 */

/** Takes the process's Kafka client and gives back the one that it will use. */
type PlantedBug = (kafka: KafkaClient) => KafkaClient

let opened = 0

export const plantedBugs = {
  /** Every producer has an id of its own, so that InitProducerId fences nobody. */
  'no fencing': (kafka) =>
    withProducers(kafka, (options) =>
      kafka.openTransactionalProducer({
        ...options,
        transactionalId: `${options.transactionalId}.${process.pid}.${opened++}`,
      }),
    ),

  /** The log is taken to end where it did when this process asked first; nobody looks where its first events land. */
  'no re-read at a claim': (kafka) => {
    const ends = new Map<string, readonly number[]>()
    const deaf = withCommits(kafka, (producer, writes) =>
      producer.commit(writes.map(({ topic, partition, records }) => ({ topic, partition, records }))),
    )
    return {
      ...deaf,
      endOffsets: async (topic, isolation) => {
        const known = ends.get(topic) ?? (await kafka.endOffsets(topic, isolation))
        ends.set(topic, known)
        return known
      },
    }
  },

  /** A commit is taken for done when it has begun; what became of it is learned at the next one. */
  'replies before the commit': (kafka) => {
    const underWay = new WeakMap<TransactionalProducer, Promise<CommitOutcome>>()
    return withCommits(kafka, async (producer, writes) => {
      const before = await underWay.get(producer)
      if (before !== undefined && before.kind !== 'committed') return before
      const baseOffsets = writes.map(async ({ topic, partition }) => {
        const ends = await kafka.endOffsets(topic, 'uncommitted')
        return ends[partition] ?? 0
      })
      const outcome: CommitOutcome = { kind: 'committed', baseOffsets: await Promise.all(baseOffsets) }
      underWay.set(producer, producer.commit(writes))
      return outcome
    })
  },

  /** Who was fenced takes its last batch for committed. */
  'fenced taken for committed': (kafka) =>
    withOutcomes(kafka, 'fenced', () => ({ kind: 'committed', baseOffsets: [0, 0] })),

  /** What was not answered is taken for committed. */
  'unknown taken for committed': (kafka) =>
    withOutcomes(kafka, 'unknown', () => ({ kind: 'committed', baseOffsets: [0, 0] })),

  /** Each event is committed for itself. */
  'a transaction for every record': (kafka) =>
    withCommits(kafka, async (producer, writes) => {
      const baseOffsets: number[] = []
      for (const { topic, partition, records } of writes) {
        for (const [index, record] of records.entries()) {
          const outcome = await producer.commit([{ topic, partition, records: [record] }])
          if (outcome.kind !== 'committed') return outcome
          if (index === 0) baseOffsets.push(outcome.baseOffsets[0] ?? 0)
        }
      }
      return { kind: 'committed', baseOffsets }
    }),

  /** Records of aborted transactions are read, too. */
  'reads what was aborted': (kafka) => ({
    ...methodsOf(kafka),
    openPartitionReader: (options) => kafka.openPartitionReader({ ...options, isolation: 'uncommitted' }),
  }),

  /** No command id is ever found again. */
  'command ids forgotten': (kafka) => {
    CommandLedger.prototype.find = () => undefined
    return kafka
  },

  /** After an unknown outcome nothing is claimed or read: the batch is decided anew on what is in memory. */
  'no new claim after an unknown outcome': (kafka) => {
    const step: { -readonly [Key in keyof WriterStep]: WriterStep[Key] } = nextStep('committing', 'unknown')
    step.to = 'open'
    step.effects = ['requeue', 'cutNext']
    return reopening(kafka)
  },
} satisfies Readonly<Record<string, PlantedBug>>

export type PlantedBugName = keyof typeof plantedBugs

function methodsOf(kafka: KafkaClient): KafkaClient {
  return {
    cluster: () => kafka.cluster(),
    ensureTopics: (topics) => kafka.ensureTopics(topics),
    describeTopics: (names, keys) => kafka.describeTopics(names, keys),
    endOffsets: (topic, isolation) => kafka.endOffsets(topic, isolation),
    startOffsets: (topic) => kafka.startOffsets(topic),
    openTransactionalProducer: (options) => kafka.openTransactionalProducer(options),
    openPartitionReader: (options) => kafka.openPartitionReader(options),
    ...(kafka.groups === undefined ? {} : { groups: kafka.groups }),
    close: () => kafka.close(),
  }
}

function withProducers(kafka: KafkaClient, open: KafkaClient['openTransactionalProducer']): KafkaClient {
  return { ...methodsOf(kafka), openTransactionalProducer: open }
}

function withCommits(
  kafka: KafkaClient,
  commit: (producer: TransactionalProducer, writes: readonly PartitionWrite[]) => Promise<CommitOutcome>,
): KafkaClient {
  return withProducers(kafka, async (options) => {
    const producer = await kafka.openTransactionalProducer(options)
    const { transactionalId, producerId, producerEpoch } = producer
    const close = () => producer.close()
    return { transactionalId, producerId, producerEpoch, close, commit: (writes) => commit(producer, writes) }
  })
}

function withOutcomes(kafka: KafkaClient, kind: CommitOutcome['kind'], instead: () => CommitOutcome): KafkaClient {
  return withCommits(kafka, async (producer, writes) => {
    const outcome = await producer.commit(writes)
    return outcome.kind === kind ? instead() : outcome
  })
}

/** A producer that is finished is silently replaced by a new one. */
function reopening(kafka: KafkaClient): KafkaClient {
  return withProducers(kafka, async (options) => {
    let producer = await kafka.openTransactionalProducer(options)
    const { transactionalId, producerId, producerEpoch } = producer
    const close = () => producer.close()
    const commit = async (writes: readonly PartitionWrite[]) => {
      const outcome = await producer.commit(writes)
      if (outcome.kind === 'unknown') producer = await kafka.openTransactionalProducer(options)
      return outcome
    }
    return { transactionalId, producerId, producerEpoch, close, commit }
  })
}
