import { type AvroType, avroType, canonicalSchema, parseSchema, resolveReferences } from '@keyfold/avro'
import type { EventSchemaVersion, TypeReference } from '@keyfold/eventsourcing'

/**
 * The Avro type of a version as the code has it, the types that it refers to included. Errors: `AVRO_SCHEMA_INVALID`, also
 * for two versions of one type within a schema.
 */
export function typeOfVersion({ schema, references = [] }: EventSchemaVersion): AvroType {
  if (references.length === 0) return avroType(schema as string | object)
  const found = new Map<string, readonly TypeReference[]>([['', references]])
  const { texts } = resolveReferences(
    references.map(named),
    ({ name, subject, version }, from) => {
      const ofThis = found.get(from) ?? []
      const reference = ofThis.find((each) => {
        return each.type.name === name && each.subject === subject && each.version === version
      })
      const known = reference?.type.versions.find((each) => each.version === version)
      if (known === undefined) return undefined
      const place = `${subject} ${version}`
      found.set(place, known.references ?? [])
      return {
        subject: place,
        version,
        schema: textOf(known.schema),
        references: (known.references ?? []).map(named),
      }
    },
    { subject: '', strictVersions: true },
  )
  return avroType(parseSchema(textOf(schema), { references: texts }))
}

/** The same with the types that it refers to written out: what stands for itself. */
export function selfContained(type: AvroType): AvroType {
  const { root, referenced } = type.parsed
  return referenced === undefined ? type : avroType(canonicalSchema({ root }))
}

function named({ subject, version, type: { name } }: TypeReference) {
  return { name, subject, version }
}

function textOf(schema: unknown): string {
  return typeof schema === 'string' ? schema : JSON.stringify(schema)
}
