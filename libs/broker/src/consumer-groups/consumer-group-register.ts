import type { JournaledState, Storage } from '@keyfold/storage'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'
import { ConsumerGroup, type GroupChange, storedChange, type StoredGroupChange } from './consumer-group.ts'

type Entry = { kind: number; payload: Buffer }

/** All groups of the consumer protocol, journaled change by change. */
export class ConsumerGroupRegister implements JournaledState {
  readonly name = 'consumer-groups'
  readonly kinds = [journalKinds.consumerGroupChanged, journalKinds.consumerGroupDeleted]
  readonly #storage: Storage
  readonly #groups = new Map<string, ConsumerGroup>()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  get size(): number {
    return this.#groups.size
  }

  get(groupId: string): ConsumerGroup | undefined {
    return this.#groups.get(groupId)
  }

  all(): ConsumerGroup[] {
    return [...this.#groups.values()]
  }

  /** Writes a change (after `before`, all or nothing) and applies it; returns the lsn to await. */
  change(change: GroupChange, before: readonly Entry[] = []): number {
    const payload = toPayload(storedChange(change))
    return this.#storage.appendAtomic([...before, { kind: journalKinds.consumerGroupChanged, payload }])
  }

  deletion(groupId: string): Entry {
    return { kind: journalKinds.consumerGroupDeleted, payload: toPayload({ groupId }) }
  }

  apply(kind: number, payload: Buffer, lsn: number): void {
    const change = fromPayload<StoredGroupChange>(payload)
    if (kind === journalKinds.consumerGroupDeleted) this.#groups.delete(change.groupId)
    else this.#put(change, lsn)
  }

  snapshot(): Buffer {
    return toPayload(this.all().map((group) => group.facts()))
  }

  restore(bytes: Buffer): void {
    for (const facts of fromPayload<StoredGroupChange[]>(bytes)) this.#put(facts, 0)
  }

  #put(change: StoredGroupChange, lsn: number): void {
    let group = this.#groups.get(change.groupId)
    if (group === undefined) this.#groups.set(change.groupId, (group = new ConsumerGroup(change.groupId)))
    group.apply(change, lsn)
  }
}
