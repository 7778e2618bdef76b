import type { AggregateDescriptor, DomainEvent } from '@keyfold/eventsourcing'
import type { StoredRecord } from '@keyfold/kafka'
import { type DecodedRecord, HEADERS, numberHeader } from '../envelope.ts'
import { asKeyfoldError, fail } from '../errors.ts'
import { CommandLedger, type LedgerLimits } from './command-ledger.ts'
import type { Claimed } from './state-records.ts'

/** What is known of one aggregate. */
export interface AggregateMemory {
  state: unknown
  /** How many events it has. */
  version: number
  /** Of its last committed event; null when it has none. */
  lastOffset: number | null
}

/** Everything that the writer of a partition decides on: every aggregate folded to its last event, and the ledger. */
export class PartitionMemory {
  readonly aggregate: AggregateDescriptor
  readonly ledger: CommandLedger
  /** Outcomes that fell out of the window and are still in the state topic. */
  readonly forgotten: string[] = []
  /** Of the last claim in the log. */
  generation = 0
  /** Of the last claim that another instance made. */
  othersGeneration = 0
  readonly #aggregates = new Map<string, AggregateMemory>()

  constructor(aggregate: AggregateDescriptor, limits: LedgerLimits) {
    this.aggregate = aggregate
    this.ledger = new CommandLedger(limits)
  }

  noteClaim({ generation, instanceId }: Claimed, ownInstanceId: string): void {
    this.generation = Math.max(this.generation, generation)
    if (instanceId !== ownInstanceId) this.othersGeneration = Math.max(this.othersGeneration, generation)
  }

  of(key: string): AggregateMemory {
    const known = this.#aggregates.get(key)
    if (known !== undefined) return known
    const fresh: AggregateMemory = { state: this.aggregate.initialState(), version: 0, lastOffset: null }
    this.#aggregates.set(key, fresh)
    return fresh
  }

  /** Forgets an aggregate that has no event yet, so that commands for ids that never come to be leave nothing behind. */
  dropIfNew(key: string): void {
    if (this.#aggregates.get(key)?.version === 0) this.#aggregates.delete(key)
  }

  /** Takes a stored event in: one step of the version, whatever upcasters made of it. Errors: `LOG_CORRUPT_VERSION`, `PARTITION_REFUSED` when the aggregate's step throws. */
  fold(stored: DecodedRecord, record: StoredRecord): void {
    const { topic, partition, offset, key, aggregateVersion } = stored
    const memory = this.of(key)
    if (aggregateVersion !== memory.version + 1) {
      throw fail(
        'LOG_CORRUPT_VERSION',
        `the event of ${key} at ${topic}/${partition}/${offset} has version ${aggregateVersion}, but ${memory.version + 1} is next`,
        { details: { topic, partition, offset, key, version: aggregateVersion, expected: memory.version + 1 } },
      )
    }
    try {
      this.evolve(key, stored.events, stored.time)
    } catch (error) {
      const place = `${topic}/${partition}/${offset}`
      throw asKeyfoldError(
        error,
        'PARTITION_REFUSED',
        `${this.aggregate.name} cannot apply ${stored.schema.name} at ${place}`,
      )
    }
    memory.lastOffset = offset
    this.#account(stored, record)
  }

  /** Moves an aggregate by one stored event and the events it is to the code. What a step throws is thrown on. */
  evolve(key: string, events: readonly DomainEvent[], time: Date): void {
    const memory = this.of(key)
    const version = memory.version + 1
    for (const { type, data } of events) {
      const applier = this.aggregate.evolve.get(type)
      if (applier !== undefined) memory.state = applier(memory.state, data, { key, version, time })
    }
    memory.version = version
  }

  #account({ headers, offset, key, aggregateVersion, commandId }: DecodedRecord, record: StoredRecord): void {
    const size = numberHeader(record, headers, HEADERS.commandSize)
    if (numberHeader(record, headers, HEADERS.commandIndex) !== size - 1) return
    const fingerprint = headers[HEADERS.commandFingerprint] ?? ''
    const batchId = headers[HEADERS.batchId] ?? ''
    this.ledger.accept({
      kind: 'Accepted',
      commandId,
      key,
      fingerprint,
      batchId,
      version: aggregateVersion,
      lastOffset: offset,
      size,
    })
  }
}
