import { fail } from '../errors.ts'
import type { AcceptedCommand } from '../writer/command-ledger.ts'
import type { StoredOutcome } from '../writer/state-records.ts'
import type {
  AggregateStore,
  AggregateStores,
  StoreChanges,
  StoreCheckpoint,
  StoredAggregate,
  StoreIdentity,
} from './aggregate-store.ts'

/** What a store in memory holds; it outlives the store, as a file would. */
interface Held {
  readonly identity: string
  owner: object | undefined
  checkpoint: StoreCheckpoint | undefined
  readonly aggregates: Map<string, StoredAggregate>
  readonly accepted: Map<string, AcceptedCommand>
  readonly outcomes: Map<string, StoredOutcome>
}

/** Stores in memory, for an event store without a data directory: the same behaviour, and gone with the process. */
export class MemoryAggregateStores implements AggregateStores {
  readonly #held = new Map<string, Held>()

  open(identity: StoreIdentity): AggregateStore {
    const { application, topic, partition } = identity
    const place = JSON.stringify([application, topic, partition])
    const text = JSON.stringify(identity)
    const before = this.#held.get(place)
    const held = before?.identity === text && before.checkpoint !== undefined ? before : emptyAs(text)
    this.#held.set(place, held)
    return new MemoryAggregateStore(held)
  }
}

export class MemoryAggregateStore implements AggregateStore {
  readonly #held: Held
  readonly #token = {}

  constructor(held: Held) {
    this.#held = held
    held.owner = this.#token
  }

  get checkpoint(): StoreCheckpoint | undefined {
    return this.#held.checkpoint
  }

  load(key: string): StoredAggregate | undefined {
    return this.#held.aggregates.get(key)
  }

  count(): number {
    return this.#held.aggregates.size
  }

  findCommand(commandId: string): AcceptedCommand | undefined {
    return this.#held.accepted.get(commandId)
  }

  outcomes(): readonly StoredOutcome[] {
    return [...this.#held.outcomes.values()]
  }

  save({ aggregates, accepted, outcomes, forgotten, window, checkpoint }: StoreChanges): void {
    this.#refuseLost()
    const held = this.#held
    for (const [key, aggregate] of aggregates) held.aggregates.set(key, aggregate)
    for (const command of accepted) putLast(held.accepted, command.commandId, command)
    for (const outcome of outcomes) putLast(held.outcomes, outcome.commandId, outcome)
    for (const id of forgotten) held.outcomes.delete(id)
    for (const [id, { atMs }] of held.accepted) {
      if (held.accepted.size <= window.commands && atMs >= window.notBeforeMs) break
      held.accepted.delete(id)
    }
    held.checkpoint = checkpoint
  }

  clear(): void {
    this.#refuseLost()
    const { aggregates, accepted, outcomes } = this.#held
    for (const entries of [aggregates, accepted, outcomes]) entries.clear()
    this.#held.checkpoint = undefined
  }

  close(): void {
    if (this.#held.owner === this.#token) this.#held.owner = undefined
  }

  #refuseLost(): void {
    if (this.#held.owner !== this.#token) throw fail('STATE_STORE_LOST', 'the store was opened by somebody else')
  }
}

function emptyAs(identity: string): Held {
  return {
    identity,
    owner: undefined,
    checkpoint: undefined,
    aggregates: new Map(),
    accepted: new Map(),
    outcomes: new Map(),
  }
}

function putLast<Value>(entries: Map<string, Value>, id: string, value: Value): void {
  entries.delete(id)
  entries.set(id, value)
}
