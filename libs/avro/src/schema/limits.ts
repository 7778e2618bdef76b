/** Schemas come from strangers: what is larger than this is refused before it is looked at closely. */
export const SCHEMA_LIMITS = {
  /** JSON arrays and objects inside each other. */
  depthMax: 512,
  /** Length of the text in UTF-16 units: a lower bound of its bytes, checked before anything is parsed. */
  sizeBytesMax: 256 * 1024,
  /** Fields of all records of one schema together. */
  fieldsMax: 2000,
  /** Schemas that one schema may reference, the references of those included. */
  referencesMax: 256,
} as const
