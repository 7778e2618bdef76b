import { resolvedText } from '../decisions/look-up.ts'
import type { Registered } from '../decisions/register.ts'
import { contextOf, DEFAULT_CONTEXT, qualifiedBy } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import type { ApiRequest } from './route.ts'
import { schemaTags } from './schema-tags.ts'

/** A version as the API shows it. Members without a value are left out. */
export function versionEntity(request: ApiRequest, state: RegistryState, stored: StoredSchema): object {
  const { subject, version, id, deleted } = stored
  const isOld = request.style.members === '7.x'
  return { subject, version, id, ...contentOf(request, state, stored), ...(deleted && !isOld ? { deleted: true } : {}) }
}

/** What belongs to an id and not to a subject. */
export function contentOf(request: ApiRequest, state: RegistryState, stored: StoredSchema): object {
  const { guid, schemaType, timestampMs, metadata, ruleSet } = stored
  const isOld = request.style.members === '7.x'
  const references = shownReferences(request, stored)
  const tags = request.query.getAll('findTags')
  return {
    ...(isOld ? {} : { guid }),
    ...(isOld && schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length > 0 ? { references } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    schema: shownText(request, state, stored),
    ...(tags.length > 0 ? { schemaTags: schemaTags(stored.schema, tags) } : {}),
    ...(isOld ? {} : { ts: timestampMs }),
  }
}

/** With `format=resolved` everything that the schema refers to is in its text; other formats are as they are stored. */
export function shownText({ query }: ApiRequest, state: RegistryState, stored: StoredSchema): string {
  const isResolved = query.get('format')?.toLowerCase() === 'resolved'
  return (isResolved ? resolvedText(state, stored) : undefined) ?? stored.schema
}

/** The answer to a registration. */
export function registeredEntity({ style }: ApiRequest, registered: Registered): object {
  const { id, version, guid, schemaType, references, metadata, ruleSet, schema } = registered
  if (style.members === '7.x') return { id }
  return {
    id,
    version,
    guid,
    schemaType,
    ...(references.length > 0 ? { references } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    schema,
  }
}

function shownReferences({ query }: ApiRequest, { subject, references }: StoredSchema): StoredSchema['references'] {
  if (query.get('referenceFormat') !== 'qualified' || contextOf(subject) === DEFAULT_CONTEXT) return references
  return references.map((reference) => ({ ...reference, subject: qualifiedBy(subject, reference.subject) }))
}
