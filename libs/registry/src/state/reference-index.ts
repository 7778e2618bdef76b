import { qualifiedBy } from './qualified-subject.ts'
import type { StoredSchema } from './stored-schema.ts'

/** Who refers to a version: by the version that is referred to. */
export class ReferenceIndex {
  readonly #referring = new Map<string, Map<string, StoredSchema>>()

  add(stored: StoredSchema): void {
    for (const place of placesOf(stored)) {
      const referring = this.#referring.get(place) ?? new Map<string, StoredSchema>()
      this.#referring.set(place, referring.set(placeOf(stored.subject, stored.version), stored))
    }
  }

  remove(stored: StoredSchema): void {
    for (const place of placesOf(stored)) {
      const referring = this.#referring.get(place)
      referring?.delete(placeOf(stored.subject, stored.version))
      if (referring?.size === 0) this.#referring.delete(place)
    }
  }

  /** Versions with a reference to this one, soft-deleted ones included. */
  to(subject: string, version: number): readonly StoredSchema[] {
    return [...(this.#referring.get(placeOf(subject, version))?.values() ?? [])]
  }
}

function placesOf({ subject, references }: StoredSchema): readonly string[] {
  return references.map((reference) => placeOf(qualifiedBy(subject, reference.subject), reference.version))
}

function placeOf(subject: string, version: number): string {
  return `${version}:${subject}`
}
