import { type Clock, pauseFor } from '../clock.ts'
import { fail } from '../errors.ts'
import type { GenerationRecord } from '../read-model-store.ts'
import { rebuildOf, type RebuildOrder, type SharedReadModel, type Sight } from './shared-read-model.ts'

export interface RebuildOrderOptions {
  readonly projector: string
  readonly model: SharedReadModel
  readonly clock: Clock
}

/** How often the store is asked whether the order was carried out, in milliseconds. */
const askEveryMs = 20

type Status = GenerationRecord['status'] | undefined

/** What is to become of the generation: it serves, or it is gone. One that served before and was to serve again is kept. */
const wanted: Readonly<Record<RebuildOrder, readonly Status[]>> = {
  swap: ['active'],
  cancel: [undefined, 'retired'],
}

/**
 * Asks the process that rebuilds to let the generation serve, or to give it up, and waits until it has.
 * Errors: `REBUILD_MISSING`, also when that process ends before; `VERIFICATION_FAILED`.
 */
export async function askForRebuild(
  order: RebuildOrder,
  { projector, model, clock }: RebuildOrderOptions,
): Promise<void> {
  const missing = (why: string): Error => fail('REBUILD_MISSING', `projector ${projector} ${why}`)
  const before = await model.look()
  const progress = rebuildOf(before)
  if (progress === undefined) throw missing('is not being rebuilt')
  const { generation, phase } = progress
  const leader = `the process ${before?.leader}`
  if (order === 'swap' && phase !== 'ready') throw missing(`has no generation that is ready, ${leader} is ${phase}`)
  if (!(await model.askForRebuild(generation, order)))
    throw missing(`is not being rebuilt any more, or ${leader} was asked for something else`)
  let sight = await model.look()
  while (isOpen(sight, generation, order)) {
    await pauseFor(clock, askEveryMs)
    sight = await model.look()
  }
  const status = sight?.record.generations.find((each) => each.generation === generation)?.status
  if (wanted[order].includes(status)) return
  if (status === 'rejected')
    throw fail('VERIFICATION_FAILED', `generation ${generation} of ${projector} was rejected by ${leader}`)
  throw missing(`has generation ${generation} ${status ?? 'no more'}: ${leader} has not done what it was asked`)
}

function isOpen(sight: Sight | undefined, generation: number, order: RebuildOrder): boolean {
  const { rebuild } = sight ?? {}
  return rebuild?.progress.generation === generation && rebuild.asked === order
}
