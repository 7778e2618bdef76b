import { type FindReferenced, type ParsedSchema, parseSchema, resolveReferences } from '@keyfold/avro'
import { qualifiedBy } from './qualified-subject.ts'
import type { RegistryState } from './registry-state.ts'
import type { StoredSchema } from './stored-schema.ts'
import { WeightedCache } from './weighted-cache.ts'

/** Characters of schema text that are kept parsed. A tree takes several times the space of its text. */
const PARSED_TEXT_MAX = 8 * 1024 * 1024

const trees = new WeightedCache<StoredSchema, ParsedSchema>(PARSED_TEXT_MAX)

/**
 * The Avro schema of a stored version, parsed leniently: what is stored need not obey today's rules. Throws `AvroError`
 * when it cannot be read at all, or refers to what is not there any more.
 */
export function parsedSchemaOf(state: RegistryState, stored: StoredSchema): ParsedSchema {
  const known = trees.get(stored)
  if (known) return known
  const find = findReferenced(state, true)
  const { texts } = resolveReferences(stored.references, find, { subject: stored.subject })
  const schema = parseSchema(stored.schema, { references: texts })
  // What it refers to may be imported anew, so such a schema is parsed every time.
  if (texts.length === 0) trees.set(stored, schema, stored.schema.length)
  return schema
}

/** Follows references among the versions that are there; new schemas may only refer to live ones. */
export function findReferenced(state: RegistryState, deletedToo: boolean): FindReferenced {
  return (reference, from) => {
    const subject = qualifiedBy(from, reference.subject)
    if (reference.version === -1) return state.liveVersionsOf(subject).at(-1)
    const stored = state.version(subject, reference.version)
    return stored && (deletedToo || !stored.deleted) ? stored : undefined
  }
}
