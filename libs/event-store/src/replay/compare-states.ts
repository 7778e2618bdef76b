import type { AggregateDescriptor } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'
import { committedEnds, foldPartition, type ReplaySide } from './fold-partition.ts'
import { ReportBuilder, type ReplayReport, type ReportLimits } from './replay-report.ts'
import {
  checkSample,
  type RecordOptions,
  registerAll,
  type StateLine,
  type StatesHeader,
  type StatesLine,
} from './states-record.ts'

/**
 * What the code of a side makes of the events that a record was made from, up to the same offsets and with the same
 * sample. Holds the states of one partition at a time.
 * Errors: `REPLAY_RECORD_INVALID` when it is no whole record or belongs to other topics, those of Kafka and the registry.
 */
export async function compareWithRecord(
  lines: AsyncIterable<StatesLine> | Iterable<StatesLine>,
  side: ReplaySide,
  limits: ReportLimits = {},
): Promise<ReplayReport> {
  const recorded = new RecordReader(lines)
  const { aggregates, sample } = await recorded.header()
  await registerAll(side)
  const report = new ReportBuilder(limits)
  for (const { name, topic, ends } of aggregates) {
    const aggregate = aggregateOf(side, name, topic)
    report.aggregate(name, topic)
    const now = await committedEnds(side.kafka, topic)
    if (now.length !== ends.length || ends.some((end, partition) => end > (now[partition] ?? 0)))
      throw invalid(`topic ${topic} has not the partitions and records that the record was made from`)
    for (const [partition, endOffset] of ends.entries()) {
      const folded = await foldPartition(side, { aggregate, partition, endOffset, sample })
      report.events(name, folded.events)
      const left = new Map(folded.states)
      for await (const { kind: _, ...before } of recorded.statesOf(name, partition)) {
        report.compare(before, before, left.get(before.key))
        left.delete(before.key)
      }
      for (const [key, after] of left) report.compare({ aggregate: name, partition, key }, undefined, after)
    }
  }
  await recorded.end()
  return report.build()
}

/** What two codes make of the same stored events, up to now. Both sides need their own codec. Errors: as above. */
export async function compareSides(
  before: ReplaySide,
  after: ReplaySide,
  { sample = 1, ...limits }: RecordOptions & ReportLimits = {},
): Promise<ReplayReport> {
  checkSample(sample)
  await Promise.all([registerAll(before), registerAll(after)])
  const report = new ReportBuilder(limits)
  for (const aggregate of before.aggregates) {
    const { name, topic } = aggregate
    const later = aggregateOf(after, name, topic)
    report.aggregate(name, topic)
    for (const [partition, endOffset] of (await committedEnds(before.kafka, topic)).entries()) {
      const [left, right] = await Promise.all([
        foldPartition(before, { aggregate, partition, endOffset, sample }),
        foldPartition(after, { aggregate: later, partition, endOffset, sample }),
      ])
      report.events(name, right.events)
      for (const key of new Set([...left.states.keys(), ...right.states.keys()]))
        report.compare({ aggregate: name, partition, key }, left.states.get(key), right.states.get(key))
    }
  }
  return report.build()
}

function aggregateOf({ aggregates }: ReplaySide, name: string, topic: string): AggregateDescriptor {
  const found = aggregates.find((aggregate) => aggregate.name === name && aggregate.topic === topic)
  if (found !== undefined) return found
  const there = aggregates.map((aggregate) => `${aggregate.name} on ${aggregate.topic}`).join(', ')
  throw invalid(`the code has no aggregate ${name} on topic ${topic}; it has ${there || 'none'}`)
}

function invalid(message: string): Error {
  return fail('REPLAY_RECORD_INVALID', message)
}

/** The lines of a record in the order in which they were written. */
class RecordReader {
  readonly #lines: AsyncIterator<StatesLine> | Iterator<StatesLine>
  /** A line that was looked at and belongs to what comes next. */
  #ahead: StatesLine | undefined
  #read = 0

  constructor(lines: AsyncIterable<StatesLine> | Iterable<StatesLine>) {
    this.#lines = Symbol.asyncIterator in lines ? lines[Symbol.asyncIterator]() : lines[Symbol.iterator]()
  }

  async header(): Promise<StatesHeader> {
    const first = await this.#next()
    if (first?.kind !== 'keyfold.states') throw invalid('the record does not begin with its header')
    return first
  }

  async *statesOf(aggregate: string, partition: number): AsyncGenerator<StateLine> {
    for (;;) {
      const line = await this.#next()
      if (line?.kind !== 'state' || line.aggregate !== aggregate || line.partition !== partition) {
        this.#ahead = line
        return
      }
      this.#read += 1
      yield line
    }
  }

  async end(): Promise<void> {
    const last = await this.#next()
    if (last?.kind === 'end' && last.states === this.#read) return
    const found = last === undefined ? 'it ends without its last line' : `there is a line out of place: ${last.kind}`
    throw invalid(`the record is not whole: ${found}, after ${this.#read} states`)
  }

  async #next(): Promise<StatesLine | undefined> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead !== undefined) return ahead
    const next = await this.#lines.next()
    return next.done === true ? undefined : next.value
  }
}
