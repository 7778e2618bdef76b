import type { LogRecord, World } from './world.ts'

/*
 * What a Kafka broker does to one partition (consistency.md is not needed to read it): a transactional id has an epoch,
 * InitProducerId raises it and aborts what is open, an older epoch is refused, EndTxn decides what is open now.
 */

/** InitProducerId: returns the new epoch; everything that was open under the id is aborted. */
export function initProducerId(world: World, producer: number): number {
  decideOpen(world, producer, 'aborted')
  const state = world.producers[producer]
  if (state === undefined) throw new TypeError(`there is no producer ${producer}`)
  state.epoch += 1
  return state.epoch
}

/** False when the epoch is fenced. */
export function produce(world: World, epoch: number, records: readonly LogRecord[]): boolean {
  const [first] = records
  if (first === undefined) return true
  if (world.producers[first.producer]?.epoch !== epoch) return false
  world.log.push(...records.map((record) => ({ ...record })))
  return true
}

/** False when the epoch is fenced. Without an open transaction it changes nothing, as a repeated EndTxn does. */
export function endTransaction(
  world: World,
  { producer, epoch }: { readonly producer: number; readonly epoch: number },
  outcome: 'committed' | 'aborted',
): boolean {
  if (world.producers[producer]?.epoch !== epoch) return false
  decideOpen(world, producer, outcome)
  return true
}

/** Where read_committed ends: the first record that is not decided (the last stable offset). */
export function stableEnd({ log }: World): number {
  const open = log.findIndex(({ state }) => state === 'open')
  return open < 0 ? log.length : open
}

function decideOpen(world: World, producer: number, outcome: 'committed' | 'aborted'): void {
  for (const record of world.log) if (record.state === 'open' && record.producer === producer) record.state = outcome
}
