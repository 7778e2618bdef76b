import { KeyfoldError } from '@keyfold/eventsourcing'
import type { CommitOutcome } from '@keyfold/kafka'
import type { CommandOutcome } from '../command-outcome.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EventStoreLogger } from '../event-store-options.ts'
import { Batch } from './batch.ts'
import { ClaimProof, isMisplaced } from './claim-proof.ts'
import { type Claim, claimPartition, type ClaimsSeen, type WriterContext } from './claim.ts'
import { InFlight } from './in-flight.ts'
import { type CommandRequest, PendingCommand } from './pending-command.ts'
import { Doubts, isAway, troubleOf } from './trouble.ts'
import { nextStep, type WriterEffect, type WriterEvent, type WriterState } from './writer-machine.ts'

/** Waiting times between claims that fail, in milliseconds. */
const claimAgain = { firstMs: 50, capMs: 2_000 }

/**
 * The one writer of one partition: takes commands in, decides and commits them in batches, and keeps the promises of
 * `writer-machine.ts` whatever the cluster does. Batches form by themselves: whoever comes while one is being committed
 * is in the next.
 */
export class PartitionWriter {
  readonly #context: WriterContext
  readonly #log: EventStoreLogger
  readonly #onFenced: () => void
  readonly #proof: ClaimProof
  #state: WriterState = 'claiming'
  /** The partition is another instance's now: what waits is sent there, not given up. */
  #handedBack = false
  #claim: Claim | undefined
  #claimsSeen: ClaimsSeen | undefined
  #refusal: Error | undefined
  #claimFailure: Error | undefined
  #queue: PendingCommand[] = []
  readonly #inFlight = new InFlight()
  /** The commands of the batch at work that have been taken from the queue. */
  #cut: PendingCommand[] = []
  #cutScheduled = false
  #claimAgainMs = claimAgain.firstMs
  readonly #doubts = { claim: new Doubts(), batch: new Doubts() }
  readonly #settledFirst = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()

  /** `onFenced` hears that another writer, or a time-out of the cluster, has taken the partition away. */
  constructor(context: WriterContext, log: EventStoreLogger, onFenced: () => void = () => undefined) {
    this.#context = context
    this.#log = log
    this.#onFenced = onFenced
    this.#proof = new ClaimProof(context)
  }

  get state(): WriterState {
    return this.#state
  }

  /** Takes the partition over. Resolves when it is open, or when it is clear that it will not be. */
  start(): Promise<void> {
    void this.#runClaim()
    return this.#settledFirst.promise
  }

  /** Takes a command in. The promise never rejects. */
  submit(request: CommandRequest): Promise<CommandOutcome> {
    const pending = new PendingCommand(request)
    pending.startDeadline((late) => this.#onDeadline(late))
    this.#enqueue(pending)
    return pending.outcome
  }

  /** Takes no more commands, lets the running commit finish, answers the rest. */
  close(): Promise<void> {
    this.#tell('closed')
    return this.#ended.promise
  }

  /** As `close`, for a partition that another instance owns from now on: what waits is answered `NOT_OWNER`. */
  release(): Promise<void> {
    this.#handedBack = true
    return this.close()
  }

  #enqueue(pending: PendingCommand): void {
    const { commandId, fingerprint } = pending.request
    const closedTo = this.#closedTo()
    if (closedTo !== undefined) return pending.settle({ kind: 'failed', error: closedTo, commandId })
    const first = this.#inFlight.get(commandId)
    if (first !== undefined) {
      if (first.request.fingerprint === fingerprint) first.followers.push(pending)
      else
        pending.settle({
          kind: 'failed',
          error: fail('COMMAND_ID_REUSED', `command id ${commandId} is at work for another command`),
          commandId,
        })
      return
    }
    if (this.#queue.length >= this.#context.limits.queuedCommands) {
      const error = fail('OVERLOADED', `${this.#queue.length} commands wait for partition ${this.#place()}`)
      return pending.settle({ kind: 'failed', error, commandId })
    }
    this.#inFlight.add(pending)
    this.#queue.push(pending)
    this.#scheduleCut()
  }

  /** Why no command is taken at the moment. */
  #closedTo(): KeyfoldError | undefined {
    if (this.#state === 'fenced') return this.#notOwner()
    if (this.#state === 'refused') return this.#refusedError()
    if (this.#state === 'closed' || this.#state === 'closing') return this.#closedError()
    return undefined
  }

  /** Waits one turn of the event loop: callers that were answered a moment ago get into the batch, too. */
  #scheduleCut(): void {
    if (this.#state !== 'open' || this.#cutScheduled || this.#queue.length === 0) return
    this.#cutScheduled = true
    setImmediate(() => {
      this.#cutScheduled = false
      if (this.#state === 'open' && this.#queue.length > 0) void this.#runBatch()
    })
  }

  async #runBatch(): Promise<void> {
    this.#tell('batchCut')
    this.#cut = this.#takeFromQueue()
    const event = await this.#decideAndCommit(this.#cut).catch((error: unknown) => this.#batchBroke(error))
    this.#tell(event)
  }

  /** No outcome but an error, here or in a codec: nothing may be written on what is in memory now. */
  #batchBroke(error: unknown): WriterEvent {
    this.#log('error', `a batch of ${this.#place()} broke off: ${String(error)}`)
    const trouble = troubleOf(error)
    const [only] = this.#cut
    // It was not sent, and there was nothing else in it: its own fault.
    if (trouble === 'doubtful' && only !== undefined && this.#cut.length === 1 && !only.inDoubt) {
      const cause = asKeyfoldError(error, 'COMMAND_FAILED', `${only.request.name} for ${only.request.key}`)
      this.#settle(only, { kind: 'failed', error: cause, commandId: only.request.commandId })
      return 'aborted'
    }
    if (this.#doubts.batch.isFinal(trouble)) {
      this.#refuse(error)
      return 'claimRefused'
    }
    return trouble === 'passing' || this.#cut.some(({ inDoubt }) => inDoubt) ? 'unknown' : 'aborted'
  }

  #takeFromQueue(): PendingCommand[] {
    const [first] = this.#queue
    if (first?.alone === true) return this.#queue.splice(0, 1)
    const lone = this.#queue.findIndex(({ alone }) => alone)
    const most = this.#context.limits.batchCommands
    return this.#queue.splice(0, lone < 0 ? most : Math.min(lone, most))
  }

  async #decideAndCommit(commands: readonly PendingCommand[]): Promise<WriterEvent> {
    const claim = this.#claimed()
    const batch = new Batch(this.#context, claim)
    for (const pending of commands) {
      const deciding = batch.add(pending)
      if (deciding !== undefined) await deciding
    }
    this.#putBack(batch.left)
    this.#cut = [...batch.pending]
    for (const pending of batch.answered) this.#release(pending)
    const writes = batch.writes()
    if (writes.length > 0) {
      if (!(await this.#proof.holdsWithoutEvents(claim, writes))) return 'unknown'
      for (const pending of batch.pending) pending.inDoubt = true
      const { onSignal } = this.#context
      const startedMs = onSignal === undefined ? 0 : performance.now()
      const outcome = await claim.producer.commit(this.#proof.demand(claim, writes))
      if (outcome.kind !== 'committed') return this.#notCommitted(outcome, batch)
      const { commands, events } = batch.counts
      onSignal?.({ kind: 'committed', ...this.#facts(), commands, events, durationMs: performance.now() - startedMs })
      this.#proof.given(claim, writes)
      batch.committed(outcome.baseOffsets)
      for (const pending of batch.pending) pending.inDoubt = false
      this.#doubts.batch.over()
    } else batch.committed([])
    return batch.spoilt ? 'committedSpoilt' : 'committed'
  }

  #notCommitted(outcome: Exclude<CommitOutcome, { kind: 'committed' }>, batch: Batch): WriterEvent {
    const { kind, error } = outcome
    this.#context.onSignal?.({ kind: 'notCommitted', ...this.#facts(), why: kind })
    this.#log(kind === 'fenced' ? 'warn' : 'error', `a batch of ${this.#place()} was not committed: ${kind}`, {
      batchId: batch.id,
      error: error.message,
    })
    if (kind !== 'unknown') for (const pending of batch.pending) pending.inDoubt = false
    // It is the claim that was wrong, not what these commands wrote: read everything again, then decide them again.
    if (isMisplaced(error)) return 'unknown'
    // Nobody refused them either: the cluster was not there in time.
    if (kind === 'aborted' && isAway(error)) return 'unknown'
    const [only] = this.#cut
    if (kind === 'aborted' && only !== undefined && this.#cut.length === 1) {
      const cause = fail('WRITE_REFUSED', `the cluster refused the records of ${only.request.name}: ${error.message}`, {
        cause: error,
      })
      this.#settle(only, { kind: 'failed', error: cause, commandId: only.request.commandId })
    }
    return kind
  }

  #tell(event: WriterEvent): void {
    const { to, effects } = nextStep(this.#state, event)
    this.#state = to
    for (const effect of effects) this.#effects[effect]()
    // A claim that has to wait for the cluster or the registry goes on by itself.
    this.#settledFirst.resolve()
    if (to === 'closed') this.#end()
    if (to === 'fenced') this.#fenced()
  }

  readonly #effects: Readonly<Record<WriterEffect, () => void>> = {
    claim: () => void this.#runClaim(),
    claimLater: () => this.#claimLater(),
    cutNext: () => this.#scheduleCut(),
    reply: () => this.#finishBatch(),
    requeue: () => this.#requeue(),
    requeueSingly: () => this.#requeue((pending) => (pending.alone = true)),
    requeueInDoubt: () => this.#requeue(),
    answerNotOwner: () => this.#answerAll(() => this.#notOwner()),
    answerRefused: () => this.#answerAll(() => this.#refusedError()),
    answerClosed: () => this.#answerAll(() => this.#closedError()),
  }

  async #runClaim(): Promise<void> {
    const earlier = this.#claim
    void earlier?.producer.close()
    try {
      const result = await claimPartition(this.#context, earlier, this.#claimsSeen)
      if (result.kind === 'claimed') {
        this.#claim = result.claim
        this.#claimsSeen = result.claim
        if (this.#state === 'closed') result.claim.memory.close()
        this.#claimFailure = undefined
        this.#doubts.claim.over()
        this.#claimAgainMs = claimAgain.firstMs
        this.#signalClaim(result.claim)
        this.#log('debug', `claimed ${this.#place()}`, { generation: result.claim.generation })
        return this.#tell('claimed')
      }
      if (result.kind === 'ownerChanged') return this.#tell('ownerChanged')
      this.#claimsSeen ??= result.seen
      this.#claimFailed(result.error)
    } catch (error) {
      if (!this.#doubts.claim.isFinal(troubleOf(error))) return this.#claimFailed(error)
      this.#refuse(error)
      this.#tell('claimRefused')
    }
  }

  #signalClaim({ generation, memory }: Claim): void {
    const isTakeOver = generation > 1 && memory.othersGeneration === generation - 1
    this.#context.onSignal?.({ kind: 'claimed', ...this.#facts(), generation, isTakeOver })
  }

  #facts() {
    const { aggregate, partition } = this.#context
    return { aggregate: aggregate.name, topic: aggregate.topic, partition }
  }

  #claimFailed(error: unknown): void {
    this.#claimFailure = error instanceof Error ? error : new Error(String(error))
    this.#log('warn', `${this.#place()} could not be claimed yet`, { error: String(error) })
    this.#tell('claimFailed')
  }

  #claimLater(): void {
    const waitMs = this.#claimAgainMs * (0.5 + Math.random() / 2)
    this.#claimAgainMs = Math.min(this.#claimAgainMs * 2, claimAgain.capMs)
    setTimeout(() => {
      if (this.#state === 'claiming' || this.#state === 'resolving') void this.#runClaim()
    }, waitMs)
  }

  #finishBatch(): void {
    for (const pending of this.#cut) this.#release(pending)
    this.#cut = []
  }

  #requeue(mark: (pending: PendingCommand) => void = () => undefined): void {
    const again = this.#cut.filter((pending) => this.#inFlight.has(pending))
    for (const pending of again) mark(pending)
    this.#cut = []
    this.#putBack(again)
  }

  #putBack(commands: readonly PendingCommand[]): void {
    if (commands.length > 0) this.#queue = [...commands, ...this.#queue]
  }

  #answerAll(reason: () => KeyfoldError): void {
    const waiting = this.#queue
    this.#queue = []
    for (const pending of waiting) {
      const { commandId } = pending.request
      if (pending.inDoubt)
        this.#settle(pending, { kind: 'unknown', error: outcomeUnknown(pending, reason()), commandId })
      else this.#settle(pending, { kind: 'failed', error: reason(), commandId })
    }
  }

  #settle(pending: PendingCommand, outcome: CommandOutcome): void {
    pending.settle(outcome)
    this.#release(pending)
  }

  /** The command is done: those who asked for the same get its answer, or their own try when it came to nothing. */
  #release(pending: PendingCommand): void {
    this.#inFlight.remove(pending)
    const { followers } = pending
    for (const follower of followers.splice(0)) if (!follower.settled) this.#enqueue(follower)
  }

  #onDeadline(pending: PendingCommand): void {
    const { commandId, deadlineMs, name } = pending.request
    const place = this.#queue.indexOf(pending)
    const leads = this.#inFlight.has(pending)
    if (leads && place >= 0 && !pending.inDoubt) {
      this.#queue.splice(place, 1)
      const cause = this.#state === 'open' ? undefined : this.#claimFailure
      const why = cause === undefined ? '' : `, which cannot be claimed: ${cause.message}`
      const message = `${name} waited ${deadlineMs} ms for ${this.#place()} (${this.#state})${why}`
      const error = fail('DEADLINE_EXCEEDED', message, { cause })
      return this.#settle(pending, { kind: 'failed', error, commandId })
    }
    // It stays at work: its end is kept under its id.
    const error = fail(
      'OUTCOME_UNKNOWN',
      `${name} has no outcome after ${deadlineMs} ms: ask again with the same command id`,
    )
    pending.settle({ kind: 'unknown', error, commandId })
  }

  #claimed(): Claim {
    if (this.#claim === undefined) throw new TypeError('a batch was cut without a claim')
    return this.#claim
  }

  /** Alone it does not take the partition back: nothing tells whether the other one is still there. */
  #fenced(): void {
    if (this.#context.grant === undefined) this.#log('error', `it stays so: ${this.#notOwner()}`)
    this.#onFenced()
  }

  #refuse(error: unknown): void {
    this.#refusal = error instanceof Error ? error : new Error(String(error))
    this.#log('error', `${this.#place()} is refused: ${String(error)}`)
  }

  #refusedError(): KeyfoldError {
    if (this.#refusal instanceof KeyfoldError) return this.#refusal
    return asKeyfoldError(this.#refusal, 'PARTITION_REFUSED', `${this.#place()} cannot be written to`)
  }

  #closedError(): KeyfoldError {
    if (this.#handedBack) return this.#notOwner()
    return fail('EVENT_STORE_CLOSED', 'the event store is closing')
  }

  #notOwner(): KeyfoldError {
    return fail('NOT_OWNER', `another instance of ${this.#context.application} has taken ${this.#place()} over`)
  }

  #place(): string {
    return `${this.#context.aggregate.topic}/${this.#context.partition}`
  }

  #end(): void {
    void this.#claim?.producer.close()
    this.#claim?.memory.close()
    this.#ended.resolve()
  }
}

function outcomeUnknown({ request }: PendingCommand, cause: KeyfoldError): KeyfoldError {
  const message = `the outcome of ${request.name} is not known (${cause.message}): ask again with the same command id`
  return fail('OUTCOME_UNKNOWN', message, { cause })
}
