import { type AvroType, checkCompatibility } from '@keyfold/avro'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'
import type { EventSchemas } from './event-schemas.ts'
import type { RegistrySchema, SchemaRegistryClient } from './schema-registry-client.ts'
import type { SharedTypes } from './shared-types.ts'

/**
 * - `all`: every version that the code knows is registered, in order, each after the types that it refers to.
 * - `initial`: version 1 of a subject that does not exist; later versions are somebody else's decision.
 * - `none`: nothing; for readers.
 */
export type RegistrationPolicy = 'all' | 'initial' | 'none'

/** A registry, and where in it the types are that events refer to. */
export interface RegistryAccess {
  readonly registry: SchemaRegistryClient
  readonly shared: SharedTypes
}

/** Finds or registers an event's versions and notes their ids. Errors: `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`. */
export async function registerVersions(
  access: RegistryAccess,
  schemas: EventSchemas,
  policy: RegistrationPolicy,
): Promise<void> {
  await lookUp(access, schemas)
  if (policy === 'none') return
  const { registry, shared } = access
  for (const held of schemas.versions) {
    if (held.schemaId !== undefined) continue
    if (policy === 'initial' && (held.version > 1 || (await registry.subjectExists(schemas.subject)))) continue
    const schema = await shared.sendable(held.known, policy)
    if (schema === undefined) continue
    held.schemaId = await registerVersion(registry, schemas, { version: held.version, ...schema })
    held.references = schema.references
  }
}

/** Asks the registry for the ids that are not known yet. */
export async function lookUp({ registry, shared }: RegistryAccess, { subject, versions }: EventSchemas): Promise<void> {
  for (const held of versions) {
    if (held.schemaId !== undefined) continue
    const schema = await shared.sendable(held.known, 'none')
    if (schema === undefined) continue
    held.schemaId = (await registry.find(subject, schema))?.id
    held.references = schema.references
  }
}

/** The versions of a subject as the code has them. */
interface SubjectHistory {
  readonly subject: string
  readonly versions: readonly { readonly version: number; readonly type: AvroType }[]
}

/** Registers one version. Errors: `SCHEMA_INCOMPATIBLE` with subject, version, field and reason. */
export async function registerVersion(
  registry: SchemaRegistryClient,
  history: SubjectHistory,
  { version, schema, references }: RegistrySchema & { readonly version: number },
): Promise<number> {
  const { subject } = history
  try {
    return await registry.register(subject, { schema, references })
  } catch (error) {
    if (!(error instanceof KeyfoldError) || error.code !== 'SCHEMA_INCOMPATIBLE') throw error
    const { field, reason } = explain(history, version) ?? { field: undefined, reason: error.message }
    const where = field === undefined ? '' : ` at ${field}`
    throw fail('SCHEMA_INCOMPATIBLE', `the registry refuses version ${version} of ${subject}${where}: ${reason}`, {
      cause: error,
      details: { subject, version, field, reason },
    })
  }
}

/** The field and reason, when the history that the code knows shows them already. */
function explain({ versions }: SubjectHistory, version: number): { field: string; reason: string } | undefined {
  const refused = versions.find((each) => each.version === version)
  for (const earlier of versions.filter((each) => each.version < version).toReversed()) {
    const [first] = refused ? checkCompatibility(refused.type.parsed, earlier.type.parsed).incompatibilities : []
    if (first === undefined) continue
    const reason = `it cannot read version ${earlier.version} (${first.type}: ${first.message})`
    return { field: first.readablePath, reason }
  }
  return undefined
}
