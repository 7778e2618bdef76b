import { BufferReader, BufferWriter } from '@keyfold/bytes'
import type { RecordBatchHeader } from '@keyfold/protocol'

import { assert } from '../errors.ts'
import type { EntryToAppend } from '../journal/block.ts'
import { entryKinds } from '../journal/entry-kinds.ts'
import type { JournaledState } from '../state.ts'
import {
  type LogIdentity,
  type LogSnapshot,
  PartitionLog,
  type SegmentReplacement,
  type SegmentSnapshot,
} from './partition-log.ts'
import { newSegment, type Segment } from './segment.ts'
import { logDirectory } from './segment-writer.ts'
import type { TailBudget } from './tail-budget.ts'

/** Learns what happens to partition logs, live and on recovery, in the order of the journal. */
export interface PartitionObserver {
  partitionCreated(log: PartitionLog): void
  partitionRemoved(log: PartitionLog): void
  batchAppended(log: PartitionLog, batch: Buffer, header: RecordBatchHeader, lsn: number): void
  logStartMoved(log: PartitionLog): void
  /** `log.durableEndOffset` has moved. */
  durableAdvanced(log: PartitionLog): void
}

/** What partition logs ask of the storage around them. */
export interface LogEvents {
  /** Segments that left a log: their files can go after the next checkpoint. */
  segmentsDropped(log: PartitionLog, segments: readonly Segment[]): void
  /** Compacted segments took the place of these; files of the same names are replaced at the next checkpoint. */
  segmentsReplaced(log: PartitionLog, segments: readonly Segment[]): void
  /** A log was removed, by an entry that is durable now. */
  logRemoved(log: PartitionLog): void
}

/** A change that shows only when its journal entry is durable. */
interface Undurable {
  readonly log: PartitionLog
  readonly lsn: number
  /** -1: the log was removed. */
  readonly endOffset: number
}

const topicNamePattern = /^[a-zA-Z0-9._-]{1,249}$/

/** All partition logs of a data directory, as a journaled state. */
export class PartitionLogs implements JournaledState {
  readonly name = 'partition-logs'
  readonly kinds = Object.values(entryKinds)
  /** Logs that were removed since the last checkpoint began: it still needs their files. */
  readonly leaving = new Set<PartitionLog>()
  readonly #events: LogEvents
  readonly #tails: TailBudget
  readonly #byId = new Map<number, PartitionLog>()
  readonly #byTopic = new Map<string, Map<number, PartitionLog>>()
  #observer: PartitionObserver | undefined
  #nextId = 1
  #undurable: Undurable[] = []
  #unflushedBytes = 0

  constructor(events: LogEvents, tails: TailBudget) {
    this.#events = events
    this.#tails = tails
  }

  /** Bytes of batches that came since the last call of `takeUnflushed`. */
  get unflushedBytes(): number {
    return this.#unflushedBytes
  }

  takeUnflushed(): void {
    this.#unflushedBytes = 0
  }

  observe(observer: PartitionObserver): void {
    this.#observer = observer
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#byTopic.get(topic)?.get(partition)
  }

  byId(id: number): PartitionLog | undefined {
    return this.#byId.get(id)
  }

  ofTopic(topic: string): PartitionLog[] {
    return [...(this.#byTopic.get(topic)?.values() ?? [])]
  }

  all(): PartitionLog[] {
    return [...this.#byId.values()]
  }

  /** The entries that create partitions of a topic; append them before anything else creates one. */
  creation(topic: string, partitions: readonly number[]): EntryToAppend[] {
    assert(topicNamePattern.test(topic) && topic !== '.' && topic !== '..', `'${topic}' is a topic name`)
    return partitions.map((partition, index) => {
      assert(this.get(topic, partition) === undefined, `${topic}-${partition} is new`)
      const writer = new BufferWriter(64)
      writer.writeInt32(this.#nextId + index)
      writer.writeInt32(partition)
      writer.writeString(topic)
      return { kind: entryKinds.partitionCreated, payload: writer.toBuffer() }
    })
  }

  /** The entries that remove all partitions of a topic. */
  removal(topic: string): EntryToAppend[] {
    return this.ofTopic(topic).map((log) => ({ kind: entryKinds.partitionRemoved, payload: idPayload(log.id) }))
  }

  /** The entry of a batch that `PartitionLog.prepare` has returned. */
  batch(log: PartitionLog, batch: Buffer): EntryToAppend {
    return { kind: entryKinds.batch, payload: idPayload(log.id), body: batch }
  }

  logStart(log: PartitionLog, offset: number): EntryToAppend {
    const writer = new BufferWriter(12)
    writer.writeInt32(log.id)
    writer.writeInt64(offset)
    return { kind: entryKinds.logStartMoved, payload: writer.toBuffer() }
  }

  /** The entry of a compaction whose files are durable under their `.swap` names. */
  cleaned(log: PartitionLog, replacements: readonly SegmentReplacement[], cleanedOffset: number): EntryToAppend {
    const writer = new BufferWriter(256)
    writer.writeInt32(log.id)
    writer.writeInt64(cleanedOffset)
    writer.writeInt32(replacements.length)
    for (const { baseOffsets, segment } of replacements) {
      writer.writeInt32(baseOffsets.length)
      for (const baseOffset of baseOffsets) writer.writeInt64(baseOffset)
      writer.writeBoolean(segment !== undefined)
      if (segment !== undefined) writeSegment(writer, segment)
    }
    return { kind: entryKinds.segmentsCleaned, payload: writer.toBuffer() }
  }

  apply(kind: number, payload: Buffer, lsn: number): void {
    if (kind === entryKinds.batch) this.applyBatch(payload.readInt32BE(0), payload.subarray(4), lsn)
    else if (kind === entryKinds.partitionCreated) this.#create(new BufferReader(payload))
    else if (kind === entryKinds.partitionRemoved) this.#remove(payload.readInt32BE(0), lsn)
    else if (kind === entryKinds.segmentsCleaned) this.#replace(new BufferReader(payload))
    else this.#moveStart(new BufferReader(payload))
  }

  applyBatch(id: number, batch: Buffer, lsn: number): void {
    const log = this.#known(id)
    const header = log.add(batch, lsn)
    this.#unflushedBytes += batch.length
    this.#tails.add(log, batch.length)
    this.#undurable.push({ log, lsn, endOffset: header.lastOffset + 1 })
    this.#observer?.batchAppended(log, batch, header, lsn)
  }

  /** Everything up to this journal entry is durable now. */
  advanceDurable(lsn: number): void {
    let count = 0
    const advanced = new Set<PartitionLog>()
    for (const change of this.#undurable) {
      if (change.lsn > lsn) break
      count += 1
      if (change.endOffset < 0) this.#events.logRemoved(change.log)
      else {
        change.log.advanceDurable(change.endOffset)
        advanced.add(change.log)
      }
    }
    if (count === 0) return
    this.#undurable = this.#undurable.slice(count)
    for (const log of advanced) if (this.#byId.get(log.id) === log) this.#observer?.durableAdvanced(log)
  }

  snapshot(): Buffer {
    const writer = new BufferWriter(4096)
    writer.writeInt32(this.#nextId)
    writer.writeInt32(this.#byId.size)
    for (const log of this.#byId.values()) writeLog(writer, log.snapshot())
    return writer.toBuffer()
  }

  restore(snapshot: Buffer): void {
    const reader = new BufferReader(snapshot)
    this.#nextId = reader.readInt32()
    for (let count = reader.readInt32(); count > 0; count--) {
      const log = readLog(reader)
      // Without batches it may never have had a directory; what is in one is of no use.
      const hasFiles = log.segments.some(({ sizeBytes }) => sizeBytes > 0)
      this.#add(new PartitionLog(log, logDirectory(log), hasFiles))
    }
  }

  #create(reader: BufferReader): void {
    const id = reader.readInt32()
    const partition = reader.readInt32()
    const topic = reader.readString()
    this.#nextId = id + 1
    const identity = { id, topic, partition }
    this.#add(new PartitionLog(emptyLog(identity), logDirectory(identity), false))
  }

  #add(log: PartitionLog): void {
    this.#byId.set(log.id, log)
    const partitions = this.#byTopic.get(log.topic) ?? new Map<number, PartitionLog>()
    this.#byTopic.set(log.topic, partitions.set(log.partition, log))
    this.#observer?.partitionCreated(log)
  }

  #remove(id: number, lsn: number): void {
    const log = this.#known(id)
    this.#byId.delete(id)
    const partitions = this.#byTopic.get(log.topic)
    partitions?.delete(log.partition)
    if (partitions?.size === 0) this.#byTopic.delete(log.topic)
    this.leaving.add(log)
    this.#undurable.push({ log, lsn, endOffset: -1 })
    this.#observer?.partitionRemoved(log)
  }

  #moveStart(reader: BufferReader): void {
    const log = this.#known(reader.readInt32())
    const dropped = log.moveStart(reader.readInt64())
    if (dropped.length > 0) this.#events.segmentsDropped(log, dropped)
    this.#observer?.logStartMoved(log)
  }

  #replace(reader: BufferReader): void {
    const log = this.#known(reader.readInt32())
    const cleanedOffset = reader.readInt64()
    const replacements: SegmentReplacement[] = []
    for (let count = reader.readInt32(); count > 0; count--) {
      const baseOffsets: number[] = []
      for (let left = reader.readInt32(); left > 0; left--) baseOffsets.push(reader.readInt64())
      replacements.push({ baseOffsets, segment: reader.readBoolean() ? readSegment(reader) : undefined })
    }
    const gone = log.replace(replacements, cleanedOffset)
    // Batches in memory are those that were there before: readers shall find the compacted ones.
    this.#tails.dropThrough(log, gone.at(-1)?.lastOffset ?? -1)
    this.#events.segmentsReplaced(log, gone)
  }

  #known(id: number): PartitionLog {
    const log = this.#byId.get(id)
    assert(log !== undefined, `journal entries name partitions that exist (id ${id})`)
    return log
  }
}

function idPayload(id: number): Buffer {
  const payload = Buffer.allocUnsafe(4)
  payload.writeInt32BE(id)
  return payload
}

function emptyLog(identity: LogIdentity): LogSnapshot {
  return { ...identity, logStartOffset: 0, logEndOffset: 0, cleanedOffset: 0, segments: [newSegment(0)] }
}

function writeLog(writer: BufferWriter, log: LogSnapshot): void {
  writer.writeInt32(log.id)
  writer.writeInt32(log.partition)
  writer.writeString(log.topic)
  writer.writeInt64(log.logStartOffset)
  writer.writeInt64(log.logEndOffset)
  writer.writeInt64(log.cleanedOffset)
  writer.writeInt32(log.segments.length)
  for (const segment of log.segments) writeSegment(writer, segment)
}

function writeSegment(writer: BufferWriter, segment: SegmentSnapshot): void {
  writer.writeInt64(segment.baseOffset)
  writer.writeInt64(segment.lastOffset)
  writer.writeInt64(segment.sizeBytes)
  // A client may send any int64 as a timestamp: beyond 2^53 it is kept as the nearest number.
  writer.writeFloat64(segment.maxTimestamp)
  writer.writeInt64(segment.offsetOfMaxTimestamp)
  writer.writeFloat64(segment.firstTimestamp)
  writer.writeBoolean(segment.place === 'swap')
}

function readSegment(reader: BufferReader): SegmentSnapshot {
  return {
    baseOffset: reader.readInt64(),
    lastOffset: reader.readInt64(),
    sizeBytes: reader.readInt64(),
    maxTimestamp: reader.readFloat64(),
    offsetOfMaxTimestamp: reader.readInt64(),
    firstTimestamp: reader.readFloat64(),
    place: reader.readBoolean() ? 'swap' : 'log',
  }
}

function readLog(reader: BufferReader): LogSnapshot {
  const id = reader.readInt32()
  const partition = reader.readInt32()
  const topic = reader.readString()
  const logStartOffset = reader.readInt64()
  const logEndOffset = reader.readInt64()
  const cleanedOffset = reader.readInt64()
  const segments: SegmentSnapshot[] = []
  for (let count = reader.readInt32(); count > 0; count--) segments.push(readSegment(reader))
  return { id, topic, partition, logStartOffset, logEndOffset, cleanedOffset, segments }
}
