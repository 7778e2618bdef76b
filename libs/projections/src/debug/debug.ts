import type { Offset, ReadBatch, StoredRecord } from '@keyfold/kafka'
import type { HostedProjector } from '../effects.ts'
import { fail } from '../errors.ts'
import type { ReadModelStore, TopicPartition } from '../read-model-store.ts'
import { keyOf } from '../runner/event-task.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import type { Scratch } from '../scratch.ts'
import { valueText } from '../stores/row-checksum.ts'
import { type DebugRange, POSITIONS_MAX, type ResolvedRange, resolveRange } from './debug-range.ts'
import { type DebuggedEvent, makeTables, Trial } from './trial.ts'

/** What a projector does with some events, on rows of their own. */
export interface DebugReport extends TopicPartition {
  readonly projector: string
  readonly version: number
  readonly key: string | null
  /** The first offset, and the one after the last that could have been shown. */
  readonly from: Offset
  readonly to: Offset
  /** Where to go on, when there was more before `to` than one answer holds. */
  readonly next: Offset | null
  /** How many events were applied before those that are shown, and how many of them failed; null without a warm-up. */
  readonly warmUp: { readonly applied: number; readonly failed: number } | null
  readonly events: readonly DebuggedEvent[]
}

export interface DebugTask {
  readonly surroundings: Surroundings
  readonly descriptor: HostedProjector
  readonly store: ReadModelStore | undefined
  /** Raised when nobody wants to know any more. */
  readonly signal: AbortSignal
}

/**
 * Tries the events of a range on scratch rows of the projector's store. Serving rows, checkpoints and parked events are
 * neither read nor written; effects do not run.
 * Errors: `EFFECTS_NOT_REPEATED`, `SCRATCH_MISSING`, those of `resolveRange`, of the client and of the store.
 */
export async function debug(task: DebugTask, range: DebugRange): Promise<DebugReport> {
  const { surroundings, descriptor, store } = task
  const { name, setup, isLiveOnly = false } = descriptor
  if (isLiveOnly) throw fail('EFFECTS_NOT_REPEATED', `${name} has effects only: trying them would make them happen`)
  if (store?.scratch === undefined)
    throw fail('SCRATCH_MISSING', `the store "${descriptor.store}" of projector ${name} has no scratch rows`)
  const resolved = await resolveRange(surroundings.kafka, descriptor, range)
  return await store.scratch(name, async (scratch) => {
    await makeTables(scratch, descriptor, setup)
    return await tryEvents(task, resolved, scratch)
  })
}

async function tryEvents(task: DebugTask, range: ResolvedRange, scratch: Scratch): Promise<DebugReport> {
  const { surroundings, descriptor } = task
  const { topic, partition, from, to, eventsMax, warmUp } = range
  const trial = new Trial({ surroundings, descriptor, scratch })
  const shown = new Shown(eventsMax)
  const fromOffset = warmUp ? range.start : from
  const source = {
    topic,
    partition,
    fromOffset,
    isolation: 'committed',
    maxBytes: surroundings.batch.bytesMax,
  } as const
  const reader = surroundings.kafka.openPartitionReader(source)
  let next = fromOffset
  try {
    while (next < Math.min(to, from + POSITIONS_MAX) && !shown.isFull)
      next = await tryBatch(task, range, { trial, shown, batch: await reader.next() })
  } finally {
    await reader.close()
  }
  const { name: projector, version } = descriptor
  const where = { topic, partition, key: range.key ?? null, from, to, next: next < to ? next : null }
  const { applied, failed } = trial
  return { projector, version, ...where, warmUp: warmUp ? { applied, failed } : null, events: shown.events }
}

/** Bounds what one answer holds, apart from the event that reaches the bound. */
const CHARACTERS_MAX = 8 * 1024 * 1024

/** The events of one answer. */
class Shown {
  readonly events: DebuggedEvent[] = []
  readonly #eventsMax: number
  #characters = 0

  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax
  }

  get isFull(): boolean {
    return this.events.length >= this.#eventsMax || this.#characters >= CHARACTERS_MAX
  }

  add(event: DebuggedEvent): void {
    this.events.push(event)
    this.#characters += valueText([event.handled, event.rows]).length
  }
}

interface Trying {
  readonly trial: Trial
  readonly shown: Shown
  readonly batch: ReadBatch
}

/** Answers the offset to go on with. */
async function tryBatch(
  { surroundings, descriptor, signal }: DebugTask,
  range: ResolvedRange,
  { trial, shown, batch }: Trying,
): Promise<Offset> {
  const before: StoredRecord[] = []
  for (const record of batch.records.filter(({ offset }) => offset < range.to)) {
    if (shown.isFull) return record.offset
    const isWanted = range.key === undefined || range.key === keyOf(record)
    if (record.offset < range.from || !isWanted) {
      if (range.warmUp) before.push(record)
      continue
    }
    await trial.warmUp(before.splice(0))
    if (signal.aborted) throw fail('PROJECTIONS_CLOSED', `${descriptor.name} was closed while events were tried`)
    shown.add(await trial.show(record))
    await surroundings.turns.next()
  }
  await trial.warmUp(before)
  return Math.min(batch.position, range.to)
}
