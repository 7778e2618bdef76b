import { registryError } from '../registry-error.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { keyBytes, type LogWrite, schemaValueBytes } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { testCompatibility } from './compatibility.ts'
import { type Decision, nothingToWrite } from './decision.ts'
import { candidateOf, type SchemaRequest } from './schema-request.ts'
import { checkSubjectName, checkWritable } from './subject-rules.ts'

export interface Registered {
  readonly id: number
  readonly version: number
  readonly guid: string
  readonly schemaType: string
  readonly schema: string
}

/**
 * Registers a schema under a subject. The same schema again changes nothing; content that is known elsewhere keeps its
 * id; anything else must obey the rules for new schemas and the subject's compatibility level.
 * Throws 409, 42201, 42205, 42208, 42209.
 */
export function register(state: RegistryState, subject: string, request: SchemaRequest): Decision<Registered> {
  checkSubjectName(subject)
  checkWritable(state, subject)
  const { guid } = candidateOf(request, false)
  const live = state.liveVersionsOf(subject)
  const same = live.findLast((stored) => stored.guid === guid)
  if (same) return nothingToWrite(answerOf(same))

  const candidate = candidateOf(request, true)
  const version = state.nextVersion(subject)
  if (request.version !== undefined && request.version !== -1 && request.version !== version) {
    const reason = `Version ${request.version} is not one more than previous version ${version - 1}`
    throw registryError('invalidSchema', reason)
  }
  const { isCompatible, messages } = testCompatibility(state.level(subject), candidate, live)
  if (!isCompatible) throw registryError('incompatible', subject, messages)

  const { schemaType, references } = request
  const id = state.idOf(guid) ?? state.idMax + 1
  const value = { subject, version, id, schemaType, references, schema: candidate.schema, deleted: false }
  const write = { key: keyBytes({ keytype: 'SCHEMA', subject, version }), value: schemaValueBytes(value) }
  return { writes: [write, ...tombstonesOfTwins(state, subject, id)], answer: answerOf({ ...value, guid }) }
}

/** A schema that comes back takes the place of its deleted versions, unless somebody refers to them. */
function tombstonesOfTwins(state: RegistryState, subject: string, id: number): readonly LogWrite[] {
  return state
    .versionsOf(subject)
    .filter((stored) => stored.deleted && stored.id === id)
    .filter((stored) => state.referencing(subject, stored.version).length === 0)
    .flatMap(tombstones)
}

/** Deletes every key that the version was written under. */
export function tombstones(stored: StoredSchema): readonly LogWrite[] {
  return stored.rawKeys.map((key) => ({ key, value: null }))
}

function answerOf({ id, version, guid, schemaType, schema }: Registered): Registered {
  return { id, version, guid, schemaType, schema }
}
