import { deleteSubject, deleteVersion } from '../decisions/delete.ts'
import { register } from '../decisions/register.ts'
import { candidateOf } from '../decisions/schema-request.ts'
import { findVersion, parseVersionId } from '../decisions/subject-rules.ts'
import { registryError } from '../registry-error.ts'
import { versionEntity } from './entities.ts'
import { flag, page, param, schemaRequest, visible } from './parameters.ts'
import { type Handler, RawText, type Route, route } from './route.ts'

const listSubjects: Handler = (request, { state }) => {
  // ":*:" stands for all contexts; there is only the default one.
  const prefix = (request.query.get('subjectPrefix') ?? '').replace(/^:\*:/, '')
  const isVisible = visible(request)
  const names = state.subjectNames().filter((name) => name.startsWith(prefix))
  return page(
    request,
    names.filter((name) => state.versionsOf(name).some(isVisible)),
  )
}

const lookUp: Handler = (request, { state }) => {
  const subject = param(request, 'subject')
  const candidates = flag(request, 'deleted') ? state.versionsOf(subject) : state.liveVersionsOf(subject)
  if (candidates.length === 0) throw registryError('subjectNotFound', subject)
  const { guid } = candidateOf(schemaRequest(request), false)
  const found = candidates.findLast((stored) => stored.guid === guid)
  if (!found) throw registryError('schemaNotFound')
  return versionEntity(found)
}

const removeSubject: Handler = (request, registry) =>
  registry.change((state) => deleteSubject(state, param(request, 'subject'), flag(request, 'permanent')))

const listVersions: Handler = (request, { state }) => {
  const subject = param(request, 'subject')
  const asNegative = flag(request, 'deletedAsNegative')
  const isVisible = asNegative ? () => true : visible(request)
  const versions = state.versionsOf(subject).filter(isVisible)
  if (versions.length === 0) throw registryError('subjectNotFound', subject)
  return page(
    request,
    versions.map(({ version, deleted }) => (asNegative && deleted ? -version : version)),
  )
}

const registerVersion: Handler = (request, registry) => {
  const wanted = schemaRequest(request)
  return registry.change((state) => register(state, param(request, 'subject'), wanted))
}

const versionOf = (...[request, { state }]: Parameters<Handler>) => {
  const id = parseVersionId(param(request, 'version'))
  return findVersion(state, param(request, 'subject'), id, flag(request, 'deleted'))
}

const getVersion: Handler = (request, registry) => versionEntity(versionOf(request, registry))

const getVersionSchema: Handler = (request, registry) => new RawText(versionOf(request, registry).schema)

const getReferencing: Handler = (request, registry) => {
  const { subject, version } = versionOf(request, registry)
  const ids = registry.state
    .referencing(subject, version)
    .filter(visible(request))
    .map(({ id }) => id)
  return page(request, [...new Set(ids)])
}

const removeVersion: Handler = (request, registry) => {
  const id = parseVersionId(param(request, 'version'))
  return registry.change((state) => deleteVersion(state, param(request, 'subject'), id, flag(request, 'permanent')))
}

export const SUBJECT_ROUTES: readonly Route[] = [
  route('GET', '/subjects', listSubjects),
  route('POST', '/subjects/:subject', lookUp),
  route('DELETE', '/subjects/:subject', removeSubject),
  route('GET', '/subjects/:subject/versions', listVersions),
  route('POST', '/subjects/:subject/versions', registerVersion),
  route('GET', '/subjects/:subject/versions/:version', getVersion),
  route('DELETE', '/subjects/:subject/versions/:version', removeVersion),
  route('GET', '/subjects/:subject/versions/:version/schema', getVersionSchema),
  route('GET', '/subjects/:subject/versions/:version/referencedby', getReferencing),
]
