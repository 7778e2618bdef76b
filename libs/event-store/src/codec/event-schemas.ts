import type { AvroType, SchemaReference } from '@keyfold/avro'
import type { AnyEventType, EventSchemaVersion } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'
import { typeOfVersion } from './type-of-version.ts'

/** One schema version of an event, as far as code and registry know it. */
export interface HeldVersion {
  readonly version: number
  readonly type: AvroType
  /** As the code has it. */
  readonly known: EventSchemaVersion
  /** Its id in the registry; undefined while it is not registered. */
  schemaId: number | undefined
  /** Those of the registered version, with the registry's numbers. */
  references: readonly SchemaReference[]
}

/** An event type's schemas on one topic. */
export interface EventSchemas {
  readonly name: string
  readonly topic: string
  readonly subject: string
  /** Oldest first; at least one. */
  readonly versions: readonly HeldVersion[]
  /** What the code reads: the last version. */
  readonly newest: HeldVersion
}

/** Errors: `EVENT_NAME_TAKEN` when the schema has another name than the event. */
export function eventSchemas(topic: string, event: AnyEventType): EventSchemas {
  const name = event.eventName
  const versions = event.versions.map((known) => ({
    version: known.version,
    type: typeOfVersion(known),
    known,
    schemaId: undefined,
    references: [],
  }))
  const newest = versions.at(-1)
  if (newest === undefined) throw new TypeError(`event ${name} has no schema version`)
  if (newest.type.fullName !== name)
    throw fail('EVENT_NAME_TAKEN', `event ${name} has a schema with the full name ${newest.type.fullName}`)
  return { name, topic, subject: `${topic}-${name}`, versions, newest }
}

/** The newest version that the registry holds too. */
export function newestRegistered(schemas: EventSchemas): HeldVersion | undefined {
  return schemas.versions.findLast(({ schemaId }) => schemaId !== undefined)
}
