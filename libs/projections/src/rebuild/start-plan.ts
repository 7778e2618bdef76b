import type { GenerationRecord } from '../read-model-store.ts'

/** What a projector does when it starts, given what an earlier process has left. */
export interface StartPlan {
  /** The generation that serves. `feed` is false when its code is gone: it serves what it has. */
  readonly serve: { readonly record: GenerationRecord | undefined; readonly feed: boolean }
  /** The generation to build beside it: one to go on with, or a new one. */
  readonly build: GenerationRecord | 'new' | undefined
  /** Unfinished generations of versions that are not the code's. */
  readonly discard: readonly GenerationRecord[]
}

export function planStart(generations: readonly GenerationRecord[], version: number): StartPlan {
  const active = generations.find(({ status }) => status === 'active')
  const building = generations.filter(({ status }) => status === 'building')
  const unfinished = building.findLast((record) => record.version === version)
  const discard = building.filter((record) => record !== unfinished)
  if (active === undefined) return { serve: { record: unfinished, feed: true }, build: undefined, discard }
  if (active.version === version) return { serve: { record: active, feed: true }, build: unfinished, discard }
  // Going back to a version whose rows are still there: they only have to catch up.
  const served = generations.findLast((record) => record.status === 'retired' && record.version === version)
  return { serve: { record: active, feed: false }, build: unfinished ?? served ?? 'new', discard }
}

/** What a finished rebuild may delete: all that neither serves nor is the newest one that did. */
export function obsolete(generations: readonly GenerationRecord[]): readonly GenerationRecord[] {
  const kept = generations.findLast(({ status }) => status === 'retired')
  return generations.filter((record) => record.status !== 'active' && record !== kept)
}
