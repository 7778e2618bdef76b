import type { StoredSchema } from './stored-schema.ts'

/** The ids of one context: what they mean, and which versions have them. */
export class ContextIds {
  #idMax = 0
  readonly #versions = new Map<number, Map<string, StoredSchema>>()
  /** Ids of a content, the one that was used last at the end. More than one only where they were imported. */
  readonly #idsByGuid = new Map<string, readonly number[]>()
  #retired = new Map<string, number>()

  /** The highest id that was ever given. */
  get idMax(): number {
    return this.#idMax
  }

  /** By guid, ids of contents that have no version any more. */
  get retired(): ReadonlyMap<string, number> {
    return this.#retired
  }

  /** Remembers what was retired, in place of what was remembered before. Ids that were used stay used. */
  restore(idMax: number, retired: Readonly<Record<string, number>>): void {
    this.#idMax = Math.max(this.#idMax, idMax)
    this.#retired = new Map(Object.entries(retired))
  }

  add(stored: StoredSchema): void {
    const { id, guid } = stored
    this.#idMax = Math.max(this.#idMax, id)
    const versions = this.#versions.get(id) ?? new Map<string, StoredSchema>()
    this.#versions.set(id, versions.set(placeOf(stored), stored))
    this.#idsByGuid.set(guid, [...this.#idsOf(guid).filter((other) => other !== id), id])
    if (this.#retired.size === 0) return
    this.#retired.delete(guid)
    for (const [other, retiredId] of this.#retired) if (retiredId === id) this.#retired.delete(other)
  }

  remove(stored: StoredSchema): void {
    const { id, guid } = stored
    const versions = this.#versions.get(id)
    versions?.delete(placeOf(stored))
    if (versions?.size !== 0) return
    this.#versions.delete(id)
    const others = this.#idsOf(guid).filter((other) => other !== id)
    if (others.length > 0) this.#idsByGuid.set(guid, others)
    else this.#idsByGuid.delete(guid)
  }

  /** By subject and version. All have the same content. */
  versions(id: number): readonly StoredSchema[] {
    const versions = [...(this.#versions.get(id)?.values() ?? [])]
    return versions.sort((left, right) =>
      left.subject < right.subject ? -1 : left.subject > right.subject ? 1 : left.version - right.version,
    )
  }

  /** Any version with this id. */
  any(id: number): StoredSchema | undefined {
    return this.#versions.get(id)?.values().next().value
  }

  /** The id of a content that has a version now. */
  usedIdOf(guid: string): number | undefined {
    return this.#idsOf(guid).at(-1)
  }

  #idsOf(guid: string): readonly number[] {
    return this.#idsByGuid.get(guid) ?? []
  }
}

function placeOf({ subject, version }: StoredSchema): string {
  return `${version}:${subject}`
}
