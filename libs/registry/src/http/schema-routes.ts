import { registryError } from '../registry-error.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { contentOf, versionEntity } from './entities.ts'
import { flag, idParam, page, param, visible } from './parameters.ts'
import { type Handler, RawText, type Route, route } from './route.ts'

const LIST_LIMIT = 1000

const listTypes: Handler = () => ['AVRO']

const listContexts: Handler = () => ['.']

const listSchemas: Handler = (request, { state }) => {
  const prefix = (request.query.get('subjectPrefix') ?? '').replace(/^:\*:/, '')
  const isVisible = visible(request)
  const found = state
    .subjectNames()
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => {
      const versions = state.versionsOf(name).filter(isVisible)
      return flag(request, 'latestOnly') ? versions.slice(-1) : versions
    })
  return page(request, found, LIST_LIMIT).slice(0, LIST_LIMIT).map(versionEntity)
}

/** Any version with the id; of the subject in the query, if one is named. */
const schemaById = (...[request, { state }]: Parameters<Handler>): StoredSchema => {
  const id = idParam(request)
  const subject = request.query.get('subject')
  const found = subject ? state.versionsOf(subject).findLast((stored) => stored.id === id) : undefined
  const stored = found ?? state.schemaWithId(id)
  if (!stored) throw registryError('schemaNotFound', id)
  return stored
}

const getById: Handler = (request, registry) => {
  const stored = schemaById(request, registry)
  const place = request.query.get('subject') ? { subject: stored.subject, version: stored.version } : {}
  const maxId = flag(request, 'fetchMaxId') ? { maxId: registry.state.idMax } : {}
  return { ...place, ...contentOf(stored), ...maxId }
}

const getTextById: Handler = (request, registry) => new RawText(schemaById(request, registry).schema)

/** Where the id is used. The id must be known; its uses may all be deleted. */
const usesOf = (...[request, { state }]: Parameters<Handler>): readonly StoredSchema[] => {
  const id = idParam(request)
  const all = state.withId(id)
  if (all.length === 0) throw registryError('schemaNotFound', id)
  const subject = request.query.get('subject')
  return all.filter(visible(request)).filter((stored) => !subject || stored.subject === subject)
}

const getSubjectsById: Handler = (request, registry) =>
  page(request, [...new Set(usesOf(request, registry).map(({ subject }) => subject))])

const getVersionsById: Handler = (request, registry) =>
  page(
    request,
    usesOf(request, registry).map(({ subject, version }) => ({ subject, version })),
  )

const schemasByGuid = (...[request, { state }]: Parameters<Handler>): readonly [StoredSchema, ...StoredSchema[]] => {
  const guid = param(request, 'guid').toLowerCase()
  const [first, ...others] = state.withGuid(guid)
  if (!first) throw registryError('schemaNotFound', guid)
  return [first, ...others]
}

const getByGuid: Handler = (request, registry) => contentOf(schemasByGuid(request, registry)[0])

const getIdsByGuid: Handler = (request, registry) => {
  const ids = new Set(schemasByGuid(request, registry).map(({ id }) => id))
  return [...ids].map((id) => ({ context: '.', id }))
}

export const SCHEMA_ROUTES: readonly Route[] = [
  route('GET', '/schemas', listSchemas),
  route('GET', '/schemas/types', listTypes),
  route('GET', '/schemas/ids/:id', getById),
  route('GET', '/schemas/ids/:id/schema', getTextById),
  route('GET', '/schemas/ids/:id/subjects', getSubjectsById),
  route('GET', '/schemas/ids/:id/versions', getVersionsById),
  route('GET', '/schemas/guids/:guid', getByGuid),
  route('GET', '/schemas/guids/:guid/ids', getIdsByGuid),
  route('GET', '/contexts', listContexts),
]
