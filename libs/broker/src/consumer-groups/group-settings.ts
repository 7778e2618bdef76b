import type { JournaledState, Storage } from '@keyfold/storage'
import type { BrokerConfig } from '../config/broker-config.ts'
import { groupConfigDefinition, groupConfigs, type GroupConfigKey } from '../config/group-configs.ts'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'
import type { ConfigLayer } from '../topics/effective-config.ts'

interface StoredSettings {
  groupId: string
  configs: Record<string, string>
}

/** The settings of single groups (ConfigResource GROUP), journaled. They may be there before the group is, and after. */
export class GroupSettingsStore implements JournaledState {
  readonly name = 'group-configs'
  readonly kinds = [journalKinds.groupConfigsSet]
  readonly #storage: Storage
  readonly #broker: BrokerConfig
  readonly #groups = new Map<string, ReadonlyMap<string, string>>()

  constructor(storage: Storage, broker: BrokerConfig) {
    this.#storage = storage
    this.#broker = broker
  }

  get size(): number {
    return this.#groups.size
  }

  /** Groups that have settings of their own. */
  get groupIds(): string[] {
    return [...this.#groups.keys()]
  }

  of(groupId: string): ReadonlyMap<string, string> {
    return this.#groups.get(groupId) ?? new Map()
  }

  /** The value in force: the group's own, or the broker's, kept within the broker's present bounds. */
  number(groupId: string, key: GroupConfigKey): number {
    const { synonym, atLeast, atMost } = groupConfigs[key]
    const value = Number(this.of(groupId).get(key) ?? this.#broker.text(synonym))
    return Math.min(Math.max(value, this.#broker.number(atLeast)), this.#broker.number(atMost))
  }

  /** Every value set for a key, the one in force first. */
  layers(groupId: string, key: GroupConfigKey): [ConfigLayer, ...ConfigLayer[]] {
    const { synonym } = groupConfigs[key]
    const ofBroker = this.#broker.layers(synonym).map((layer) => ({ key: synonym, ...layer }))
    const own = this.of(groupId).get(key)
    const all: ConfigLayer[] = own === undefined ? ofBroker : [{ key, value: own, source: 'group' }, ...ofBroker]
    const [first, ...rest] = all
    const fallback: ConfigLayer = { key, value: groupConfigDefinition(key)?.default ?? '', source: 'default' }
    return [first ?? fallback, ...rest]
  }

  /** Replaces a group's own settings by checked ones; returns the lsn to await. */
  set(groupId: string, configs: ReadonlyMap<string, string>): number {
    const stored: StoredSettings = { groupId, configs: Object.fromEntries(configs) }
    return this.#storage.append(journalKinds.groupConfigsSet, toPayload(stored))
  }

  apply(_kind: number, payload: Buffer): void {
    this.#put(fromPayload<StoredSettings>(payload))
  }

  snapshot(): Buffer {
    const all = Array.from(this.#groups, ([groupId, configs]) => ({ groupId, configs: Object.fromEntries(configs) }))
    return toPayload(all satisfies StoredSettings[])
  }

  restore(bytes: Buffer): void {
    for (const stored of fromPayload<StoredSettings[]>(bytes)) this.#put(stored)
  }

  #put({ groupId, configs }: StoredSettings): void {
    const entries = Object.entries(configs)
    if (entries.length === 0) this.#groups.delete(groupId)
    else this.#groups.set(groupId, new Map(entries))
  }
}
