import type { JournaledState, Storage } from '@keyfold/storage'
import type { BrokerConfig } from '../config/broker-config.ts'
import { fromPayload, journalKinds, toPayload } from '../journal-kinds.ts'
import type { PartitionRegistry } from '../partition/partition-registry.ts'
import { partitionConfigOf } from './effective-config.ts'
import { type Topic, partitionIndexes } from './topic.ts'
import { collisionKey } from './topic-name.ts'

export interface TopicCatalogParts {
  storage: Storage
  partitions: PartitionRegistry
  config: BrokerConfig
  readonly newUuid: () => string
}

interface StoredTopic {
  name: string
  id: string
  partitionCount: number
  configs: Record<string, string>
  isInternal: boolean
  /** Absent: 1. */
  replicationFactor?: number
  /** Absent: none. */
  assignments?: Record<string, readonly number[]>
}

type Assignments = ReadonlyMap<number, readonly number[]>

interface Placement {
  replicationFactor?: number
  assignments?: Assignments
}

interface NewTopic extends Placement {
  name: string
  partitionCount: number
  configs: ReadonlyMap<string, string>
}

interface Snapshot {
  clusterId: string
  brokerConfigs: Record<string, string>
  brokerDefaults?: Record<string, string>
  topics: StoredTopic[]
}

/**
 * The topics, their settings, the altered settings of the broker and the cluster's id: everything that Kafka keeps in
 * its metadata log. Every change is one journal entry (with those of the partitions it touches, all or nothing), and
 * every method that changes something returns the lsn to await before telling anybody.
 */
export class TopicCatalog implements JournaledState {
  readonly name = 'topics'
  readonly kinds = [
    journalKinds.topicCreated,
    journalKinds.topicDeleted,
    journalKinds.partitionsAdded,
    journalKinds.partitionsReassigned,
    journalKinds.topicConfigsSet,
    journalKinds.brokerConfigsSet,
    journalKinds.brokerDefaultsSet,
    journalKinds.clusterIdentified,
  ]
  readonly #parts: TopicCatalogParts
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #collisionKeys = new Map<string, string>()
  #partitionCount = 0
  #revision = 0
  #clusterId = ''

  constructor(parts: TopicCatalogParts) {
    this.#parts = parts
  }

  /** 22 characters; empty only before `identify`. */
  get clusterId(): string {
    return this.#clusterId
  }

  /** Grows with every change of a topic: who derives something from the topics sees that it has to look again. */
  get revision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#byName.size
  }

  /** Partitions of all topics together. */
  get partitionCount(): number {
    return this.#partitionCount
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  all(): Topic[] {
    return [...this.#byName.values()]
  }

  /** The topic whose name differs from this one only in `.` and `_`. */
  collisionWith(name: string): string | undefined {
    const other = this.#collisionKeys.get(collisionKey(name))
    return other === name ? undefined : other
  }

  /** Gives a new data directory its cluster id. */
  identify(): number {
    if (this.#clusterId !== '') return this.#parts.storage.lastLsn
    return this.#parts.storage.append(journalKinds.clusterIdentified, toPayload({ clusterId: this.#parts.newUuid() }))
  }

  newTopicId(): string {
    return this.#parts.newUuid()
  }

  /** Creates a topic that has been checked to be new and valid. */
  create(topic: NewTopic): number {
    const { storage } = this.#parts
    const { name, partitionCount } = topic
    const stored = {
      name,
      id: this.newTopicId(),
      partitionCount,
      configs: Object.fromEntries(topic.configs),
      isInternal: false,
      ...toStoredPlacement(topic),
    }
    const indexes = Array.from({ length: partitionCount }, (_, index) => index)
    return storage.appendAtomic([
      ...storage.partitions.creation(name, indexes),
      { kind: journalKinds.topicCreated, payload: toPayload(stored satisfies StoredTopic) },
    ])
  }

  /** Deletes a topic with its partitions and the offsets groups have committed in it. */
  delete(topic: Topic): number {
    const { storage } = this.#parts
    return storage.appendAtomic([
      ...storage.partitions.removal(topic.name),
      { kind: journalKinds.topicDeleted, payload: toPayload({ name: topic.name }) },
      { kind: journalKinds.offsetsOfTopicDeleted, payload: toPayload({ topic: topic.name }) },
    ])
  }

  /** Adds partitions up to a count that has been checked to be greater. */
  addPartitions(topic: Topic, partitionCount: number, assigned: Assignments = new Map()): number {
    const { storage } = this.#parts
    const added = Array.from({ length: partitionCount - topic.partitionCount }, (_, n) => topic.partitionCount + n)
    return storage.appendAtomic([
      ...storage.partitions.creation(topic.name, added),
      {
        kind: journalKinds.partitionsAdded,
        payload: toPayload({ name: topic.name, partitionCount, ...withAssignments(topic, assigned) }),
      },
    ])
  }

  /** Moves partitions to other nodes, which have been checked to exist. */
  reassign(topic: Topic, assigned: Assignments): number {
    const payload = toPayload({ name: topic.name, ...withAssignments(topic, assigned) })
    return this.#parts.storage.append(journalKinds.partitionsReassigned, payload)
  }

  /** Replaces a topic's own settings by checked ones. */
  setConfigs(topic: Topic, configs: ReadonlyMap<string, string>): number {
    const payload = toPayload({ name: topic.name, configs: Object.fromEntries(configs) })
    return this.#parts.storage.append(journalKinds.topicConfigsSet, payload)
  }

  /** Replaces the altered settings of this node, or those of every node, by checked ones. */
  setBrokerConfigs(configs: ReadonlyMap<string, string>, isForAll = false): number {
    const kind = isForAll ? journalKinds.brokerDefaultsSet : journalKinds.brokerConfigsSet
    return this.#parts.storage.append(kind, toPayload(Object.fromEntries(configs)))
  }

  /** Hands every partition its settings: needed once after recovery, later changes do it by themselves. */
  configurePartitions(): void {
    for (const topic of this.#byName.values()) this.#configure(topic)
  }

  apply(kind: number, payload: Buffer): void {
    switch (kind) {
      case journalKinds.topicCreated:
        return this.#put(fromPayload<StoredTopic>(payload))
      case journalKinds.topicDeleted:
        return this.#remove(fromPayload<{ name: string }>(payload).name)
      case journalKinds.partitionsAdded:
      case journalKinds.partitionsReassigned:
      case journalKinds.topicConfigsSet: {
        const change = fromPayload<Partial<StoredTopic> & { name: string }>(payload)
        const topic = this.#byName.get(change.name)
        if (topic !== undefined) this.#put({ ...toStored(topic), ...change })
        return undefined
      }
      case journalKinds.brokerDefaultsSet:
        this.#parts.config.setDynamicDefaults(new Map(Object.entries(fromPayload<Record<string, string>>(payload))))
        return this.configurePartitions()
      case journalKinds.brokerConfigsSet:
        this.#parts.config.setDynamic(new Map(Object.entries(fromPayload<Record<string, string>>(payload))))
        return this.configurePartitions()
      case journalKinds.clusterIdentified:
        this.#clusterId = fromPayload<{ clusterId: string }>(payload).clusterId
        return undefined
      default:
        throw new Error(`Journal entry of kind ${kind} is not the topic catalog's`)
    }
  }

  snapshot(): Buffer {
    return toPayload({
      clusterId: this.#clusterId,
      brokerConfigs: Object.fromEntries(this.#parts.config.dynamic),
      brokerDefaults: Object.fromEntries(this.#parts.config.dynamicDefaults),
      topics: this.all().map(toStored),
    } satisfies Snapshot)
  }

  restore(bytes: Buffer): void {
    const snapshot = fromPayload<Snapshot>(bytes)
    this.#clusterId = snapshot.clusterId
    this.#parts.config.setDynamic(new Map(Object.entries(snapshot.brokerConfigs)))
    this.#parts.config.setDynamicDefaults(new Map(Object.entries(snapshot.brokerDefaults ?? {})))
    for (const topic of snapshot.topics) this.#put(topic)
  }

  #put(stored: StoredTopic): void {
    this.#remove(stored.name)
    const topic: Topic = {
      ...stored,
      configs: new Map(Object.entries(stored.configs)),
      replicationFactor: stored.replicationFactor ?? 1,
      assignments: new Map(
        Object.entries(stored.assignments ?? {}).map(([partition, nodes]) => [Number(partition), nodes]),
      ),
    }
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
    this.#collisionKeys.set(collisionKey(topic.name), topic.name)
    this.#partitionCount += topic.partitionCount
    this.#revision++
    this.#configure(topic)
  }

  #remove(name: string): void {
    const topic = this.#byName.get(name)
    if (topic === undefined) return
    this.#byName.delete(name)
    this.#byId.delete(topic.id)
    this.#collisionKeys.delete(collisionKey(name))
    this.#partitionCount -= topic.partitionCount
    this.#revision++
  }

  #configure(topic: Topic): void {
    const config = partitionConfigOf(this.#parts.config, topic.configs)
    for (const index of partitionIndexes(topic)) this.#parts.partitions.get(topic.name, index)?.configure(config)
  }
}

function toStored({ name, id, partitionCount, configs, isInternal, ...placement }: Topic): StoredTopic {
  const stored = { name, id, partitionCount, configs: Object.fromEntries(configs), isInternal }
  return { ...stored, ...toStoredPlacement(placement) }
}

/** What is stored about where a topic's partitions are: nothing, for the usual topic. */
function toStoredPlacement({ replicationFactor = 1, assignments = new Map() }: Placement): Partial<StoredTopic> {
  return {
    ...(replicationFactor === 1 ? {} : { replicationFactor }),
    ...(assignments.size === 0 ? {} : { assignments: Object.fromEntries(assignments) }),
  }
}

function withAssignments(topic: Topic, assigned: Assignments): Partial<StoredTopic> {
  return toStoredPlacement({ assignments: new Map([...topic.assignments, ...assigned]) })
}
