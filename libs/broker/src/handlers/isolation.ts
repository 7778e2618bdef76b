import type { Isolation } from '../partition/partition-requests.ts'

/** What a reader may see, by the level that Fetch and ListOffsets name; undefined for a level that is not defined. */
export function isolationOf(level: number): Isolation | undefined {
  return (['read_uncommitted', 'read_committed'] as const)[level]
}
