import type { SchemaRequest } from '../decisions/schema-request.ts'
import { type RegistryError, registryError } from '../registry-error.ts'
import { isReference } from '../state/schema-record.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import type { ApiRequest } from './route.ts'

/** A flag in the query: `true` in any case; everything else is false. */
export function flag({ query }: ApiRequest, name: string): boolean {
  return query.get(name)?.toLowerCase() === 'true'
}

export function param({ params }: ApiRequest, name: string): string {
  return params[name] ?? ''
}

/** Cuts a list as `offset` and `limit` say; a negative limit is none. */
export function page<Item>({ query }: ApiRequest, items: readonly Item[], limitDefault = -1): readonly Item[] {
  const offset = Math.max(0, integer(query.get('offset'), 0))
  const limit = integer(query.get('limit'), limitDefault)
  return items.slice(offset, limit < 0 ? undefined : offset + limit)
}

/** An id in the path. Anything that is no integer leads nowhere, as an unknown path does. */
export function idParam(request: ApiRequest): number {
  const text = param(request, 'id')
  if (!/^-?\d{1,10}$/.test(text)) throw registryError('notFound')
  return Number(text)
}

/** The versions a list is about: live ones, with `deleted` all of them, with `deletedOnly` the others. */
export function visible(request: ApiRequest): (stored: StoredSchema) => boolean {
  if (flag(request, 'deletedOnly')) return ({ deleted }) => deleted
  return flag(request, 'deleted') ? () => true : ({ deleted }) => !deleted
}

/** A member of the JSON body. Throws 400 when the body is no object. */
export function member({ body }: ApiRequest, name: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badBody()
  return (body as Record<string, unknown>)[name]
}

/** The body of register, look-up and test. Members that are not known are passed over: newer clients send more. */
export function schemaRequest(request: ApiRequest): SchemaRequest {
  const schema = member(request, 'schema')
  const schemaType = member(request, 'schemaType')
  const references = member(request, 'references')
  const version = member(request, 'version')
  if (schema === undefined || schema === null || schema === '') throw registryError('invalidSchema', 'Empty schema')
  if (typeof schema !== 'string') throw badBody()
  return {
    schema,
    schemaType: typeof schemaType === 'string' ? schemaType : 'AVRO',
    references: Array.isArray(references) ? references.filter(isReference) : [],
    version: typeof version === 'number' ? version : undefined,
    normalize: flag(request, 'normalize'),
  }
}

function integer(text: string | null, fallback: number): number {
  return text !== null && /^-?\d{1,10}$/.test(text) ? Number(text) : fallback
}

function badBody(): RegistryError {
  return registryError('badRequest', 'The body must be a JSON object whose "schema", if any, is a string holding JSON')
}
