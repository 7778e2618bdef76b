import type { DomainEvent } from '@keyfold/eventsourcing'
import type { PartitionWrite, RecordToWrite } from '@keyfold/kafka'
import type { CommandOutcome, Position } from '../command-outcome.ts'
import { encodeEnvelope } from '../envelope.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import { repeatedOutcome } from './repeated-outcome.ts'
import type { Claim, WriterContext } from './claim.ts'
import { decideCommand, type DecidedCommand } from './decide.ts'
import type { PendingCommand } from './pending-command.ts'
import { encodeState, forgetOutcome, type StoredOutcome } from './state-records.ts'

type EventsDecided = Extract<DecidedCommand, { kind: 'events' }>

/** An answer that waits for the batch; `eventsBase` is the offset of the batch's first event. */
interface HeldReply {
  readonly pending: PendingCommand
  readonly onCommit: (eventsBase: number) => CommandOutcome
}

/** Of one transaction, since a tombstone is not urgent. */
const tombstonesAtOnce = 100

/**
 * One transaction in the making. Commands are decided in the order in which they came, each on the state that the ones
 * before it leave: the partition's memory runs ahead of the log until the batch is committed, and is thrown away when
 * it is not. No caller of a new command hears anything before that, rejections included: they rest on
 * state that is not durable yet.
 */
export class Batch {
  readonly id: string
  /** Commands that have to wait for the next batch, in order. */
  readonly left: PendingCommand[] = []
  /** Repeats of commands whose outcome is known. */
  readonly answered: PendingCommand[] = []
  readonly #context: WriterContext
  readonly #claim: Claim
  readonly #events: RecordToWrite[] = []
  readonly #state: RecordToWrite[] = []
  readonly #held: HeldReply[] = []
  /** Index of the last event of each aggregate in this batch. */
  readonly #lastIndexes = new Map<string, number>()
  readonly #leftKeys = new Set<string>()
  #bytes = 0
  #tombstones = 0
  /** An answer depends on the partition still being ours. */
  #needsProof = false
  #spoilt = false
  #full = false

  constructor(context: WriterContext, claim: Claim) {
    this.#context = context
    this.#claim = claim
    this.id = context.newId()
  }

  /** Commands whose callers wait for this batch. */
  get pending(): readonly PendingCommand[] {
    return this.#held.map(({ pending }) => pending)
  }

  /** An aggregate failed half-way through its own events: the memory must be read anew. */
  get spoilt(): boolean {
    return this.#spoilt
  }

  /** Decides a command and takes it in, or leaves it for the next batch. */
  async add(pending: PendingCommand): Promise<void> {
    const { request } = pending
    const { ledger } = this.#claim.memory
    if (this.#full || this.#leftKeys.has(request.key)) return this.#leave(pending)
    const known = ledger.find(request.commandId)
    if (known !== undefined) {
      // Rests on what is durable already: true whatever becomes of this batch.
      pending.settle(await repeatedOutcome(this.#context, pending, known))
      this.answered.push(pending)
      return
    }
    const memory = this.#claim.memory.of(request.key)
    const decided = await decideCommand(this.#context, request, memory)
    if (decided.kind === 'failed') {
      this.#needsProof ||= decided.dependsOnState
      this.#holdFailure(pending, decided.error)
    } else if (decided.kind === 'rejected') {
      const { version } = memory
      const { rejection } = decided
      const { commandId } = request
      this.#record(pending, { version, rejection })
      this.#hold(pending, () => ({ kind: 'rejected', rejection, version, duplicate: false, commandId }))
    } else if (decided.events.length === 0) this.#addNothing(pending)
    else this.#addEvents(pending, decided)
    this.#claim.memory.dropIfNew(request.key)
  }

  /** What the transaction writes; nothing when no answer depends on it. */
  writes(): readonly PartitionWrite[] {
    const { aggregate, partition, stateTopic } = this.#context
    if (this.#events.length === 0 && this.#state.length === 0 && this.#needsProof)
      this.#state.push(encodeState({ kind: 'Barrier', batchId: this.id }))
    const writes: PartitionWrite[] = []
    if (this.#events.length > 0) writes.push({ topic: aggregate.topic, partition, records: this.#events })
    // Tombstones travel with what has to be written anyway.
    if (this.#events.length + this.#state.length > 0) {
      const { forgotten } = this.#claim.memory
      this.#tombstones = Math.min(forgotten.length, tombstonesAtOnce)
      this.#state.push(...forgotten.slice(0, this.#tombstones).map(forgetOutcome))
    }
    if (this.#state.length > 0) writes.push({ topic: stateTopic, partition, records: this.#state })
    return writes
  }

  /** The batch is durable: settles the memory and answers the callers. */
  committed(eventsBase: number): void {
    const { memory } = this.#claim
    for (const [key, index] of this.#lastIndexes) memory.of(key).lastOffset = eventsBase + index
    memory.forgotten.splice(0, this.#tombstones)
    for (const { pending, onCommit } of this.#held) pending.settle(onCommit(eventsBase))
  }

  #addNothing(pending: PendingCommand): void {
    const { commandId, key } = pending.request
    // Its answer names the aggregate's last event, whose offset must be known before it can be recorded.
    if (this.#lastIndexes.has(key)) return this.#leave(pending)
    const { version, lastOffset } = this.#claim.memory.of(key)
    this.#record(pending, { version, ...(lastOffset === null ? {} : { lastOffset }) })
    const position = lastOffset === null ? null : this.#position(lastOffset)
    this.#hold(pending, () => ({ kind: 'committed', version, position, events: [], duplicate: false, commandId }))
  }

  #addEvents(pending: PendingCommand, { events, now }: EventsDecided): void {
    const { key, commandId, fingerprint, correlationId, causationId } = pending.request
    const { aggregate, application, limits, newId } = this.#context
    const { memory, generation } = this.#claim
    const { version } = memory.of(key)
    const records = events.map(({ type, encoded }, index) =>
      encodeEnvelope(
        {
          source: `/${application}/${aggregate.name}`,
          key,
          type,
          time: now,
          eventId: newId(),
          version: version + index + 1,
          commandId,
          commandFingerprint: fingerprint,
          commandIndex: index,
          commandSize: events.length,
          batchId: this.id,
          ownerEpoch: generation,
          correlationId,
          causationId,
        },
        encoded,
      ),
    )
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
    if (bytes > limits.batchBytes) return this.#tooLarge(pending, bytes)
    if (this.#bytes + bytes > limits.batchBytes) {
      this.#full = true
      return this.#leave(pending)
    }
    if (!this.#evolve(pending, { kind: 'events', events, now })) return
    this.#bytes += bytes
    this.#events.push(...records)
    const lastIndex = this.#events.length - 1
    this.#lastIndexes.set(key, lastIndex)
    const said: DomainEvent[] = events.map(({ type, encoded }) => ({ type, data: encoded.data }))
    const after = version + events.length
    this.#hold(pending, (eventsBase) => {
      const lastOffset = eventsBase + lastIndex
      const entry = { commandId, key, fingerprint, batchId: this.id, version: after, lastOffset, size: said.length }
      memory.ledger.accept({ kind: 'Accepted', ...entry })
      const position = this.#position(lastOffset)
      return { kind: 'committed', version: after, position, events: said, duplicate: false, commandId }
    })
  }

  /** False when the aggregate could not take its own events: the command fails, and its memory is spoilt. */
  #evolve(pending: PendingCommand, { events, now }: EventsDecided): boolean {
    const { key, name } = pending.request
    try {
      for (const { type, encoded } of events) this.#claim.memory.evolve(key, [{ type, data: encoded.data }], now)
      return true
    } catch (error) {
      this.#spoilt = true
      this.#leftKeys.add(key)
      this.#holdFailure(pending, asKeyfoldError(error, 'COMMAND_FAILED', `applying the events of ${name} for ${key}`))
      return false
    }
  }

  #record(pending: PendingCommand, outcome: Pick<StoredOutcome, 'version' | 'rejection' | 'lastOffset'>): void {
    this.#needsProof = true
    const { idGiven, commandId, key, fingerprint } = pending.request
    if (!idGiven) return
    const stored: StoredOutcome = { kind: 'Outcome', commandId, key, fingerprint, batchId: this.id, ...outcome }
    const { memory } = this.#claim
    const record = encodeState(stored)
    this.#state.push(record)
    this.#bytes += sizeOf(record)
    memory.forgotten.push(...memory.ledger.keep(stored))
  }

  #tooLarge(pending: PendingCommand, bytes: number): void {
    const { batchBytes } = this.#context.limits
    const message = `the events of ${pending.request.name} take ${bytes} bytes; ${batchBytes} fit into one transaction`
    this.#holdFailure(pending, fail('COMMAND_TOO_LARGE', message, { details: { bytes, max: batchBytes } }))
  }

  #holdFailure(pending: PendingCommand, error: ReturnType<typeof asKeyfoldError>): void {
    this.#hold(pending, () => ({ kind: 'failed', error, commandId: pending.request.commandId }))
  }

  #hold(pending: PendingCommand, onCommit: HeldReply['onCommit']): void {
    pending.batchIds.add(this.id)
    this.#held.push({ pending, onCommit })
  }

  #leave(pending: PendingCommand): void {
    this.#leftKeys.add(pending.request.key)
    this.left.push(pending)
  }

  #position(offset: number): Position {
    return { topic: this.#context.aggregate.topic, partition: this.#context.partition, offset }
  }
}

function sizeOf({ key, value, headers = {} }: RecordToWrite): number {
  let bytes = 32 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) bytes += 4 + name.length + (headers[name]?.length ?? 0)
  return bytes
}
