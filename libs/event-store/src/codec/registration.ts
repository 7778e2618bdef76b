import { checkCompatibility } from '@keyfold/avro'
import { KeyfoldError } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'
import type { EventSchemas, HeldVersion } from './event-schemas.ts'
import type { SchemaRegistryClient } from './schema-registry-client.ts'

/**
 * - `all`: every version that the code knows is registered, in order.
 * - `initial`: version 1 of a subject that does not exist; later versions are somebody else's decision.
 * - `none`: nothing; for readers.
 */
export type RegistrationPolicy = 'all' | 'initial' | 'none'

/** Finds or registers an event's versions and notes their ids. Errors: `SCHEMA_INCOMPATIBLE`, `REGISTRY_UNREACHABLE`. */
export async function registerVersions(
  registry: SchemaRegistryClient,
  schemas: EventSchemas,
  policy: RegistrationPolicy,
): Promise<void> {
  await lookUp(registry, schemas)
  if (policy === 'none') return
  for (const held of schemas.versions) {
    if (held.schemaId !== undefined) continue
    if (policy === 'initial' && (held.version > 1 || (await registry.subjectExists(schemas.subject)))) continue
    held.schemaId = await register(registry, schemas, held)
  }
}

/** Asks the registry for the ids that are not known yet. */
export async function lookUp(registry: SchemaRegistryClient, schemas: EventSchemas): Promise<void> {
  for (const held of schemas.versions) held.schemaId ??= await registry.findId(schemas.subject, held.type.schema)
}

async function register(registry: SchemaRegistryClient, schemas: EventSchemas, held: HeldVersion): Promise<number> {
  try {
    return await registry.register(schemas.subject, held.type.schema)
  } catch (error) {
    if (!(error instanceof KeyfoldError) || error.code !== 'SCHEMA_INCOMPATIBLE') throw error
    const { field, reason } = explain(schemas, held) ?? { field: undefined, reason: error.message }
    const where = field === undefined ? '' : ` at ${field}`
    throw fail(
      'SCHEMA_INCOMPATIBLE',
      `the registry refuses version ${held.version} of ${schemas.subject}${where}: ${reason}`,
      { cause: error, details: { subject: schemas.subject, version: held.version, field, reason } },
    )
  }
}

/** The field and reason, when the history that the code knows shows them already. */
function explain(schemas: EventSchemas, held: HeldVersion): { field: string; reason: string } | undefined {
  for (const earlier of schemas.versions.filter(({ version }) => version < held.version).toReversed()) {
    const [first] = checkCompatibility(held.type.parsed, earlier.type.parsed).incompatibilities
    if (first === undefined) continue
    const reason = `it cannot read version ${earlier.version} (${first.type}: ${first.message})`
    return { field: first.readablePath, reason }
  }
  return undefined
}
