import type { AggregateDescriptor, DomainEvent } from '@keyfold/eventsourcing'
import type { StoredRecord } from '@keyfold/kafka'
import { decodeRecord } from '../envelope.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import type { EventCodec } from '../event-codec.ts'
import type { Snapshot } from './state-records.ts'
import type { AggregateStore, ClaimFacts, EventAnchor, StoreCheckpoint } from '../state/aggregate-store.ts'
import { StateNotStorable, stateOfText, storablePrototype, textOfState } from '../state/state-text.ts'
import { AggregateCache, type AggregateMemory, type CacheLimits } from './aggregate-cache.ts'
import { CommandLedger, type LedgerLimits } from './command-ledger.ts'
import { type CommandHeaders, commandHeaders } from './command-headers.ts'

export interface MemoryLimits extends LedgerLimits, CacheLimits {
  /** The store is written when so many aggregates have changed, or eight times as many events have come. */
  readonly checkpointAggregates: number
  /** A snapshot is due every so many events of an aggregate. 0: never. */
  readonly snapshotEvery: number
}

/** A larger state is not written to the state topic: twenty of them must fit beside a batch. */
const snapshotCharactersMax = 8 * 1024

export interface MemoryParts {
  readonly aggregate: AggregateDescriptor
  readonly limits: MemoryLimits
  readonly store: AggregateStore
  readonly stateKey: string
  readonly instanceId: string
  readonly now: () => number
  readonly warn: (message: string) => void
}

/**
 * Everything that the writer of a partition decides on. Aggregates come from the store when they are asked for, and the
 * least used leave memory again; what has changed since the store was written stays. The store is written between
 * batches only, when all that is here is committed.
 */
export class PartitionMemory {
  readonly aggregate: AggregateDescriptor
  readonly store: AggregateStore
  readonly ledger: CommandLedger
  /** Of the last claim in the log. */
  generation = 0
  /** Of the last claim that another instance made, as far as it was read. */
  othersGeneration = 0
  /** Of the writers' group, at the last claim; -1 when it was made without one. */
  groupGeneration = -1
  /** The state topic was read or written up to here. */
  stateOffset = 0
  /** The last event that is in here. */
  anchor: EventAnchor | null = null
  readonly #parts: MemoryParts
  readonly #cache: AggregateCache
  readonly #prototype: object | null
  #claim: ClaimFacts | null = null
  /** A batch is being decided: what is here runs ahead of the log. */
  #ahead = false
  #events = 0
  readonly #snapshotsDue = new Set<string>()
  /** Why states stay in memory for good; undefined when they can be stored. */
  #notStorable: StateNotStorable | undefined

  constructor(parts: MemoryParts) {
    const { aggregate, limits, store, now } = parts
    this.#parts = parts
    this.aggregate = aggregate
    this.store = store
    this.ledger = new CommandLedger(limits, store, now)
    this.#cache = new AggregateCache(limits)
    this.#prototype = this.#storable(() => storablePrototype(aggregate.initialState())) ?? null
    const { checkpoint } = store
    if (checkpoint === undefined) return
    this.anchor = checkpoint.anchor
    this.stateOffset = checkpoint.stateOffset
    if (checkpoint.claim !== null) this.noteClaim(checkpoint.claim)
  }

  noteClaim(claim: ClaimFacts): void {
    const { generation, groupGeneration = -1, instanceId } = claim
    this.generation = Math.max(this.generation, generation)
    this.groupGeneration = groupGeneration
    this.#claim = claim
    if (instanceId !== this.#parts.instanceId) this.othersGeneration = Math.max(this.othersGeneration, generation)
  }

  /** Errors: `STATE_STORE_LOST`. */
  of(key: string): AggregateMemory {
    const known = this.#cache.get(key)
    if (known !== undefined) return known
    const stored = this.store.load(key)
    const fresh: AggregateMemory = stored === undefined ? this.#initial() : this.#restored(key, stored)
    this.#cache.put(key, fresh)
    return fresh
  }

  /** Forgets an aggregate that has no event yet, so that commands for ids that never come to be leave nothing behind. */
  dropIfNew(key: string, memory: AggregateMemory): void {
    if (memory.version === 0) this.#cache.drop(key)
  }

  /** How many aggregates are in memory. */
  get held(): number {
    return this.#cache.size
  }

  /**
   * Takes a stored event in: one step of the version, whatever upcasters made of it. What a snapshot covers is only
   * looked at: its place and its command. Errors: `LOG_CORRUPT_VERSION`, `PARTITION_REFUSED` when the aggregate's step
   * throws, those of the codec.
   */
  fold(record: StoredRecord, codec: EventCodec): 'applied' | 'covered' | 'confirmed' {
    const facts = commandHeaders(record)
    const { key, offset, version } = facts
    const memory = this.of(key)
    const seen = memory.lastOffset ?? -1
    if (offset > seen) this.#apply(record, facts, memory, codec)
    else if (version > memory.version || (offset === seen) !== (version === memory.version))
      throw foreign(record, facts)
    this.#account(facts)
    this.anchor = { offset, eventId: facts.eventId }
    if (offset > seen) return 'applied'
    return offset === seen ? 'confirmed' : 'covered'
  }

  /** Moves an aggregate by one stored event and the events it is to the code. What a step throws is thrown on. */
  evolve(key: string, memory: AggregateMemory, events: readonly DomainEvent[], time: Date): void {
    const version = memory.version + 1
    for (const { type, data } of events) {
      const applier = this.aggregate.evolve.get(type)
      if (applier !== undefined) memory.state = applier(memory.state, data, { key, version, time })
    }
    memory.version = version
    this.#cache.changed(key, memory)
  }

  /** An aggregate's events have their place in the log. */
  place(run: EventRun): void {
    this.of(run.key).lastOffset = run.lastOffset
    this.#events += run.size
    const { snapshotEvery } = this.#parts.limits
    if (snapshotEvery > 0 && run.version % snapshotEvery < run.size) this.#snapshotsDue.add(run.key)
  }

  /** From here on what is in here runs ahead of the log, until `settle`. */
  runAhead(): void {
    this.#ahead = true
  }

  /** Gives the store up; written once more when all that is in here is committed. */
  close(): void {
    try {
      if (!this.#ahead) this.save()
    } catch (error) {
      this.#parts.warn(`the local store of ${this.aggregate.topic} was not written at the end: ${String(error)}`)
    }
    this.store.close()
    this.#ahead = true
  }

  /**
   * To be called when all that is in here is committed: writes the store when enough has changed, then lets the least
   * used go. Errors: `STATE_STORE_LOST`.
   */
  settle(complete: 'complete' | 'filling' = 'complete'): void {
    this.#ahead = false
    const { checkpointAggregates } = this.#parts.limits
    const due = this.#cache.changedCount >= checkpointAggregates || this.#events >= checkpointAggregates * 8
    if (due || this.#cache.isOverBound) this.save(complete)
  }

  /** Writes the store. `filling`: it does not agree with the log yet. Errors: `STATE_STORE_LOST`. */
  save(complete: 'complete' | 'filling' = 'complete'): void {
    const { anchor, stateOffset } = this
    const aggregates = this.#storable(() => this.#cache.changedStates(textOfState))
    if (aggregates === undefined) return this.#keepAll()
    const checkpoint: StoreCheckpoint | undefined =
      complete === 'complete' ? { anchor, stateOffset, claim: this.#claim } : undefined
    this.store.save({ ...this.ledger.changes(), aggregates, checkpoint })
    this.#cache.saved()
    this.ledger.saved()
    this.#events = 0
  }

  /** States that are due for the state topic; to be asked for when all that is in here is committed. */
  snapshotsDue(most: number): readonly Snapshot[] {
    if (this.#snapshotsDue.size === 0) return []
    const { stateKey } = this.#parts
    const due: Snapshot[] = []
    for (const key of this.#snapshotsDue) {
      if (due.length >= most) break
      const { state: value, version, lastOffset } = this.of(key)
      const state = this.#storable(() => textOfState(value))
      if (state === undefined || lastOffset === null || state.length > snapshotCharactersMax)
        this.#snapshotsDue.delete(key)
      else due.push({ kind: 'Snapshot', key, stateKey, uptoOffset: lastOffset, uptoVersion: version, state })
    }
    return due
  }

  snapshotsWritten(snapshots: readonly Snapshot[]): void {
    for (const { key } of snapshots) this.#snapshotsDue.delete(key)
  }

  #apply(record: StoredRecord, { key, version }: CommandHeaders, memory: AggregateMemory, codec: EventCodec): void {
    if (version !== memory.version + 1) throw corrupt(record, key, version, memory.version + 1)
    const stored = decodeRecord(record, codec)
    try {
      this.evolve(key, memory, stored.events, stored.time)
    } catch (error) {
      const place = `${record.topic}/${record.partition}/${record.offset}`
      const message = `${this.aggregate.name} cannot apply ${stored.schema.name} at ${place}`
      throw asKeyfoldError(error, 'PARTITION_REFUSED', message)
    }
    this.place({ key, version, lastOffset: record.offset, size: 1 })
  }

  #account(facts: CommandHeaders): void {
    if (facts.index !== facts.size - 1) return
    const { commandId, commandKey, commandVersion, fingerprint, batchId, size, atMs, offset } = facts
    const entry = { commandId, key: commandKey, version: commandVersion, fingerprint, batchId, size, atMs }
    this.ledger.accept({ kind: 'Accepted', ...entry, lastOffset: offset })
  }

  #initial(): AggregateMemory {
    return { state: this.aggregate.initialState(), version: 0, lastOffset: null, bytes: 512 }
  }

  #restored(
    key: string,
    stored: { readonly state: string; readonly version: number; readonly lastOffset: number },
  ): AggregateMemory {
    const { state, version, lastOffset } = stored
    try {
      return { state: stateOfText(state, this.#prototype), version, lastOffset, bytes: 512 + state.length * 2 }
    } catch (cause) {
      throw fail('STATE_STORE_LOST', `the stored state of ${key} cannot be read`, { cause })
    }
  }

  #storable<Result>(work: () => Result): Result | undefined {
    if (this.#notStorable !== undefined) return undefined
    try {
      return work()
    } catch (error) {
      if (!(error instanceof StateNotStorable)) throw error
      this.#notStorable = error
      this.#parts.warn(`aggregates ${this.aggregate.name} stay in memory and are read from the log: ${error.message}`)
      return undefined
    }
  }

  /** Without a store nothing that has changed may leave memory. */
  #keepAll(): void {
    this.ledger.trim()
    this.#events = 0
  }
}

/** Events of one aggregate next to each other. */
interface EventRun {
  readonly key: string
  /** Of the aggregate, after its last event. */
  readonly version: number
  readonly lastOffset: number
  readonly size: number
}

function corrupt({ topic, partition, offset }: StoredRecord, key: string, version: number, expected: number): Error {
  const message = `the event of ${key} at ${topic}/${partition}/${offset} has version ${version}, but ${expected} is next`
  return fail('LOG_CORRUPT_VERSION', message, { details: { topic, partition, offset, key, version, expected } })
}

/** A snapshot says something else than the log: it was made of another one. */
export class ForeignSnapshot extends Error {
  override readonly name = 'ForeignSnapshot'
}

function foreign({ topic, partition, offset }: StoredRecord, { key, version }: CommandHeaders): Error {
  return new ForeignSnapshot(
    `the snapshot of ${key} does not fit version ${version} at ${topic}/${partition}/${offset}`,
  )
}
