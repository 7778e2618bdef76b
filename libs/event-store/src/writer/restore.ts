import { fail } from '../errors.ts'
import type { AggregateStore, StoredAggregate, StoreIdentity } from '../state/aggregate-store.ts'
import { stateKeyOf } from '../state/state-key.ts'
import { stateOfText } from '../state/state-text.ts'
import type { WriterContext } from './claim.ts'
import { commandHeaders } from './command-headers.ts'
import { ForeignSnapshot, PartitionMemory } from './partition-memory.ts'
import { readPartition } from './read-partition.ts'
import { decodeState, type Snapshot } from './state-records.ts'

/** Snapshots are put into the store in portions of this size. */
const snapshotsAtOnce = 1_000

/**
 * Everything of a partition up to its end now, on top of what the local store has. A store that agrees with the log
 * costs the tail. One that is new, or not of this log, is filled: with the snapshots of the state topic, and the whole
 * log, of which only what no snapshot covers is decoded and folded. To be called when the writers before are fenced.
 * Errors: `LOG_CORRUPT_VERSION`, `PARTITION_REFUSED`, `STATE_STORE_LOST`, those of the Kafka client and the codec.
 */
export async function restoreMemory(
  context: WriterContext,
): Promise<{ readonly memory: PartitionMemory; readonly endOffset: number }> {
  const { kafka, aggregate, partition } = context
  const endOffset = endOf(await kafka.endOffsets(aggregate.topic, 'committed'), aggregate.topic, partition)
  const store = context.stores.open(await identityOf(context))
  try {
    const tail = await tailRead(context, store, endOffset)
    const memory = tail ?? (await filled(context, store, endOffset))
    return { memory, endOffset }
  } catch (error) {
    store.close()
    throw error
  }
}

export async function identityOf({ application, aggregate, partition, kafka }: WriterContext): Promise<StoreIdentity> {
  const { clusterId } = await kafka.cluster()
  return { application, clusterId, topic: aggregate.topic, partition, stateKey: stateKeyOf(aggregate) }
}

/** The range of the state partition from an offset to its end; from its start when it has no such offset. */
export async function stateRange({ kafka, stateTopic, partition }: WriterContext, from: number) {
  const [starts, ends] = await Promise.all([kafka.startOffsets(stateTopic), kafka.endOffsets(stateTopic, 'committed')])
  const startOffset = starts[partition] ?? 0
  const endOffset = endOf(ends, stateTopic, partition)
  const fromOffset = from > endOffset ? startOffset : Math.max(startOffset, from)
  return { topic: stateTopic, partition, fromOffset, endOffset }
}

/** Undefined when the store does not agree with the log: what is wrong then is found by reading all of it. */
async function tailRead(
  context: WriterContext,
  store: AggregateStore,
  endOffset: number,
): Promise<PartitionMemory | undefined> {
  try {
    return await tailFolded(context, store, endOffset)
  } catch (error) {
    if (mayComeOfStates(error)) return undefined
    throw error
  }
}

/** What looks wrong in the log may be wrong in the states that reading began with. */
function mayComeOfStates(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return code === 'LOG_CORRUPT_VERSION' || code === 'PARTITION_REFUSED' || error instanceof ForeignSnapshot
}

async function tailFolded(
  context: WriterContext,
  store: AggregateStore,
  endOffset: number,
): Promise<PartitionMemory | undefined> {
  if (store.checkpoint === undefined) return undefined
  const { anchor } = store.checkpoint
  if (anchor !== null && anchor.offset >= endOffset) return undefined
  const memory = memoryOf(context, store)
  const { aggregate, codec, kafka, partition } = context
  // The last event that the store knows is read again: another one in its place means another log.
  const range = { topic: aggregate.topic, partition, fromOffset: anchor?.offset ?? 0, endOffset }
  let expected = anchor
  for await (const records of readPartition(kafka, range)) {
    let tail = records
    if (expected !== null) {
      const [first] = records
      if (first?.offset !== expected.offset || commandHeaders(first).eventId !== expected.eventId) return undefined
      tail = records.slice(1)
      expected = null
    }
    await codec.prepare(tail.flatMap(({ value }) => value ?? []))
    for (const record of tail) memory.fold(record, codec)
    memory.settle()
  }
  if (expected !== null) return undefined
  await foldState(context, memory, memory.stateOffset, () => undefined)
  return memory
}

async function filled(context: WriterContext, store: AggregateStore, endOffset: number): Promise<PartitionMemory> {
  try {
    return await filledFrom(context, store, endOffset, 'snapshots')
  } catch (error) {
    if (!mayComeOfStates(error)) throw error
    const { stateTopic, partition, warn } = context
    warn(`the snapshots of ${stateTopic}/${partition} are passed over: ${String(error)}`)
    return await filledFrom(context, store, endOffset, 'log')
  }
}

async function filledFrom(
  context: WriterContext,
  store: AggregateStore,
  endOffset: number,
  source: 'snapshots' | 'log',
): Promise<PartitionMemory> {
  store.clear()
  const memory = memoryOf(context, store)
  const snapshots = new SnapshotIntake(context, store, endOffset)
  await foldState(context, memory, 0, (snapshot) => source === 'snapshots' && snapshots.take(snapshot))
  snapshots.flush()
  const expected = store.count()
  let confirmed = 0
  const { aggregate, codec, kafka, partition } = context
  for await (const records of readPartition(kafka, { topic: aggregate.topic, partition, fromOffset: 0, endOffset })) {
    await codec.prepare(records.flatMap(({ value }) => value ?? []))
    for (const record of records) if (memory.fold(record, codec) === 'confirmed') confirmed += 1
    memory.settle('filling')
  }
  if (confirmed !== expected)
    throw new ForeignSnapshot(`${expected - confirmed} snapshots are of events that are not there`)
  memory.save()
  return memory
}

async function foldState(
  context: WriterContext,
  memory: PartitionMemory,
  from: number,
  onSnapshot: (snapshot: Snapshot) => void,
): Promise<void> {
  const range = await stateRange(context, from)
  for await (const records of readPartition(context.kafka, range)) {
    for (const record of records) {
      const state = decodeState(record)
      if (state?.kind === 'Claimed') memory.noteClaim(state)
      else if (state?.kind === 'Outcome') memory.ledger.keep(state)
      else if (state?.kind === 'Forgotten') memory.ledger.forget(state.commandId)
      else if (state?.kind === 'Snapshot') onSnapshot(state)
    }
  }
  memory.stateOffset = range.endOffset
}

/** Puts snapshots of today's code into the store, and passes over all others. */
class SnapshotIntake {
  readonly #store: AggregateStore
  readonly #stateKey: string
  readonly #endOffset: number
  #waiting = new Map<string, StoredAggregate>()

  constructor({ aggregate }: WriterContext, store: AggregateStore, endOffset: number) {
    this.#store = store
    this.#stateKey = stateKeyOf(aggregate)
    this.#endOffset = endOffset
  }

  take({ key, stateKey, state, uptoOffset, uptoVersion }: Snapshot): void {
    if (stateKey !== this.#stateKey || uptoOffset >= this.#endOffset || !isReadable(state)) return
    this.#waiting.set(key, { state, version: uptoVersion, lastOffset: uptoOffset })
    if (this.#waiting.size >= snapshotsAtOnce) this.flush()
  }

  flush(): void {
    if (this.#waiting.size === 0) return
    const nothing = { accepted: [], outcomes: [], forgotten: [], checkpoint: undefined }
    const window = { commands: Number.MAX_SAFE_INTEGER, notBeforeMs: 0 }
    this.#store.save({ ...nothing, window, aggregates: this.#waiting })
    this.#waiting = new Map()
  }
}

function isReadable(state: string): boolean {
  try {
    stateOfText(state, null)
    return true
  } catch {
    return false
  }
}

function memoryOf(
  { aggregate, limits, clock, instanceId, warn }: WriterContext,
  store: AggregateStore,
): PartitionMemory {
  const stateKey = stateKeyOf(aggregate)
  return new PartitionMemory({ aggregate, limits, store, stateKey, instanceId, now: () => clock().getTime(), warn })
}

function endOf(ends: readonly number[], topic: string, partition: number): number {
  const end = ends[partition]
  if (end === undefined) throw fail('TOPIC_MISMATCH', `topic ${topic} has no partition ${partition}`)
  return end
}
