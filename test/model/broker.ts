import type { LogRecord, Producer, World } from './world.ts'

/*
 * What a Kafka broker does to one partition: a transactional id has an epoch,
 * InitProducerId raises it and aborts what is open, an older epoch is refused, EndTxn decides what is open now. A node that
 * is killed may forget to tell the partition what was decided: the records stay open, and the coordinator knows of nothing.
 */

/** InitProducerId: returns the new epoch; a transaction that is open under the id is aborted. */
export function initProducerId(world: World, producer: number): number {
  const state = producerAt(world, producer)
  if (state.isOpen) end(world, producer, 'aborted')
  state.epoch += 1
  return state.epoch
}

/** False when the epoch is fenced. */
export function produce(world: World, epoch: number, records: readonly LogRecord[]): boolean {
  const [first] = records
  if (first === undefined) return true
  const state = producerAt(world, first.producer)
  if (state.epoch !== epoch) return false
  state.isOpen = true
  world.log.push(...records.map((record) => ({ ...record })))
  return true
}

/** Whose transaction is to be ended, and how. */
export interface TransactionEnd {
  readonly producer: number
  readonly epoch: number
  readonly outcome: 'committed' | 'aborted'
  /** The node is killed before the partition hears of it. */
  readonly isForgotten?: boolean
}

/**
 * The epoch of the next transaction; undefined when this one is fenced. Without an open transaction it changes nothing, as
 * a repeated EndTxn does.
 */
export function endTransaction(
  world: World,
  { producer, epoch, outcome, isForgotten }: TransactionEnd,
): number | undefined {
  const state = producerAt(world, producer)
  if (state.epoch !== epoch) return undefined
  if (!state.isOpen) return epoch
  end(world, producer, outcome, isForgotten)
  if (world.bumpsEpoch) state.epoch += 1
  return state.epoch
}

/** Ends what a killed node forgot to end, as it was decided. */
export function settle(world: World, producer: number): void {
  const { isOpen, ended } = producerAt(world, producer)
  if (!isOpen) decideOpen(world, producer, ended)
}

/** Where read_committed ends: the first record that is not decided (the last stable offset). */
export function stableEnd({ log }: Pick<World, 'log'>): number {
  const open = log.findIndex(({ state }) => state === 'open')
  return open < 0 ? log.length : open
}

function end(world: World, producer: number, outcome: 'committed' | 'aborted', isForgotten = false): void {
  const state = producerAt(world, producer)
  state.isOpen = false
  state.ended = outcome
  if (!isForgotten) decideOpen(world, producer, outcome)
}

function producerAt({ producers }: World, producer: number): Producer {
  const state = producers[producer]
  if (state === undefined) throw new TypeError(`there is no producer ${producer}`)
  return state
}

function decideOpen(world: World, producer: number, outcome: 'committed' | 'aborted'): void {
  for (const record of world.log) if (record.state === 'open' && record.producer === producer) record.state = outcome
}
