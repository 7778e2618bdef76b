import { deleteContext } from '../decisions/delete.ts'
import { placesOf } from '../decisions/look-up.ts'
import { registryError } from '../registry-error.ts'
import {
  contextOf,
  contextPrefix,
  hasPrefix,
  isWholeContext,
  normalizedSubject,
  qualifiedBy,
} from '../state/qualified-subject.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { hasRuleOfType } from '../state/rule-set.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import { contentOf, shownText, versionEntity } from './entities.ts'
import { flag, idParam, page, param, visible } from './parameters.ts'
import { type ApiRequest, type Handler, RawText, type Route, route } from './route.ts'

const LIST_LIMIT = 1000

const listTypes: Handler = () => ['AVRO']

const listContexts: Handler = (request, { state }) => {
  const prefix = request.query.get('contextPrefix') ?? ''
  return page(
    request,
    state.contexts().filter((context) => context.startsWith(prefix)),
  )
}

const removeContext: Handler = async (request, registry) => {
  const shown = param(request, 'context')
  await registry.change((state) => deleteContext(state, contextOf(shown), shown))
}

const listSchemas: Handler = (request, { state }) => {
  const prefix = request.query.get('subjectPrefix') ?? ''
  const ruleType = request.query.get('ruleType')
  const aliases = flag(request, 'aliases') ? aliasesOf(state, prefix) : new Map<string, readonly string[]>()
  // Associations are not kept: no schema has any, so a filter that asks for one finds nothing.
  const lifecycles = request.query.getAll('lifecycle')
  const wantsAssociated =
    ['resourceType', 'associationType'].some((name) => request.query.has(name)) || lifecycles.length > 0
  if (wantsAssociated && !lifecycles.includes('NONE')) return []
  const found = state
    .subjectNames()
    .filter((name) => hasPrefix(name, prefix) || aliases.has(name))
    .flatMap((name) => {
      const versions = state.versionsOf(name).filter(flag(request, 'deleted') ? () => true : ({ deleted }) => !deleted)
      return flag(request, 'latestOnly') ? versions.slice(-1) : versions
    })
    .filter(({ ruleSet }) => !ruleType || hasRuleOfType(ruleSet, ruleType))
  return page(request, found, LIST_LIMIT).map((stored) => ({
    ...versionEntity(request, state, stored),
    ...(aliases.has(stored.subject) ? { aliases: aliases.get(stored.subject) } : {}),
  }))
}

/** By subject, the names that stand for it among those with the prefix. */
function aliasesOf(state: RegistryState, prefix: string): ReadonlyMap<string, readonly string[]> {
  const names = state.configs.subjects().filter((name) => name !== undefined && hasPrefix(name, prefix))
  const pairs = names.flatMap((name = '') => {
    const { alias } = state.configs.get(name) ?? {}
    return alias ? [{ name, subject: normalizedSubject(qualifiedBy(name, alias)) }] : []
  })
  const groups = Map.groupBy(pairs, ({ subject }) => subject)
  return new Map(Array.from(groups, ([subject, group]) => [subject, group.map(({ name }) => name)]))
}

/** Any version with the id, in the context that the subject in the query names, and of that subject if there is one. */
const schemaById = (...[request, { state }]: Parameters<Handler>): StoredSchema => {
  const id = idParam(request)
  const subject = request.query.get('subject') ?? ''
  const found =
    subject === '' || isWholeContext(subject) ? state.ids(subject).any(id) : byIdAndSubject(state, id, subject)
  if (!found) throw registryError('schemaNotFound', id)
  return found
}

function byIdAndSubject(state: RegistryState, id: number, subject: string): StoredSchema | undefined {
  const places = placesOf(state, subject)
  const found = places.map((place) => state.versionsOf(place).findLast((stored) => stored.id === id)).find(Boolean)
  // A name without context says no more than where to look first.
  return found ?? (contextPrefix(contextOf(subject)) === '' ? state.ids(subject).any(id) : undefined)
}

const getById: Handler = (request, registry) => {
  const stored = schemaById(request, registry)
  const { state } = registry
  const place = request.query.has('subject') ? { subject: stored.subject, version: stored.version } : {}
  const maxId = flag(request, 'fetchMaxId') ? { maxId: state.ids(stored.subject).idMax } : {}
  return { ...place, ...contentOf(request, state, stored), ...maxId }
}

const getTextById: Handler = (request, registry) =>
  new RawText(shownText(request, registry.state, schemaById(request, registry)))

/** Where the id is used, in its context. The id must be known; its uses may all be deleted. */
const usesOf = (request: ApiRequest, registry: Parameters<Handler>[1]): readonly StoredSchema[] => {
  const { state } = registry
  try {
    const { subject, id } = schemaById(request, registry)
    return state.ids(subject).versions(id).filter(visible(request))
  } catch {
    throw registryError('schemaNotFound')
  }
}

const getSubjectsById: Handler = (request, registry) =>
  page(request, [...new Set(usesOf(request, registry).map(({ subject }) => subject))])

const getVersionsById: Handler = (request, registry) =>
  page(
    request,
    usesOf(request, registry).map(({ subject, version }) => ({ subject, version })),
  )

/** By context, a version with this content. */
function schemasByGuid(state: RegistryState, guid: string): readonly (readonly [string, StoredSchema])[] {
  return state.contexts().flatMap((context) => {
    const ids = state.ids(contextPrefix(context))
    const id = ids.usedIdOf(guid)
    const stored = id === undefined ? undefined : ids.any(id)
    return stored ? [[context, stored] as const] : []
  })
}

const getByGuid: Handler = (request, { state }) => {
  const guid = param(request, 'guid')
  const [first] = schemasByGuid(state, normalizedGuid(guid))
  if (!first) throw registryError('schemaNotFound', guid)
  return contentOf(request, state, first[1])
}

const getIdsByGuid: Handler = (request, { state }) =>
  schemasByGuid(state, normalizedGuid(param(request, 'guid'))).map(([context, { id }]) => ({ context, id }))

/** Also without the hyphens. */
function normalizedGuid(text: string): string {
  const lower = text.toLowerCase()
  return /^[0-9a-f]{32}$/.test(lower) ? lower.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : lower
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
  route('DELETE', '/contexts/:context', removeContext),
]
