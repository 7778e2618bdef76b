import { EndTxn } from '@keyfold/protocol'
import { delay } from './back-off.ts'
import { brokerErrorName } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { done, gravest, inDoubt, notAnswered, refusal, type StepOutcome } from './commit-step.ts'
import { judgeAddPartitions, judgeEndTxn, type Verdict } from './commit-verdicts.ts'
import type { Coordinator } from './coordinator.ts'
import { KafkaClientError } from './errors.ts'
import { type LastTransaction, lastTransaction, settleForgotten } from './forgotten-transactions.ts'
import type { CommitOutcome, Offset, PartitionPlace, PartitionWrite, TransactionalProducer } from './kafka-client.ts'
import type { NodeLink } from './node-link.ts'
import { produceAll } from './produce.ts'
import { encodeRecordBatch } from './record-batch-encoder.ts'
import { retrying } from './retry.ts'
import { apis } from './wire-apis.ts'

export interface Identity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** Newest versions of Produce: for partitions that were added before, and for those that it adds itself (KIP-890). */
const produceVersions = { added: 7, adding: 12 } as const
/** The same for EndTxn: version 5 answers with the epoch of the next transaction. */
const endVersions = { sameEpoch: 1, nextEpoch: 5 } as const

/** So long after the end of a transaction its markers are hardly ever still on their way. */
const markersTakeMs = 25

export interface ProducerTraits {
  readonly transactionTimeoutMs: number
  /** Transactions of version 2 (KIP-890): nothing is announced, and each has an epoch of its own. */
  readonly bumpsEpoch: boolean
  /** EndTxn is answered before its markers are written: as an Apache Kafka does it. */
  readonly endsLater: boolean
}

/** Where a transaction ended, and the connection to the coordinator that took its end. */
interface EndedTransaction {
  readonly places: readonly PartitionPlace[]
  readonly link: NodeLink
  readonly atMs: number
}

/**
 * The newest producer of one transactional id; one transaction at a time. kafkajs's own producer is not used: it rewinds
 * sequences on failure, looks the coordinator up twice per transaction and sticks after a failed commit.
 */
export class FencedProducer implements TransactionalProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly #cluster: Cluster
  readonly #coordinator: Coordinator
  readonly #traits: ProducerTraits
  #identity: Identity
  #ended: EndedTransaction | undefined
  /** The next sequence number, by topic and partition; a new epoch starts at 0. */
  readonly #sequences = new Map<string, number>()
  #busy = false
  #finished: Exclude<CommitOutcome, { kind: 'committed' }> | undefined

  constructor(cluster: Cluster, coordinator: Coordinator, identity: Identity, traits: ProducerTraits) {
    this.transactionalId = identity.transactionalId
    this.producerId = identity.producerId
    this.producerEpoch = identity.producerEpoch
    this.#cluster = cluster
    this.#coordinator = coordinator
    this.#identity = identity
    this.#traits = traits
  }

  async commit(writes: readonly PartitionWrite[]): Promise<CommitOutcome> {
    if (this.#busy) throw new TypeError('a producer commits one transaction at a time: wait for the one before')
    if (this.#finished !== undefined) return this.#finished
    refuseTwice(writes)
    const filled = writes.filter(({ records }) => records.length > 0)
    this.#busy = true
    try {
      const startedAtMs = Date.now()
      const ended = await this.#transact(filled)
      const isLate = Date.now() - startedAtMs >= this.#traits.transactionTimeoutMs
      const isTimeOut = isLate && (ended.kind === 'fenced' || ended.kind === 'unknown') && (await this.#hasTimedOut())
      const outcome = isTimeOut ? this.#timedOut(ended.error) : ended
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
    const begun = await this.#begin(writes)
    if (begun.kind !== 'done') return undone(begun)
    const baseOffsets: Offset[] = []
    const produced = await this.#produceAll(writes, baseOffsets)
    if (produced.kind === 'refused') return this.#abort(writes, produced.error)
    if (produced.kind !== 'done') return undone(produced)
    const misplaced = writes.findIndex(
      ({ expectedOffset }, index) => expectedOffset !== undefined && expectedOffset !== baseOffsets[index],
    )
    const write = writes[misplaced]
    if (write !== undefined) return this.#abort(writes, unexpectedOffset(write, baseOffsets[misplaced]))
    const ended = await this.#end(writes, true)
    if (ended.kind === 'done') return { kind: 'committed', baseOffsets }
    return { kind: ended.kind === 'fenced' ? 'fenced' : 'unknown', error: ended.error }
  }

  /** Repeating this is always safe: nothing is in the transaction yet that it could add twice. */
  async #begin(writes: readonly PartitionWrite[]): Promise<StepOutcome> {
    return this.#repeating('AddPartitionsToTxn', judgeAddPartitions, 'refused', async () => {
      await inDoubt(this.#settleAfterReconnect())
      return this.#traits.bumpsEpoch ? await this.#awaitMarkers() : this.#addPartitions(writes)
    })
  }

  /**
   * A Produce that adds its partitions while the transaction before still gets its markers is kept back by the leader in
   * steps of 20 ms (add.partitions.to.txn.retry.backoff.ms); asking the coordinator costs a fraction of that.
   */
  async #awaitMarkers(): Promise<'NONE' | 'CONCURRENT_TRANSACTIONS'> {
    if (!this.#traits.endsLater || Date.now() - (this.#ended?.atMs ?? 0) > markersTakeMs) return 'NONE'
    return isBeingEnded(await this.#last()) ? 'CONCURRENT_TRANSACTIONS' : 'NONE'
  }

  async #addPartitions(writes: readonly PartitionWrite[]): Promise<string> {
    const topics = Map.groupBy(writes, ({ topic }) => topic)
    const { errors } = await this.#coordinator.call(apis.addPartitionsToTxn, {
      ...this.#identity,
      producerId: String(this.#identity.producerId),
      topics: Array.from(topics, ([topic, of]) => ({ topic, partitions: of.map(({ partition }) => partition) })),
    })
    const codes = errors.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode))
    // Partitions that were not tried hide the one that was the reason.
    const failed = codes.filter((code) => code !== 0).map(brokerErrorName)
    return failed.find((name) => name !== 'OPERATION_NOT_ATTEMPTED') ?? failed[0] ?? 'NONE'
  }

  async #produceAll(writes: readonly PartitionWrite[], baseOffsets: Offset[]): Promise<StepOutcome> {
    const nowMs = Date.now()
    const prepared = writes.map(({ topic, partition, records }) => {
      const baseSequence = this.#sequences.get(`${topic}/${partition}`) ?? 0
      const batch = encodeRecordBatch(records, { ...this.#identity, baseSequence }, nowMs)
      return { topic, partition, batch, nextSequence: nextSequence(baseSequence, records.length) }
    })
    const { lane } = this.#coordinator
    const versionMax = this.#traits.bumpsEpoch ? produceVersions.adding : produceVersions.added
    const route = { lane, transactionalId: this.transactionalId, versionMax }
    const outcomes = await produceAll(this.#cluster, route, prepared)
    outcomes.forEach((outcome, index) => {
      const write = prepared[index]
      if (outcome.kind !== 'done' || write === undefined) return
      this.#sequences.set(`${write.topic}/${write.partition}`, write.nextSequence)
      baseOffsets[index] = outcome.baseOffset
    })
    return gravest(outcomes)
  }

  async #abort(writes: readonly PartitionPlace[], cause: Error): Promise<CommitOutcome> {
    const ended = await this.#end(writes, false)
    if (ended.kind === 'done') return { kind: 'aborted', error: cause }
    return { kind: ended.kind === 'fenced' ? 'fenced' : 'unknown', error: ended.error }
  }

  /**
   * EndTxn is repeated only after an answer that says the coordinator is not here or busy. After a lost answer a second
   * EndTxn could meet a later transaction of the same epoch (KAFKA-17754), and where each has its own, nobody has told
   * this producer the next one: so the producer ends there.
   */
  async #end(writes: readonly PartitionPlace[], committed: boolean): Promise<StepOutcome> {
    const versionMax = this.#traits.bumpsEpoch ? endVersions.nextEpoch : endVersions.sameEpoch
    let attempts = 0
    const outcome = await this.#repeating('EndTxn', judgeEndTxn, 'unknown', async () => {
      const link = await this.#coordinator.link()
      attempts++
      const { errorCode, ...next } = await inDoubt(link.ask(EndTxn, { ...this.#identity, committed }, versionMax))
      if (errorCode === 0) {
        // The places only: the records must not stay in memory until the next transaction.
        const places = writes.map(({ topic, partition }) => ({ topic, partition }))
        this.#ended = { places, link, atMs: Date.now() }
        this.#moveOn(next)
      }
      return brokerErrorName(errorCode)
    })
    // Fenced after a first, doubtful answer: that attempt may have decided the transaction.
    return outcome.kind === 'fenced' && attempts > 1 ? { kind: 'unknown', error: outcome.error } : outcome
  }

  /** Takes the epoch of the next transaction, and with used up epochs the new producer id; an older broker tells none. */
  #moveOn({ producerId, producerEpoch }: Omit<Identity, 'transactionalId'>): void {
    if (producerEpoch < 0) return
    this.#identity = { transactionalId: this.transactionalId, producerId, producerEpoch }
    this.#sequences.clear()
  }

  /**
   * A connection that broke may mean a node that restarted, and one that restarts may forget to end a transaction that it
   * has decided (`forgotten-transactions.ts`). That is looked for before the next one begins, which would take it over.
   * Errors: those of `settleForgotten`.
   */
  async #settleAfterReconnect(): Promise<void> {
    const { transactionalId } = this
    const ended = this.#ended
    if (ended === undefined || ended.link.alive) return
    const { places } = ended
    const before = (): void => places.forEach(({ topic }) => this.#cluster.forget(topic))
    await retrying({ deadlineMs: this.#cluster.settings.requestTimeoutMs, capMs: 200, before }, async () => {
      const last = await this.#last()
      if (isBeingEnded(last))
        throw new KafkaClientError('BROKER_BUSY', `a transaction of ${transactionalId} is being ended`)
      // Otherwise somebody else has the id, and the next step will say so; or a repeated one has begun the next already.
      const isLast =
        last?.producerId === this.#identity.producerId && last.producerEpoch === this.#identity.producerEpoch
      if (isLast && last.state.startsWith('Complete'))
        await settleForgotten(this.#cluster, { transactionalId, last, places, lane: this.#coordinator.lane })
    })
    this.#ended = undefined
  }

  /** The cluster fences a producer, too, whose transaction takes too long: then nobody else has the id. */
  async #hasTimedOut(): Promise<boolean> {
    try {
      const last = await this.#last()
      return last !== undefined && isTimeOut(last, this.#identity)
    } catch (error) {
      notAnswered(error)
      return false
    }
  }

  /** The newest transaction of the id, anybody's. Errors: those of `lastTransaction`. */
  async #last(): Promise<LastTransaction | undefined> {
    return lastTransaction(this.#coordinator, await this.#coordinator.link(), this.transactionalId)
  }

  #timedOut(cause: Error): CommitOutcome {
    const { transactionTimeoutMs } = this.#traits
    const message = `the cluster aborted a transaction of ${this.transactionalId} that took longer than ${transactionTimeoutMs} ms`
    return { kind: 'unknown', error: new KafkaClientError('TRANSACTION_TIMED_OUT', message, { cause }) }
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
}

/** It is decided, and its markers are on their way. */
function isBeingEnded(last: LastTransaction | undefined): boolean {
  return last?.state.startsWith('Prepare') === true
}

/** A time-out raises the epoch as a new owner does, but nobody has opened the id since: then it would be empty. */
function isTimeOut({ state, ...last }: LastTransaction, own: Identity): boolean {
  return state.endsWith('Abort') && last.producerId === own.producerId && last.producerEpoch > own.producerEpoch
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
