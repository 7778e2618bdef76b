import type { SchemaReference } from '@keyfold/avro'
import type { SchemaRequest } from '../decisions/schema-request.ts'
import { type RegistryError, registryError } from '../registry-error.ts'
import { isObject, parseMetadata } from '../state/metadata.ts'
import { parseRuleSet, type RuleSet, RuleSetProblem } from '../state/rule-set.ts'
import type { StoredSchema } from '../state/stored-schema.ts'
import type { ApiRequest } from './route.ts'

/** A flag in the query: `true` in any case; everything else is false. */
export function flag({ query }: ApiRequest, name: string): boolean {
  return query.get(name)?.toLowerCase() === 'true'
}

export function param({ params }: ApiRequest, name: string): string {
  return params[name] ?? ''
}

/** The subject of a setting; the whole default context has no name. */
export function settingSubject({ params }: ApiRequest): string | undefined {
  return params['subject'] || undefined
}

/** Cuts a list as `offset` and `limit` say. Without a positive limit, and above the greatest, that one counts. */
export function page<Item>(
  { query }: ApiRequest,
  items: readonly Item[],
  limitMax = Number.MAX_SAFE_INTEGER,
): readonly Item[] {
  const offset = Math.max(0, integer(query.get('offset')))
  const limit = integer(query.get('limit'))
  return items.slice(offset, offset + (limit > 0 && limit <= limitMax ? limit : limitMax))
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

/** The JSON body. Throws 422 when there is none, 400 when it is no object. */
export function bodyMembers({ body }: ApiRequest): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) throw registryError('noBody')
  if (!isObject(body)) throw badBody('The body must be a JSON object')
  return body
}

/**
 * The body of register, look-up and test. Members that are not known are passed over: newer clients send more.
 * Throws 400, 42201, 42210.
 */
export function schemaRequest(request: ApiRequest): SchemaRequest {
  const members = bodyMembers(request)
  const { references, metadata, ruleSet, version, id } = members
  const schema = members.schema ?? ''
  const schemaType = members.schemaType ?? 'AVRO'
  if (typeof schema !== 'string') throw badBody('"schema" must be a string that holds JSON')
  if (typeof schemaType !== 'string') throw badBody('"schemaType" must be a string')
  const parsedMetadata = metadata === undefined || metadata === null ? undefined : parseMetadata(metadata)
  if (metadata && !parsedMetadata) throw badBody('"metadata" must hold tags, properties and sensitive names')
  const wantedId = wholeNumber('id', id) ?? -1
  return {
    schema,
    schemaType,
    references: parseReferences(references),
    metadata: parsedMetadata,
    ruleSet: ruleSet === undefined || ruleSet === null ? undefined : checkedRuleSet(ruleSet),
    version: wholeNumber('version', version) ?? 0,
    id: wantedId < 0 ? undefined : wantedId,
    normalize: flag(request, 'normalize'),
  }
}

function checkedRuleSet(json: unknown): RuleSet {
  try {
    return parseRuleSet(json)
  } catch (error) {
    throw error instanceof RuleSetProblem ? registryError('invalidRuleSet', error.message) : error
  }
}

function parseReferences(json: unknown): readonly SchemaReference[] {
  if (json === undefined || json === null) return []
  if (!Array.isArray(json)) throw badBody('"references" must be a list')
  return json.map((item) => {
    const { name, subject, version } = isObject(item) ? item : {}
    const number = wholeNumber('version', version)
    if (typeof name !== 'string' || typeof subject !== 'string' || number === undefined) {
      throw registryError('invalidSchema', `Invalid schema of type AVRO, details: Invalid reference: ${shown(item)}`)
    }
    return { name, subject, version: number }
  })
}

/** A number, also in quotes, as many clients send it. Throws 400 for anything else. */
function wholeNumber(name: string, json: unknown): number | undefined {
  if (json === undefined || json === null) return undefined
  const number = typeof json === 'string' && /^-?\d{1,10}$/.test(json) ? Number(json) : json
  if (typeof number !== 'number' || !Number.isInteger(number) || Math.abs(number) > INT_MAX) {
    throw badBody(`"${name}" must be a whole number of 32 bits`)
  }
  return number
}

const INT_MAX = 2 ** 31 - 1

function integer(text: string | null): number {
  return text !== null && /^-?\d{1,10}$/.test(text) ? Number(text) : 0
}

function shown(json: unknown): string {
  return JSON.stringify(json).slice(0, 200)
}

function badBody(reason: string): RegistryError {
  return registryError('badRequest', reason)
}
