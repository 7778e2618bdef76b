import { deleteSubject, deleteVersion } from '../decisions/delete.ts'
import { lookUpInContexts, placesOf } from '../decisions/look-up.ts'
import { prepareRegistration, register } from '../decisions/register.ts'
import { checkSubjectName, findVersion, parseVersionId } from '../decisions/subject-rules.ts'
import { registryError } from '../registry-error.ts'
import type { SchemaRegistry } from '../schema-registry.ts'
import { hasPrefix } from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { registeredEntity, shownText, versionEntity } from './entities.ts'
import { nextTurn } from './next-turn.ts'
import { flag, page, param, schemaRequest, visible } from './parameters.ts'
import { type ApiRequest, type Handler, RawText, type Route, route } from './route.ts'

const listSubjects: Handler = (request, { state }) => {
  const prefix = request.query.get('subjectPrefix') ?? ':*:'
  const isShown = subjectFilter(request)
  return page(
    request,
    state.subjectNames().filter((name) => hasPrefix(name, prefix) && isShown(state, name)),
  )
}

/** Only subjects all of whose versions are deleted count as deleted. */
function subjectFilter(request: ApiRequest): (state: RegistryState, subject: string) => boolean {
  if (flag(request, 'deletedOnly')) return (state, subject) => state.liveVersionsOf(subject).length === 0
  return flag(request, 'deleted') ? () => true : (state, subject) => state.liveVersionsOf(subject).length > 0
}

const lookUpVersion: Handler = (request, { state }) => {
  const subject = param(request, 'subject')
  const deletedToo = flag(request, 'deleted')
  const found = lookUpInContexts(state, subject, schemaRequest(request), deletedToo)
  if (found) return versionEntity(request, state, found)
  throw isThere(state, subject, deletedToo)
    ? registryError('schemaNotFound')
    : registryError('subjectNotFound', subject)
}

const removeSubject: Handler = (request, registry) =>
  registry.change((state) => deleteSubject(state, param(request, 'subject'), flag(request, 'permanent')))

/** The newest version whose metadata has all the properties that are asked for. */
const getByMetadata: Handler = (request, { state }) => {
  const subject = param(request, 'subject')
  const values = request.query.getAll('value')
  const wanted = request.query.getAll('key').slice(0, values.length)
  const deletedToo = flag(request, 'deleted')
  const found = versionsOf(state, subject, deletedToo).findLast(
    ({ metadata }) => metadata && wanted.every((key, index) => metadata.properties?.[key] === values[index]),
  )
  if (found) return versionEntity(request, state, found)
  throw isThere(state, subject, deletedToo)
    ? registryError('schemaNotFound')
    : registryError('subjectNotFound', subject)
}

const listVersions: Handler = (request, { state }) => {
  const subject = param(request, 'subject')
  const deletedToo = flag(request, 'deleted') || flag(request, 'deletedOnly')
  if (!isThere(state, subject, deletedToo)) throw registryError('subjectNotFound', subject)
  const asNegative = flag(request, 'deletedAsNegative')
  const versions = state.versionsOf(subject).filter(asNegative ? () => true : visible(request))
  return page(
    request,
    versions.map(({ version, deleted }) => (asNegative && deleted ? -version : version)),
  )
}

const registerVersion: Handler = async (request, registry) => {
  const wanted = schemaRequest(request)
  const subject = param(request, 'subject')
  checkSubjectName(subject)
  if (registry.isWriter) await prepareRegistration(registry.state, subject, wanted, nextTurn)
  const registered = await registry.change((state) => register(state, subject, wanted, flag(request, 'force')))
  return registeredEntity(request, registered)
}

/** For a name without context that is not there, the version of that name in another context. Throws 40401, 40402. */
const versionOf = (
  request: ApiRequest,
  { state }: SchemaRegistry,
  deletedToo = flag(request, 'deleted'),
): StoredSchema => {
  const id = parseVersionId(param(request, 'version'))
  const subject = param(request, 'subject')
  for (const place of placesOf(state, subject)) {
    const versions = versionsOf(state, place, deletedToo)
    const found = versions.findLast(({ version, deleted }) => (id === 'latest' ? !deleted : version === id))
    if (found) return found
  }
  return findVersion(state, subject, id, deletedToo)
}

const getVersion: Handler = (request, registry) => versionEntity(request, registry.state, versionOf(request, registry))

const getVersionSchema: Handler = (request, registry) =>
  new RawText(shownText(request, registry.state, versionOf(request, registry)))

/** Ids of schemas that refer to a version, deleted or not; without `deleted` those that are in use. */
const getReferencing: Handler = (request, registry) => {
  const { subject, version } = versionOf(request, registry, true)
  const { state } = registry
  const isInUse = (stored: StoredSchema) =>
    state
      .ids(stored.subject)
      .versions(stored.id)
      .some(({ deleted }) => !deleted)
  const referring = state.referencing(subject, version).filter(flag(request, 'deleted') ? () => true : isInUse)
  const ids = new Set(referring.map(({ id }) => id))
  return page(
    request,
    [...ids].sort((left, right) => left - right),
  )
}

const removeVersion: Handler = (request, registry) => {
  const id = parseVersionId(param(request, 'version'))
  return registry.change((state) => deleteVersion(state, param(request, 'subject'), id, flag(request, 'permanent')))
}

function versionsOf(state: RegistryState, subject: string, deletedToo: boolean): readonly StoredSchema[] {
  return deletedToo ? state.versionsOf(subject) : state.liveVersionsOf(subject)
}

function isThere(state: RegistryState, subject: string, deletedToo: boolean): boolean {
  return versionsOf(state, subject, deletedToo).length > 0
}

export const SUBJECT_ROUTES: readonly Route[] = [
  route('GET', '/subjects', listSubjects),
  route('POST', '/subjects/:subject', lookUpVersion),
  route('DELETE', '/subjects/:subject', removeSubject),
  route('GET', '/subjects/:subject/metadata', getByMetadata),
  route('GET', '/subjects/:subject/versions', listVersions),
  route('POST', '/subjects/:subject/versions', registerVersion),
  route('GET', '/subjects/:subject/versions/:version', getVersion),
  route('DELETE', '/subjects/:subject/versions/:version', removeVersion),
  route('GET', '/subjects/:subject/versions/:version/schema', getVersionSchema),
  route('GET', '/subjects/:subject/versions/:version/referencedby', getReferencing),
]
