import type { DomainEvent } from '@keyfold/eventsourcing'
import type { PartitionWrite, RecordToWrite } from '@keyfold/kafka'
import type { CommandOutcome, Position } from '../command-outcome.ts'
import { encodeEnvelope, HEADERS } from '../envelope.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import { repeatedOutcome } from './repeated-outcome.ts'
import type { Claim, WriterContext } from './claim.ts'
import { decideCommand, type DecidedCommand, type DecidedEvent, isStoreLost } from './decide.ts'
import type { AggregateMemory } from './aggregate-cache.ts'
import type { AcceptedCommand } from './command-ledger.ts'
import type { PartitionMemory } from './partition-memory.ts'
import type { PendingCommand } from './pending-command.ts'
import { encodeState, forgetOutcome, type Snapshot, type StoredOutcome } from './state-records.ts'

type EventsDecided = Extract<DecidedCommand, { kind: 'events' }>

/** An answer that waits for the batch; `eventsBase` is the offset of the batch's first event. */
interface HeldReply {
  readonly pending: PendingCommand
  readonly onCommit: (eventsBase: number) => CommandOutcome
}

/** Events of one aggregate next to each other; `lastIndex` counts the batch's events. */
interface BatchRun {
  readonly key: string
  readonly version: number
  readonly lastIndex: number
  readonly size: number
}

/** Of one transaction, since a tombstone is not urgent. */
const tombstonesAtOnce = 100
/** The same for snapshots. */
const snapshotsAtOnce = 20

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
  readonly #snapshots: readonly Snapshot[]
  readonly #held: HeldReply[] = []
  /** Index of the last event of each aggregate in this batch. */
  readonly #lastIndexes = new Map<string, number>()
  readonly #leftKeys = new Set<string>()
  readonly #runs: BatchRun[] = []
  #bytes = 0
  #tombstones = 0
  #stateRecords = 0
  /** An answer depends on the partition still being ours. */
  #needsProof = false
  #spoilt = false
  #full = false

  constructor(context: WriterContext, claim: Claim) {
    this.#context = context
    this.#claim = claim
    this.id = context.newId()
    // Before anything is decided: what is in memory now is what is committed.
    this.#snapshots = this.#snapshotsDue()
    claim.memory.runAhead()
  }

  /** Commands whose callers wait for this batch. */
  get pending(): readonly PendingCommand[] {
    return this.#held.map(({ pending }) => pending)
  }

  /** For metrics: the commands that wait for it, and the events that it writes. */
  get counts(): { readonly commands: number; readonly events: number } {
    return { commands: this.#held.length, events: this.#events.length }
  }

  /** An aggregate failed half-way through its own events: the memory must be read anew. */
  get spoilt(): boolean {
    return this.#spoilt
  }

  /** Decides a command and takes it in, or leaves it for the next batch; undefined when that is done already. */
  add(pending: PendingCommand): Promise<void> | undefined {
    if (this.#full || this.#leftKeys.has(pending.request.key)) {
      this.#leave(pending)
      return undefined
    }
    try {
      return this.#decide(pending)?.catch((error: unknown) => this.#stopAt(pending, error))
    } catch (error) {
      return this.#stopAt(pending, error)
    }
  }

  /** What was decided before it stands; the rest waits until the partition has been read again. */
  #stopAt(pending: PendingCommand, error: unknown): undefined {
    if (!isStoreLost(error)) throw error
    this.#storeLost(error)
    this.#leave(pending)
  }

  #decide(pending: PendingCommand): Promise<void> | undefined {
    const { request } = pending
    const { ledger } = this.#claim.memory
    // An id that was made for this call a moment ago cannot have been used before.
    const isNew = request.isFirstTry && pending.batchIds.length === 0
    const known = isNew ? undefined : ledger.find(request.commandId)
    if (known !== undefined) return this.#repeat(pending, known)
    const memory = this.#claim.memory.of(request.key)
    const decided = decideCommand(this.#context, request, this.#claim.memory)
    if (decided instanceof Promise) return decided.then((late) => this.#take(pending, memory, late))
    this.#take(pending, memory, decided)
    return undefined
  }

  /** Rests on what is durable already: true whatever becomes of this batch. */
  async #repeat(pending: PendingCommand, known: AcceptedCommand | StoredOutcome): Promise<void> {
    pending.settle(await repeatedOutcome(this.#context, pending, known))
    this.answered.push(pending)
  }

  #take(pending: PendingCommand, memory: AggregateMemory, decided: DecidedCommand): void {
    const { request } = pending
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
    this.#claim.memory.dropIfNew(request.key, memory)
  }

  /** What the transaction writes; nothing when no answer depends on it. */
  writes(): readonly PartitionWrite[] {
    const { aggregate, partition, stateTopic } = this.#context
    if (this.#events.length === 0 && this.#state.length === 0 && this.#needsProof)
      this.#state.push(encodeState({ kind: 'Barrier', batchId: this.id }))
    const writes: PartitionWrite[] = []
    if (this.#events.length > 0) writes.push({ topic: aggregate.topic, partition, records: this.#events })
    // Tombstones and snapshots travel with what has to be written anyway.
    if (this.#events.length + this.#state.length > 0) {
      const forgotten = this.#claim.memory.ledger.expired(tombstonesAtOnce)
      this.#tombstones = forgotten.length
      this.#state.push(...forgotten.map(forgetOutcome), ...this.#snapshots.map(encodeState))
    }
    this.#stateRecords = this.#state.length
    if (this.#state.length > 0) writes.push({ topic: stateTopic, partition, records: this.#state })
    return writes
  }

  /** The batch is durable: settles the memory and answers the callers. `baseOffsets` are those of `writes`. */
  committed(baseOffsets: readonly number[]): void {
    const { memory } = this.#claim
    const eventsBase = baseOffsets[0] ?? 0
    for (const { key, version, lastIndex, size } of this.#runs)
      memory.place({ key, version, lastOffset: eventsBase + lastIndex, size })
    const last = this.#events.at(-1)
    const eventId = last?.headers?.[HEADERS.id]
    if (eventId !== undefined)
      memory.anchor = { offset: eventsBase + this.#events.length - 1, eventId: String(eventId) }
    const stateBase = baseOffsets[this.#events.length > 0 ? 1 : 0]
    if (this.#stateRecords > 0 && stateBase !== undefined) {
      memory.stateOffset = stateBase + this.#stateRecords
      memory.snapshotsWritten(this.#snapshots)
    }
    memory.ledger.buried(this.#tombstones)
    for (const { pending, onCommit } of this.#held) pending.settle(onCommit(eventsBase))
    if (!this.#spoilt) this.#settle()
  }

  #snapshotsDue(): readonly Snapshot[] {
    try {
      return this.#claim.memory.snapshotsDue(snapshotsAtOnce)
    } catch (error) {
      if (!isStoreLost(error)) throw error
      this.#storeLost(error)
      return []
    }
  }

  #settle(): void {
    try {
      this.#claim.memory.settle()
    } catch (error) {
      if (!isStoreLost(error)) throw error
      this.#storeLost(error)
    }
  }

  #storeLost(error: unknown): void {
    this.#context.stores.failed(this.#context.aggregate.topic, this.#context.partition, error)
    this.#spoilt = true
    this.#full = true
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
    const { key, commandId, fingerprint, correlationId, causationId, extensions } = pending.request
    const { aggregate, application, limits, newId } = this.#context
    const { memory, generation } = this.#claim
    const { versions, target } = versionsOf(memory, key, events)
    const records = events.map(({ key: eventKey, type, encoded }, index) =>
      encodeEnvelope(
        {
          source: `/${application}/${aggregate.name}`,
          key: eventKey,
          type,
          time: now,
          eventId: newId(),
          version: versions[index] ?? 0,
          commandId,
          commandFingerprint: fingerprint,
          commandIndex: index,
          commandSize: events.length,
          commandTarget: target,
          batchId: this.id,
          ownerEpoch: generation,
          correlationId,
          causationId,
          extensions,
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
    const firstIndex = this.#events.length
    this.#events.push(...records)
    for (const [index, { key: eventKey }] of events.entries())
      this.#place(eventKey, versions[index] ?? 0, firstIndex + index)
    const lastIndex = this.#events.length - 1
    const said = events.map(({ key: eventKey, type, encoded }): DomainEvent => {
      const event = { type, data: encoded.data }
      return eventKey === key ? event : { ...event, key: eventKey }
    })
    const { version } = memory.of(key)
    this.#hold(pending, (eventsBase) => {
      const lastOffset = eventsBase + lastIndex
      const entry = { commandId, key, fingerprint, batchId: this.id, version, lastOffset, size: said.length }
      memory.ledger.accept({ kind: 'Accepted', ...entry, atMs: now.getTime() })
      const position = this.#position(lastOffset)
      return { kind: 'committed', version, position, events: said, duplicate: false, commandId }
    })
  }

  #place(key: string, version: number, index: number): void {
    this.#lastIndexes.set(key, index)
    const before = this.#runs.at(-1)
    if (before?.key !== key) this.#runs.push({ key, version, lastIndex: index, size: 1 })
    else this.#runs[this.#runs.length - 1] = { key, version, lastIndex: index, size: before.size + 1 }
  }

  /** False when the aggregate could not take its own events: the command fails, and its memory is spoilt. */
  #evolve(pending: PendingCommand, { events, now }: EventsDecided): boolean {
    const { key, name } = pending.request
    const { memory } = this.#claim
    try {
      for (const { key: of, type, encoded } of events)
        memory.evolve(of, memory.of(of), [{ type, data: encoded.data }], now)
      return true
    } catch (error) {
      if (isStoreLost(error)) throw error
      // Later commands could ask for any of its aggregates.
      this.#spoilt = true
      this.#full = true
      this.#holdFailure(pending, asKeyfoldError(error, 'COMMAND_FAILED', `applying the events of ${name} for ${key}`))
      return false
    }
  }

  #record(pending: PendingCommand, outcome: Pick<StoredOutcome, 'version' | 'rejection' | 'lastOffset'>): void {
    this.#needsProof = true
    const { idGiven, commandId, key, fingerprint } = pending.request
    if (!idGiven) return
    const atMs = this.#context.clock().getTime()
    const stored: StoredOutcome = { kind: 'Outcome', commandId, key, fingerprint, batchId: this.id, atMs, ...outcome }
    const { memory } = this.#claim
    const record = encodeState(stored)
    this.#state.push(record)
    this.#bytes += sizeOf(record)
    memory.ledger.keep(stored)
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
    pending.batchIds.push(this.id)
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

/** The version that each event makes of its aggregate; `target` when there are others than the command's own. */
function versionsOf(memory: PartitionMemory, key: string, events: readonly DecidedEvent[]) {
  if (events.every((event) => event.key === key)) {
    const { version } = memory.of(key)
    return { versions: events.map((_, index) => version + index + 1), target: undefined }
  }
  const reached = new Map<string, number>()
  const versions = events.map((event) => {
    const version = (reached.get(event.key) ?? memory.of(event.key).version) + 1
    reached.set(event.key, version)
    return version
  })
  return { versions, target: { key, version: reached.get(key) ?? memory.of(key).version } }
}

function sizeOf({ key, value, headers = {} }: RecordToWrite): number {
  let bytes = 32 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) bytes += 4 + name.length + (headers[name]?.length ?? 0)
  return bytes
}
