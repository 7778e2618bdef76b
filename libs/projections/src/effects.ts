import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { KafkaClient } from '@keyfold/kafka'
import type { Generation } from './read-model-store.ts'
import { endsOf } from './runner/ends.ts'
import { partitionKey } from './runner/partition-progress.ts'
import { partitionsOf } from './runner/topic-partitions.ts'

/** A projector as a host runs it. */
export interface HostedProjector extends ProjectorDescriptor {
  /** Begins where its topics end when it is started for the first time, and is never built anew. */
  readonly isLiveOnly?: boolean
}

/** What the projector that runs another one's effects is called. */
export function effectsName(projector: string): string {
  return `${projector}.effects`
}

/**
 * The effects of a projector as a projector of their own, with checkpoints and parked events but no rows: whatever
 * happens to generations of rows, what was sent is not sent again. Undefined when it has none.
 */
export function effectsOf(descriptor: ProjectorDescriptor): HostedProjector | undefined {
  const { name, effects, events } = descriptor
  if (effects.size === 0) return undefined
  const nothing = { setup: () => {}, indexes: undefined, verify: undefined, effects: new Map() }
  const own = events.filter(({ eventName }) => effects.has(eventName))
  return {
    ...descriptor,
    ...nothing,
    name: effectsName(name),
    version: 1,
    handlers: effects,
    events: own,
    isLiveOnly: true,
  }
}

/** Moves the checkpoints of a generation that never served to the ends of its topics. */
export async function passOverHistory(
  kafka: KafkaClient,
  { name, topics }: ProjectorDescriptor,
  generation: Generation,
): Promise<void> {
  const checkpoints = await generation.claim(await partitionsOf(kafka, name, topics))
  const ends = await endsOf(kafka, topics)
  for (const checkpoint of checkpoints) {
    const end = ends.get(partitionKey(checkpoint)) ?? 0
    if (end > checkpoint.position) await generation.write(checkpoint, () => end)
  }
}
