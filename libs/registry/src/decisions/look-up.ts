import { AvroError, canonicalSchema } from '@keyfold/avro'
import {
  mergedMetadata,
  type Metadata,
  versionProperty,
  withoutVersionProperty,
  withVersionProperty,
} from '../state/metadata.ts'
import { parsedSchemaOf } from '../state/parsed-schemas.ts'
import { contextPrefix, DEFAULT_CONTEXT, parseSubject } from '../state/qualified-subject.ts'
import type { EffectiveConfig, RegistryState } from '../state/registry-state.ts'
import { mergedRuleSet } from '../state/rule-set.ts'
import type { SchemaReference } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { type CandidateSchema, candidateOf, type SchemaRequest } from './schema-request.ts'
import { isImporting } from './subject-rules.ts'

/**
 * Finds the version of a subject that has a schema, as sent or completed from the newest version. With `version` -1 in
 * the request only the newest one is looked at. Throws 42201.
 */
export function lookUp(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  deletedToo: boolean,
): StoredSchema | undefined {
  if (request.schema.trim() === '') return undefined
  const latest = state.liveVersionsOf(subject).slice(-1)
  const all = deletedToo ? state.versionsOf(subject) : state.liveVersionsOf(subject)
  const versions = request.version === -1 ? latest : all
  const config = state.config(subject)
  const normalize = (request.normalize || config.normalize === true) && !isImporting(state, subject)
  const found = findSame(state, candidateOf(state, subject, request, { isNew: false, normalize }), versions)
  if (found || latest.length === 0) return found
  const { metadata, ruleSet } = completedAttachments(config, { ...request, version: 0 }, latest[0], undefined)
  if (metadata === request.metadata && ruleSet === request.ruleSet) return undefined
  const completed = candidateOf(state, subject, { ...request, metadata, ruleSet }, { isNew: false, normalize })
  return findSame(state, completed, versions)
}

/** The same, and when a name without context leads nowhere, in the other contexts. */
export function lookUpInContexts(
  state: RegistryState,
  subject: string,
  request: SchemaRequest,
  deletedToo: boolean,
): StoredSchema | undefined {
  for (const candidate of placesOf(state, subject)) {
    if (candidate !== subject && state.versionsOf(candidate).length === 0) continue
    const found = lookUp(state, candidate, { ...request, version: 0 }, deletedToo)
    if (found) return found
  }
  return undefined
}

/** The subject itself, and for one without a context the subjects of that name in all contexts. */
export function placesOf(state: RegistryState, subject: string): readonly string[] {
  if (parseSubject(subject).context !== DEFAULT_CONTEXT) return [subject]
  return state.contexts().map((context) => contextPrefix(context) + subject)
}

/** The newest of these versions, oldest first, that has the same content. */
export function findSame(
  state: RegistryState,
  candidate: CandidateSchema,
  versions: readonly StoredSchema[],
): StoredSchema | undefined {
  const equal = versions.findLast(({ guid }) => guid === candidate.guid)
  return equal ?? versions.findLast((stored) => isEquivalent(state, candidate, stored))
}

/** Metadata and rules as they are registered: from the request or else the version before, between the settings'. */
export function completedAttachments(
  config: EffectiveConfig,
  request: SchemaRequest,
  previous: StoredSchema | undefined,
  newVersion: number | undefined,
): Pick<SchemaRequest, 'metadata' | 'ruleSet'> {
  const { defaultMetadata, overrideMetadata, defaultRuleSet, overrideRuleSet } = config
  const specific = request.metadata ?? previous?.metadata
  const metadata = mergedMetadata(mergedMetadata(defaultMetadata, specific), overrideMetadata)
  const rules = request.ruleSet ?? previous?.ruleSet
  const ruleSet = mergedRuleSet(mergedRuleSet(defaultRuleSet, rules), overrideRuleSet)
  const keepsVersion = request.version !== 0 || versionProperty(metadata) !== undefined
  const versioned = newVersion !== undefined && keepsVersion ? withVersionProperty(metadata, newVersion) : metadata
  return { metadata: versioned, ruleSet }
}

/** The same but for the version in the metadata, or sent with everything in it that the stored one refers to. */
function isEquivalent(state: RegistryState, candidate: CandidateSchema, stored: StoredSchema): boolean {
  if (!sameMetadata(candidate.metadata, stored) || !sameJson(candidate.ruleSet, stored.ruleSet)) return false
  if (candidate.schema === stored.schema && sameReferences(candidate.references, stored.references)) return true
  if (candidate.references.length > 0 || stored.references.length === 0) return false
  return candidate.schema === resolvedText(state, stored)
}

/** The schema with everything in it that it refers to; nothing when that is not there any more. */
export function resolvedText(state: RegistryState, stored: StoredSchema): string | undefined {
  try {
    return canonicalSchema({ root: parsedSchemaOf(state, stored).root })
  } catch (error) {
    if (error instanceof AvroError) return undefined
    throw error
  }
}

function sameMetadata(metadata: Metadata | undefined, stored: StoredSchema): boolean {
  const given = versionProperty(metadata)
  const kept = versionProperty(stored.metadata)
  if (given === undefined && kept !== undefined)
    return sameJson(metadata ?? {}, withoutVersionProperty(stored.metadata))
  if (given === undefined || kept !== undefined) return sameJson(metadata, stored.metadata)
  return given === String(stored.version) && sameJson(withoutVersionProperty(metadata), stored.metadata ?? {})
}

function sameReferences(left: readonly SchemaReference[], right: readonly SchemaReference[]): boolean {
  const texts = [left, right].map((references) =>
    JSON.stringify(references.map(({ name, subject, version }) => [name, subject, version])),
  )
  return texts[0] === texts[1]
}

/** Both were brought into one order of members when they were read. */
function sameJson(left: object | undefined, right: object | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
