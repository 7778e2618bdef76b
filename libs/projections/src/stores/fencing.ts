import { fail } from '../errors.ts'
import type { TopicPartition } from '../read-model-store.ts'

/** Whose read model it is, or was. */
export interface ReadModelOwner {
  readonly projector: string
  readonly ownerEpoch: number
}

/** `CHECKPOINT_FENCED` for one partition: its checkpoint belongs to a later owner, or is not where this one left it. */
export function checkpointFenced(
  { projector, ownerEpoch }: ReadModelOwner,
  { topic, partition }: TopicPartition,
): Error {
  return fail(
    'CHECKPOINT_FENCED',
    `projector ${projector} does not own ${topic}/${partition} any more (its owner epoch is ${ownerEpoch})`,
    { details: { projector, topic, partition, ownerEpoch } },
  )
}

/** `CHECKPOINT_FENCED` for a projector as a whole: what only its owner may change, such as which generation serves. */
export function projectorFenced({ projector, ownerEpoch }: ReadModelOwner): Error {
  return fail('CHECKPOINT_FENCED', `projector ${projector} has a later owner than epoch ${ownerEpoch}`, {
    details: { projector, ownerEpoch },
  })
}
