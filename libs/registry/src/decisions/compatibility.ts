import {
  checkLevel,
  type CompatibilityLevel,
  type LevelVerdict,
  type SchemaVersion,
  verboseMessages,
} from '@keyfold/avro'
import { parsedSchemaOf, type StoredSchema } from '../state/stored-schema.ts'
import type { CandidateSchema } from './schema-request.ts'

export interface CompatibilityAnswer {
  readonly isCompatible: boolean
  /** In the words of Confluent's registry; empty when compatible. */
  readonly messages: readonly string[]
}

/** Tests a schema against live versions, oldest first, under a level. */
export function testCompatibility(
  level: CompatibilityLevel,
  candidate: CandidateSchema,
  history: readonly StoredSchema[],
): CompatibilityAnswer {
  if (level === 'NONE') return { isCompatible: true, messages: [] }
  if (history.some(({ schemaType }) => schemaType !== 'AVRO')) {
    return { isCompatible: false, messages: ['Incompatible because of different schema type'] }
  }
  const versions = history.map((stored): SchemaVersion => ({ version: stored.version, schema: parsedSchemaOf(stored) }))
  const verdict: LevelVerdict = checkLevel(level, candidate.parsed, versions)
  return { isCompatible: verdict.compatible, messages: verboseMessages(level, verdict) }
}
