import { DescribeClientQuotas, KafkaError } from '@keyfold/protocol'
import { filterProblem } from '../quotas/quota-rules.ts'
import { handler } from './handler.ts'

/**
 * DescribeClientQuotas (48), versions 0-1.
 * Behaviour: the quotas of the entities that match: by name, as default, or any; strict leaves out those with more parts.
 * Versions: 1 is flexible.
 * Not done: nothing here; quotas are kept but not enforced yet.
 */
export const describeClientQuotas = handler(DescribeClientQuotas, ({ components, strict }, { clientQuotas }) => {
  const problem = filterProblem(components)
  if (problem !== undefined) return { errorCode: problem.error.code, errorMessage: problem.message, entries: null }
  const entries = clientQuotas.matching(components, strict).map(({ entity, values }) => ({
    entity: [...entity],
    values: Object.entries(values).map(([key, value]) => ({ key, value })),
  }))
  return { errorCode: KafkaError.NONE.code, errorMessage: null, entries }
})
