import { delay } from './back-off.ts'
import { brokerError, brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { done, gravest, inDoubt, notAnswered, refusal, type StepOutcome } from './commit-step.ts'
import { judgeAddPartitions, judgeEndTxn, judgeInit, type Verdict } from './commit-verdicts.ts'
import { Coordinator } from './coordinator.ts'
import { KafkaClientError } from './errors.ts'
import type {
  CommitOutcome,
  Offset,
  PartitionWrite,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './kafka-client.ts'
import { produceAll } from './produce.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'
import { retrying } from './retry.ts'
import { apis } from './wire-apis.ts'

interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

const initDeadlineMs = 60_000

/**
 * Runs InitProducerId until the cluster has decided every earlier transaction of the id.
 * Errors: `BROKER_REFUSED`, `BROKER_BUSY` or `KAFKA_UNREACHABLE` when the cluster does not get there in time.
 */
export async function openTransactionalProducer(
  cluster: Cluster,
  options: TransactionalProducerOptions,
  lane: string,
): Promise<FencedProducer> {
  const { transactionalId, transactionTimeoutMs } = options
  const coordinator = new Coordinator(cluster, transactionalId, lane)
  const identity = await retrying({ deadlineMs: initDeadlineMs, firstWaitMs: 10, capMs: 20 }, async () => {
    const response = await coordinator.call(apis.initProducerId, {
      transactionalId,
      transactionTimeout: transactionTimeoutMs,
    })
    if (response.errorCode === 0) return response
    const errorName = brokerErrorName(response.errorCode)
    if (judgeInit(errorName) === 'retry') {
      coordinator.mayHaveMoved(errorName)
      throw new KafkaClientError('BROKER_BUSY', `InitProducerId of ${transactionalId}: ${errorName}`)
    }
    throw brokerError(errorName, `InitProducerId of ${transactionalId}`)
  })
  const { producerId, producerEpoch } = identity
  return new FencedProducer(cluster, coordinator, { transactionalId, producerId: Number(producerId), producerEpoch })
}

/**
 * One epoch of one transactional id; one transaction at a time. kafkajs's own producer is not used: it rewinds
 * sequences on failure, looks the coordinator up twice per transaction and sticks after a failed commit.
 */
export class FencedProducer implements TransactionalProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly #cluster: Cluster
  readonly #coordinator: Coordinator
  readonly #identity: Identity
  /** The next sequence number, by topic and partition; a new epoch starts at 0. */
  readonly #sequences = new Map<string, number>()
  #busy = false
  #finished: Exclude<CommitOutcome, { kind: 'committed' }> | undefined

  constructor(cluster: Cluster, coordinator: Coordinator, identity: Identity) {
    this.transactionalId = identity.transactionalId
    this.producerId = identity.producerId
    this.producerEpoch = identity.producerEpoch
    this.#cluster = cluster
    this.#coordinator = coordinator
    this.#identity = identity
  }

  async commit(writes: readonly PartitionWrite[]): Promise<CommitOutcome> {
    if (this.#busy) throw new TypeError('a producer commits one transaction at a time: wait for the one before')
    if (this.#finished !== undefined) return this.#finished
    refuseTwice(writes)
    const filled = writes.filter(({ records }) => records.length > 0)
    this.#busy = true
    try {
      const outcome = await this.#transact(filled)
      if (outcome.kind === 'fenced' || outcome.kind === 'unknown') this.#finished = outcome
      if (outcome.kind !== 'committed') return outcome
      const offsets = new Map(filled.map((write, index) => [write, outcome.baseOffsets[index] ?? 0]))
      return { kind: 'committed', baseOffsets: writes.map((write) => offsets.get(write) ?? 0) }
    } finally {
      this.#busy = false
    }
  }

  async close(): Promise<void> {
    const error = new KafkaClientError('KAFKA_CLIENT_CLOSED', `the producer of ${this.transactionalId} was closed`)
    this.#finished ??= { kind: 'unknown', error }
  }

  async #transact(writes: readonly PartitionWrite[]): Promise<CommitOutcome> {
    if (writes.length === 0) return { kind: 'committed', baseOffsets: [] }
    const added = await this.#addPartitions(writes)
    if (added.kind !== 'done') return undone(added)
    const baseOffsets: Offset[] = []
    const produced = await this.#produceAll(writes, baseOffsets)
    if (produced.kind === 'refused') return this.#abort(produced.error)
    if (produced.kind !== 'done') return undone(produced)
    const misplaced = writes.findIndex(
      ({ expectedOffset }, index) => expectedOffset !== undefined && expectedOffset !== baseOffsets[index],
    )
    const write = writes[misplaced]
    if (write !== undefined) return this.#abort(unexpectedOffset(write, baseOffsets[misplaced]))
    const ended = await this.#end(true)
    if (ended.kind === 'done') return { kind: 'committed', baseOffsets }
    return { kind: ended.kind === 'fenced' ? 'fenced' : 'unknown', error: ended.error }
  }

  /** Repeating this request is always safe: nothing is in the transaction yet that it could add twice. */
  async #addPartitions(writes: readonly PartitionWrite[]): Promise<StepOutcome> {
    const topics = new Map<string, number[]>()
    for (const { topic, partition } of writes) topics.set(topic, [...(topics.get(topic) ?? []), partition])
    const request = {
      ...this.#wireIdentity(),
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    }
    return this.#repeating('AddPartitionsToTxn', judgeAddPartitions, 'refused', async () => {
      const { errors } = await this.#coordinator.call(apis.addPartitionsToTxn, request)
      const codes = errors.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode))
      // Partitions that were not tried hide the one that was the reason.
      const failed = codes.filter((code) => code !== 0).map(brokerErrorName)
      return failed.find((name) => name !== 'OPERATION_NOT_ATTEMPTED') ?? failed[0] ?? 'NONE'
    })
  }

  async #produceAll(writes: readonly PartitionWrite[], baseOffsets: Offset[]): Promise<StepOutcome> {
    const nowMs = Date.now()
    const prepared = writes.map(({ topic, partition, records }) => {
      const baseSequence = this.#sequences.get(`${topic}/${partition}`) ?? 0
      const batch = encodeRecordBatch(records, { ...this.#identity, baseSequence }, nowMs)
      return { topic, partition, batch, nextSequence: nextSequence(baseSequence, records.length) }
    })
    const { lane } = this.#coordinator
    const outcomes = await produceAll(this.#cluster, { lane, transactionalId: this.transactionalId }, prepared)
    outcomes.forEach((outcome, index) => {
      const write = prepared[index]
      if (outcome.kind !== 'done' || write === undefined) return
      this.#sequences.set(`${write.topic}/${write.partition}`, write.nextSequence)
      baseOffsets[index] = outcome.baseOffset
    })
    return gravest(outcomes)
  }

  async #abort(cause: Error): Promise<CommitOutcome> {
    const ended = await this.#end(false)
    if (ended.kind === 'done') return { kind: 'aborted', error: cause }
    return { kind: ended.kind === 'fenced' ? 'fenced' : 'unknown', error: ended.error }
  }

  /**
   * EndTxn is repeated only after an answer that says the coordinator is not here or busy. After a lost answer a second
   * EndTxn could meet a later transaction of the same epoch (KAFKA-17754), so the producer ends there.
   */
  async #end(transactionResult: boolean): Promise<StepOutcome> {
    let attempts = 0
    const outcome = await this.#repeating('EndTxn', judgeEndTxn, 'unknown', async () => {
      const link = await this.#coordinator.link()
      attempts++
      const request = { ...this.#wireIdentity(), transactionResult }
      return brokerErrorName((await inDoubt(link.call(apis.endTxn, request))).errorCode)
    })
    // Fenced after a first, doubtful answer: that attempt may have decided the transaction.
    return outcome.kind === 'fenced' && attempts > 1 ? { kind: 'unknown', error: outcome.error } : outcome
  }

  async #repeating(
    step: string,
    judge: (errorName: string) => Verdict,
    late: 'refused' | 'unknown',
    attempt: () => Promise<string>,
  ): Promise<StepOutcome> {
    const deadline = Date.now() + this.#cluster.settings.requestTimeoutMs
    const what = `${step} of ${this.transactionalId}`
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 1.5, 100)) {
      const answer = await attempt().catch((error: unknown) => notAnswered(error))
      if (answer === 'NONE') return done
      const tooLate = Date.now() + waitMs > deadline
      if (typeof answer !== 'string') {
        if (answer.inDoubt) return { kind: 'unknown', error: answer.error }
        if (tooLate || !answer.error.retriable) return { kind: late, error: answer.error }
        this.#coordinator.forget()
        await delay(Math.max(waitMs, 20))
        continue
      }
      const verdict = judge(answer)
      const error = refusal(verdict, answer, what)
      if (verdict !== 'retry') return { kind: verdict, error }
      if (tooLate) return { kind: late, error }
      this.#coordinator.mayHaveMoved(answer)
      await delay(answer === 'CONCURRENT_TRANSACTIONS' ? Math.min(waitMs, 5) : waitMs)
    }
  }

  #wireIdentity(): { transactionalId: string; producerId: string; producerEpoch: number } {
    return { ...this.#identity, producerId: String(this.#identity.producerId) }
  }
}

/** The outcome of a commit that got no further than this step. */
function undone({ kind, error }: Exclude<StepOutcome, { readonly kind: 'done' }>): CommitOutcome {
  return { kind: kind === 'refused' ? 'aborted' : kind, error }
}

const sequenceMax = 0x7fffffff

/** Sequences count to the largest int32 and go on at 0. */
export function nextSequence(baseSequence: number, records: number): number {
  return baseSequence > sequenceMax - records ? records - (sequenceMax - baseSequence) - 1 : baseSequence + records
}

function refuseTwice(writes: readonly PartitionWrite[]): void {
  const places = new Set(writes.map(({ topic, partition }) => `${topic}/${partition}`))
  if (places.size < writes.length) throw new TypeError('one transaction writes each partition once: join the records')
}

function unexpectedOffset({ topic, partition, expectedOffset }: PartitionWrite, offset: Offset | undefined): Error {
  const message = `records for ${topic}/${partition} were to start at offset ${expectedOffset}, and got ${offset}`
  return new KafkaClientError('OFFSET_UNEXPECTED', message, { details: { topic, partition, expectedOffset, offset } })
}
