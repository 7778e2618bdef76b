import { RegistryError, registryError } from '../registry-error.ts'
import { contextOf, contextPrefix, DEFAULT_CONTEXT } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { contextValueBytes, keyBytes, type LogWrite, schemaValueBytes } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { prepareTest, testCompatibility } from './compatibility.ts'
import { type Decision, nothingToWrite } from './decision.ts'
import { completedAttachments, findSame, lookUp } from './look-up.ts'
import { type CandidateSchema, candidateOf, type SchemaRequest } from './schema-request.ts'
import { checkSubjectName, checkWritable, isImporting, notPermitted } from './subject-rules.ts'
import { retirement, tombstones } from './tombstones.ts'

export type Registered = Pick<
  StoredSchema,
  'id' | 'version' | 'guid' | 'schemaType' | 'references' | 'metadata' | 'ruleSet' | 'schema'
>

const ID_MAX = 2 ** 31 - 1

/**
 * Registers a schema under a subject. The same schema again changes nothing; content that is known elsewhere in the
 * context keeps its id; anything else must obey the rules for new schemas and, unless forced, the compatibility level.
 * In IMPORT mode the caller says id and version, and compatibility is not asked for.
 * Throws 409, 42201, 42205, 42207, 42208, 42209.
 */
export function register(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  force = false,
): Decision<Registered> {
  checkSubjectName(subject)
  const existing = unchanged(state, subject, request)
  if (existing) return nothingToWrite(existing)
  checkMode(state, subject, request)

  const isImport = isImporting(state, subject)
  const candidate = completedCandidate(state, subject, request)
  const live = state.liveVersionsOf(subject)
  const same = findSame(state, candidate, live)
  if (same && isImport) checkSameId(request, same)
  if (same && request.version === 0 && isWantedId(request, same)) return nothingToWrite(same)

  if (!isImport && !force) {
    const { isCompatible, messages } = testCompatibility(state, {
      config: state.config(subject),
      candidate,
      history: live,
    })
    if (!isCompatible) throw registryError('incompatible', subject, messages)
  }
  const next = state.nextVersion(subject)
  const version = request.version > 0 ? request.version : next
  if (version !== next && !isImport)
    throw registryError('invalidSchema', 'Version is not one more than previous version')
  const id = idFor(state, subject, candidate, request)
  return {
    writes: writesOf(state, subject, { ...candidate, id, version }),
    answer: { ...candidate, id, version, schemaType: 'AVRO' },
  }
}

/** The schema as it would be stored now: completed from the settings and, what was not sent, from the version before. */
export function completedCandidate(state: RegistryState, subject: string, request: SchemaRequest): CandidateSchema {
  const config = state.config(subject)
  const isNew = request.id === undefined && config.validateNewSchemas !== false
  if (isImporting(state, subject)) return candidateOf(state, subject, request, { isNew, normalize: false })
  const previous = state.liveVersionsOf(subject).at(-1)
  const text = request.schema.trim() === '' && previous ? previous : request
  const { schema, schemaType, references } = text
  const attachments = completedAttachments(config, request, previous, state.nextVersion(subject))
  const normalize = request.normalize || config.normalize === true
  return candidateOf(
    state,
    subject,
    { ...request, schema, schemaType, references, ...attachments },
    { isNew, normalize },
  )
}

/** Does the long part of a registration beforehand, in portions. What is wrong with it, the registration itself says. */
export async function prepareRegistration(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  pause: () => Promise<void>,
): Promise<void> {
  const live = state.liveVersionsOf(subject)
  if (live.length < HISTORY_LENGTH_LONG || isImporting(state, subject)) return
  try {
    const candidate = completedCandidate(state, subject, request)
    if (!findSame(state, candidate, live))
      await prepareTest(state, { config: state.config(subject), candidate, history: live }, pause)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
  }
}

/** Fewer versions are compared at once. */
const HISTORY_LENGTH_LONG = 10

/** Answers without asking for the mode, so that clients that register before they write go on when it is READONLY. */
function unchanged(state: RegistryState, subject: string, request: SchemaRequest): StoredSchema | undefined {
  const { defaultMetadata, overrideMetadata, defaultRuleSet, overrideRuleSet } = state.config(subject)
  if (defaultMetadata ?? overrideMetadata ?? defaultRuleSet ?? overrideRuleSet) return undefined
  const existing = lookUp(state, subject, request, false)
  if (!existing || !isWantedId(request, existing)) return undefined
  if (request.version <= 0) return existing
  return request.id !== undefined && request.version === existing.version ? existing : undefined
}

function isWantedId({ id }: SchemaRequest, stored: StoredSchema): boolean {
  return id === undefined || id === stored.id
}

function checkMode(state: RegistryState, subject: string, { id }: SchemaRequest): void {
  checkWritable(state, subject)
  if (id !== undefined && !isImporting(state, subject)) throw notPermitted(subject, 'is not in import mode')
  if (id === undefined && state.mode(subject) !== 'READWRITE') throw notPermitted(subject, 'is not in read-write mode')
}

/** A version that is there keeps its id; under another version the same content may be imported once more. */
function checkSameId({ id, version }: SchemaRequest, same: StoredSchema): void {
  if (id !== undefined && id !== same.id && (version <= 0 || version === same.version)) {
    throw registryError('idDoesNotMatch', same.id, id)
  }
}

function idFor(state: RegistryState, subject: string, candidate: CandidateSchema, request: SchemaRequest): number {
  const ids = state.ids(subject)
  if (request.id === undefined) {
    const id = ids.usedIdOf(candidate.guid) ?? ids.retired.get(candidate.guid) ?? ids.idMax + 1
    if (id > ID_MAX) throw registryError('storeFailed', 'all ids of this context are used up')
    return id
  }
  const bound = ids.any(request.id)
  if (bound && bound.guid !== candidate.guid) {
    const context = contextPrefix(contextOf(subject))
    throw registryError(
      'notPermitted',
      `Overwrite new schema with id ${request.id} in context ${context} is not permitted.`,
    )
  }
  return request.id
}

function writesOf(
  state: RegistryState,
  subject: string,
  candidate: CandidateSchema & { readonly id: number; readonly version: number },
): readonly LogWrite[] {
  const { id, version, schema, references, metadata, ruleSet } = candidate
  const value = { subject, version, id, schemaType: 'AVRO', references, metadata, ruleSet, schema, deleted: false }
  const replaced = state.version(subject, version)
  const [key = keyBytes({ keytype: 'SCHEMA', subject, version })] = replaced?.rawKeys ?? []
  const write = { key, value: schemaValueBytes(value) }
  const retired = replaced && replaced.id !== id ? retirement(state, [replaced]) : []
  return [...contextWrites(state, subject), write, ...retired, ...tombstonesOfTwins(state, subject, candidate)]
}

/** A context is written down with its first schema. */
function contextWrites(state: RegistryState, subject: string): readonly LogWrite[] {
  const context = contextOf(subject)
  if (context === DEFAULT_CONTEXT || state.rawContextKeys(context).length > 0) return []
  return [{ key: keyBytes({ keytype: 'CONTEXT', context }), value: contextValueBytes(context) }]
}

/** A schema that comes back takes the place of its deleted versions, unless somebody refers to them. */
function tombstonesOfTwins(
  state: RegistryState,
  subject: string,
  { id, version }: { readonly id: number; readonly version: number },
): readonly LogWrite[] {
  return state
    .versionsOf(subject)
    .filter((stored) => stored.deleted && stored.id === id && stored.version < version)
    .filter((stored) => state.referencing(subject, stored.version).length === 0)
    .flatMap(tombstones)
}
