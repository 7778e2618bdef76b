/**
 * The life of a partition writer, as a table: what may happen in each state, where it leads, and what has to be done.
 *
 * - `claiming`: it takes the partition over: fences every earlier writer, then reads to the end.
 * - `open`: it holds every record of the partition and waits for commands.
 * - `committing`: a batch was cut; it is decided and written. `closing` is the same, with nothing to follow.
 * - `resolving`: the outcome of a batch is not known; a new claim settles it and finds out.
 * - `fenced`: another writer owns the partition. `refused`: the partition must not be written to.
 */
export type WriterState = 'claiming' | 'open' | 'committing' | 'closing' | 'resolving' | 'fenced' | 'refused' | 'closed'

export type WriterEvent =
  | 'claimed'
  | 'claimFailed'
  | 'claimRefused'
  | 'ownerChanged'
  | 'batchCut'
  | 'committed'
  /** The batch is in, but an aggregate's memory is spoilt: its handler failed half-way. */
  | 'committedSpoilt'
  | 'aborted'
  | 'fenced'
  | 'unknown'
  | 'closed'

export type WriterEffect =
  | 'claim'
  | 'claimLater'
  | 'cutNext'
  /** Tell the batch's callers what was decided. */
  | 'reply'
  /** The batch never happened: decide it anew, first in line. */
  | 'requeue'
  /** The same, one command per batch, so that the one at fault fails alone. */
  | 'requeueSingly'
  /** The batch may have happened: look for its commands before deciding them anew. */
  | 'requeueInDoubt'
  | 'answerNotOwner'
  | 'answerRefused'
  | 'answerClosed'

export interface WriterStep {
  readonly to: WriterState
  readonly effects: readonly WriterEffect[]
}

type Row = Partial<Record<WriterEvent, WriterStep>>

const claiming: Row = {
  claimed: { to: 'open', effects: ['cutNext'] },
  claimFailed: { to: 'claiming', effects: ['claimLater'] },
  claimRefused: { to: 'refused', effects: ['answerRefused'] },
  ownerChanged: { to: 'fenced', effects: ['answerNotOwner'] },
  closed: { to: 'closed', effects: ['answerClosed'] },
}

const late: Row = {
  claimed: stay('closed'),
  claimFailed: stay('closed'),
  claimRefused: stay('closed'),
  ownerChanged: stay('closed'),
}

const table: Readonly<Record<WriterState, Row>> = {
  claiming,
  resolving: { ...claiming, claimFailed: { to: 'resolving', effects: ['claimLater'] } },
  open: {
    batchCut: { to: 'committing', effects: [] },
    closed: { to: 'closed', effects: ['answerClosed'] },
  },
  committing: {
    committed: { to: 'open', effects: ['reply', 'cutNext'] },
    committedSpoilt: { to: 'claiming', effects: ['reply', 'claim'] },
    aborted: { to: 'claiming', effects: ['requeueSingly', 'claim'] },
    fenced: { to: 'fenced', effects: ['requeue', 'answerNotOwner'] },
    unknown: { to: 'resolving', effects: ['requeueInDoubt', 'claim'] },
    claimRefused: { to: 'refused', effects: ['requeue', 'answerRefused'] },
    closed: { to: 'closing', effects: [] },
  },
  closing: {
    committed: { to: 'closed', effects: ['reply', 'answerClosed'] },
    committedSpoilt: { to: 'closed', effects: ['reply', 'answerClosed'] },
    aborted: { to: 'closed', effects: ['requeue', 'answerClosed'] },
    fenced: { to: 'closed', effects: ['requeue', 'answerNotOwner'] },
    unknown: { to: 'closed', effects: ['requeueInDoubt', 'answerClosed'] },
    claimRefused: { to: 'closed', effects: ['requeue', 'answerRefused'] },
    closed: stay('closing'),
  },
  fenced: { closed: stay('closed') },
  refused: { closed: stay('closed') },
  closed: { ...late, closed: stay('closed') },
}

/** @throws {TypeError} for an event that cannot happen in this state: a bug, not a condition. */
export function nextStep(state: WriterState, event: WriterEvent): WriterStep {
  const step = table[state][event]
  if (step === undefined) throw new TypeError(`a partition writer that is ${state} cannot be told "${event}"`)
  return step
}

function stay(state: WriterState): WriterStep {
  return { to: state, effects: [] }
}
