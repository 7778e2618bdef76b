import type { StoredSchema } from '../state/stored-schema.ts'

/** A version as the API shows it. Members without a value are left out. */
export function versionEntity(stored: StoredSchema): object {
  const { subject, version, id } = stored
  return { subject, version, id, ...contentOf(stored), ...(stored.deleted ? { deleted: true } : {}) }
}

/** What belongs to an id and not to a subject. */
export function contentOf({ guid, schemaType, references, schema, timestampMs }: StoredSchema): object {
  return { guid, schemaType, ...(references.length > 0 ? { references } : {}), schema, ts: timestampMs }
}
