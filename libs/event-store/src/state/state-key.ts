import { type AggregateDescriptor, upcasterInWords } from '@keyfold/eventsourcing'
import { commandFingerprint } from '../fingerprint.ts'

/**
 * What a kept state depends on: the aggregate's `stateVersion`, the schemas of its events, and which upcasters lead to
 * them. What its functions do is not seen: whoever changes a step raises `stateVersion`.
 */
export function stateKeyOf({ name, stateVersion, events, upcasters, evolve }: AggregateDescriptor): string {
  const facts = {
    schemas: events.map(({ eventName, versions }) => ({ eventName, versions: versions.map(({ schema }) => schema) })),
    steps: [...evolve.keys()].toSorted(),
    upcasters: upcasters.map(upcasterInWords).toSorted(),
  }
  return `${stateVersion}:${commandFingerprint(name, facts)}`
}
