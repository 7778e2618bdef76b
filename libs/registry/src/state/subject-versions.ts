import type { StoredSchema } from './stored-schema.ts'

/** The versions of one subject. */
export class SubjectVersions {
  readonly #versions = new Map<number, StoredSchema>()
  #sorted: readonly StoredSchema[] | undefined

  get isEmpty(): boolean {
    return this.#versions.size === 0
  }

  /** Oldest first, soft-deleted ones included. */
  get all(): readonly StoredSchema[] {
    this.#sorted ??= [...this.#versions.values()].sort((left, right) => left.version - right.version)
    return this.#sorted
  }

  get(version: number): StoredSchema | undefined {
    return this.#versions.get(version)
  }

  set(stored: StoredSchema): void {
    this.#versions.set(stored.version, stored)
    this.#sorted = undefined
  }

  delete(version: number): void {
    this.#versions.delete(version)
    this.#sorted = undefined
  }
}
