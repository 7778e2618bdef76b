import { KafkaError } from '@keyfold/protocol'
import type { TopicFailure } from '../topics/new-topic.ts'
import { type QuotaEntity, type QuotaFilter, quotaMatches } from './client-quotas.ts'

type Unit = 'bytes' | 'rate' | 'count'

/** The quotas that there are, by what they are for. */
const userQuotas: Readonly<Record<string, Unit>> = {
  producer_byte_rate: 'bytes',
  consumer_byte_rate: 'bytes',
  request_percentage: 'rate',
  controller_mutation_rate: 'rate',
}
const addressQuotas: Readonly<Record<string, Unit>> = { connection_creation_rate: 'count' }
const entityTypes = ['user', 'client-id', 'ip']

/** What is wrong with an entity to be altered, undefined if nothing is. */
export function entityProblem(entity: QuotaEntity): TopicFailure | undefined {
  if (entity.length === 0) return invalid('Invalid empty client quota entity')
  const types = entity.map(({ entityType }) => entityType)
  if (new Set(types).size < types.length) return invalid(`Invalid client quota entity, duplicate entity entry`)
  const unknown = types.find((type) => !entityTypes.includes(type))
  if (unknown !== undefined) return invalid(`Unhandled client quota entity type: ${unknown}`)
  if (entity.some(({ entityName }) => entityName === '')) return invalid('Empty entity name is not supported')
  if (types.includes('ip') && types.length > 1) {
    return invalid('Invalid quota entity combination, IP entity should not be combined with User or ClientId')
  }
  return undefined
}

/** What is wrong with a quota's value for an entity, undefined if nothing is. */
export function quotaProblem(entity: QuotaEntity, key: string, value: number): TopicFailure | undefined {
  const quotas = entity.some(({ entityType }) => entityType === 'ip') ? addressQuotas : userQuotas
  const unit = Object.hasOwn(quotas, key) ? quotas[key] : undefined
  if (unit === undefined) return invalid(`Invalid configuration key ${key}`)
  if (!(value > 0)) return invalid(`Quota ${key} must be greater than 0`)
  if (unit !== 'rate' && !Number.isInteger(value)) return invalid(`Quota ${key} must be a whole number`)
  return undefined
}

/** What is wrong with a question for quotas, undefined if nothing is. */
export function filterProblem(filters: readonly QuotaFilter[]): TopicFailure | undefined {
  const types = filters.map(({ entityType }) => entityType)
  if (types.includes('')) return { error: KafkaError.INVALID_REQUEST, message: 'An entity type is empty' }
  const unknown = types.find((type) => !entityTypes.includes(type))
  if (unknown !== undefined) {
    return { error: KafkaError.UNSUPPORTED_VERSION, message: `Custom entity type '${unknown}' not supported` }
  }
  if (types.includes('')) return invalid('Unexpected empty filter component entity type')
  if (new Set(types).size < types.length) return invalid('Duplicate filter component entity type')
  if (types.includes('ip') && types.length > 1) {
    return invalid(
      'Invalid entity filter component combination, IP filter component should not be used with user or clientId filter component.',
    )
  }
  const isMatchable = filters.every(({ matchType, match }) =>
    matchType === quotaMatches.exact
      ? match !== null
      : match === null && (matchType === quotaMatches.default || matchType === quotaMatches.any),
  )
  return isMatchable ? undefined : invalid('A filter component needs a match type, and a name only for an exact match')
}

function invalid(message: string): TopicFailure {
  return { error: KafkaError.INVALID_REQUEST, message }
}
