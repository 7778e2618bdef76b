import { fail } from '../errors.ts'
import { committedEnds, foldPartition, type FoldedState, type ReplaySide } from './fold-partition.ts'

/** The first line of a record: what was folded, and up to where. */
export interface StatesHeader {
  readonly kind: 'keyfold.states'
  readonly format: 1
  /** Share of the keys, by hash. */
  readonly sample: number
  readonly aggregates: readonly { readonly name: string; readonly topic: string; readonly ends: readonly number[] }[]
}

/** The state of one aggregate. Lines stand in the order of the header's aggregates and their partitions. */
export type StateLine = FoldedState & {
  readonly kind: 'state'
  readonly aggregate: string
  readonly partition: number
  readonly key: string
}

/** The last line: a record without it was cut off. */
export interface StatesEnd {
  readonly kind: 'end'
  readonly states: number
}

export type StatesLine = StatesHeader | StateLine | StatesEnd

export interface RecordOptions {
  /** Share of the keys that are folded, by their hash, above 0 and at most 1. Default 1. */
  readonly sample?: number
}

/**
 * Folds everything that is stored now with the code of a side, and gives the states as lines to keep: to be compared later
 * with what other code makes of the same events. Errors: those of the codec's `register`, of Kafka and the registry.
 */
export async function* recordStates(side: ReplaySide, { sample = 1 }: RecordOptions = {}): AsyncGenerator<StatesLine> {
  checkSample(sample)
  await registerAll(side)
  const aggregates: StatesHeader['aggregates'][number][] = []
  for (const { name, topic } of side.aggregates)
    aggregates.push({ name, topic, ends: await committedEnds(side.kafka, topic) })
  yield { kind: 'keyfold.states', format: 1, sample, aggregates }
  let written = 0
  for (const [index, aggregate] of side.aggregates.entries()) {
    for (const [partition, endOffset] of (aggregates[index]?.ends ?? []).entries()) {
      const { states } = await foldPartition(side, { aggregate, partition, endOffset, sample })
      for (const [key, folded] of states) {
        written += 1
        yield { kind: 'state', aggregate: aggregate.name, partition, key, ...folded }
      }
    }
  }
  yield { kind: 'end', states: written }
}

/** One line of a record. Errors: `REPLAY_RECORD_INVALID`. */
export function parseStatesLine(text: string): StatesLine {
  let line: Partial<StatesLine> | null
  try {
    line = JSON.parse(text) as Partial<StatesLine> | null
  } catch (cause) {
    throw fail('REPLAY_RECORD_INVALID', `a line of the record is not JSON: ${text.slice(0, 60)}`, { cause })
  }
  if (line?.kind === 'keyfold.states' && line.format === 1 && Array.isArray(line.aggregates))
    return line as StatesHeader
  if (line?.kind === 'state' && typeof line.key === 'string' && ('state' in line || 'error' in line))
    return line as StateLine
  if (line?.kind === 'end' && typeof line.states === 'number') return line as StatesEnd
  throw fail('REPLAY_RECORD_INVALID', `a line of the record is none of its kinds: ${text.slice(0, 60)}`)
}

/** Makes a side's events readable. */
export async function registerAll({ codec, aggregates }: ReplaySide): Promise<void> {
  await Promise.all(aggregates.map(({ topic, events, upcasters }) => codec.register(topic, events, upcasters)))
}

export function checkSample(sample: number): void {
  if (!(sample > 0 && sample <= 1))
    throw fail('REPLAY_RECORD_INVALID', `a sample is a share above 0 and at most 1, not ${sample}`)
}
