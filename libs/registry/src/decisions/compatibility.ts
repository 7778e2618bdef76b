import {
  checkLevel,
  type CompatibilityLevel,
  type LevelVerdict,
  type ParsedSchema,
  verboseMessages,
} from '@keyfold/avro'
import { parsedSchemaOf } from '../state/parsed-schemas.ts'
import type { EffectiveConfig, RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { WeightedCache } from '../state/weighted-cache.ts'
import { reservedFieldMessages } from './reserved-fields.ts'
import { type CandidateSchema, refusalOf } from './schema-request.ts'

/** A schema, what it has to go with, and what is asked of it. */
export interface CompatibilityTest {
  readonly config: EffectiveConfig
  readonly candidate: CandidateSchema
  /** Live versions, oldest first. */
  readonly history: readonly StoredSchema[]
}

export interface CompatibilityAnswer {
  readonly isCompatible: boolean
  /** In the words of Confluent's registry; empty when compatible. */
  readonly messages: readonly string[]
}

/** Pairs that were found compatible are not compared again; so many are remembered. */
const PAIRS_MAX = 50_000
const knownPairs = new WeightedCache<string, true>(PAIRS_MAX)

/**
 * Tests a schema under the level that is set. With a compatibility group only versions with the same value of that
 * property count. Throws 42201 for a stored schema that cannot be read.
 */
export function testCompatibility(state: RegistryState, test: CompatibilityTest): CompatibilityAnswer {
  const { config } = test
  const messages = [...reservedFieldMessages(test), ...levelMessages(state, test)]
  if (messages.length === 0) return { isCompatible: true, messages }
  const { validateFields = false, compatibilityLevel } = config
  const settings = `{validateFields: '${validateFields}', compatibility: '${compatibilityLevel}'}`
  return { isCompatible: false, messages: [...messages, settings] }
}

/**
 * Does the same beforehand, in portions with pauses between them, and remembers what it found: a test against a long
 * history of large schemas would otherwise keep everybody waiting.
 */
export async function prepareTest(
  state: RegistryState,
  test: CompatibilityTest,
  pause: () => Promise<void>,
): Promise<void> {
  let sinceLastPause = 0
  for (const stored of comparedVersions(test)) {
    sinceLastPause += test.candidate.schema.length + stored.schema.length
    if (sinceLastPause > PORTION_LENGTH) {
      sinceLastPause = 0
      await pause()
    }
    if (stored.schemaType !== 'AVRO' || !verdictOn(state, test, stored).compatible) return
  }
}

/** Characters of schema text that are compared without a pause. */
const PORTION_LENGTH = 64 * 1024

function levelMessages(state: RegistryState, test: CompatibilityTest): readonly string[] {
  const versions = comparedVersions(test)
  if (versions.some(({ schemaType }) => schemaType !== 'AVRO')) return ['Incompatible because of different schema type']
  for (const stored of versions) {
    const verdict = verdictOn(state, test, stored)
    // The last message names the settings.
    if (!verdict.compatible) return verboseMessages(test.config.compatibilityLevel, verdict).slice(0, -1)
  }
  return []
}

/** In the order of comparison: newest first, or only the newest unless the level looks further back. */
function comparedVersions({ config, candidate, history }: CompatibilityTest): readonly StoredSchema[] {
  const { compatibilityLevel, compatibilityGroup } = config
  if (compatibilityLevel === 'NONE') return []
  const groupOf = ({ metadata }: Pick<StoredSchema, 'metadata'>) => metadata?.properties?.[compatibilityGroup ?? '']
  const isAll = compatibilityGroup === undefined
  const group = isAll ? history : history.filter((stored) => groupOf(stored) === groupOf(candidate))
  return compatibilityLevel.endsWith('_TRANSITIVE') ? group.toReversed() : group.slice(-1)
}

function verdictOn(state: RegistryState, { config, candidate }: CompatibilityTest, stored: StoredSchema): LevelVerdict {
  const level = config.compatibilityLevel
  // What a reference means depends on more than the guid, so pairs with references are compared every time.
  const isSelfContained = candidate.references.length === 0 && stored.references.length === 0
  const pair = pairName(level, candidate, stored)
  if (isSelfContained && knownPairs.get(pair)) return { compatible: true, failures: [] }
  const version = { version: stored.version, schema: storedSchema(state, stored) }
  const verdict = checkLevel(level, candidate.parsed, [version])
  if (isSelfContained && verdict.compatible) knownPairs.set(pair, true, 1)
  return verdict
}

function pairName(level: CompatibilityLevel, candidate: CandidateSchema, stored: StoredSchema): string {
  return `${level.replace('_TRANSITIVE', '')} ${candidate.guid} ${stored.guid}`
}

function storedSchema(state: RegistryState, stored: StoredSchema): ParsedSchema {
  try {
    return parsedSchemaOf(state, stored)
  } catch (error) {
    throw refusalOf(error)
  }
}
