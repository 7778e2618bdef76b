import type { ProjectorVerification } from '@keyfold/eventsourcing'
import type { Generation, TableDigest } from '../read-model-store.ts'

/** What a rebuild found when it compared the generations at equal positions. */
export interface Verification {
  /**
   * False also when the author's `verify` says so, and when events are parked that the serving generation has applied.
   * Null when there was nothing to compare with: no serving generation, one of another version, or one whose parked
   * events are applied now, so that the rows cannot be the same.
   */
  readonly equal: boolean | null
  /** The tables of the new generation. */
  readonly tables: readonly TableDigest[]
  /** One line per table that differs. */
  readonly differences: readonly string[]
}

/** What is to be compared, and the author's own opinion on it. */
export interface VerificationTask {
  readonly made: Generation
  readonly serving: Generation | undefined
  /** Asked when there is no generation of the same version to compare with. */
  readonly hook: ProjectorVerification | undefined
}

/** Compares every table of two generations that have applied exactly the same events. */
export async function verify({ made, serving, hook }: VerificationTask): Promise<Verification> {
  const tables = await made.tables()
  if (serving === undefined || serving.version !== made.version) {
    const differences = (await hook?.(made.handle, serving?.handle)) ?? []
    return { equal: differences.length > 0 ? false : null, tables, differences }
  }
  const { freed, added } = await parkedDifference(serving, made)
  // Readers must not lose what they have seen: such a generation is not switched to by itself.
  if (added > 0) return { equal: false, tables, differences: [`${added} events are parked now`] }
  if (freed > 0) return { equal: null, tables, differences: [`${freed} events are parked no more`] }
  const differences = differencesOf(await serving.tables(), tables)
  return { equal: differences.length === 0, tables, differences }
}

/** How many events only the serving generation has parked, and how many only the new one. */
async function parkedDifference(serving: Generation, made: Generation): Promise<{ freed: number; added: number }> {
  const placesOf = async (generation: Generation): Promise<Set<string>> =>
    new Set((await generation.parked()).map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`))
  const [before, now] = [await placesOf(serving), await placesOf(made)]
  return { freed: before.difference(now).size, added: now.difference(before).size }
}

/** What differs between the tables before and after, in words. */
export function differencesOf(before: readonly TableDigest[], after: readonly TableDigest[]): readonly string[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].toSorted()
  return names.flatMap((name) => {
    const old = before.find((table) => table.name === name)
    const made = after.find((table) => table.name === name)
    if (old === undefined) return `${name} is new`
    if (made === undefined) return `${name} is missing`
    if (old.rows !== made.rows) return `${name} has ${made.rows} rows instead of ${old.rows}`
    return old.checksum === made.checksum ? [] : `${name} has other values in its ${made.rows} rows`
  })
}
