import { KafkaError, type RequestOf, UpdateFeatures } from '@keyfold/protocol'
import { features } from '../features.ts'
import type { TopicFailure } from '../topics/new-topic.ts'
import { handler } from './handler.ts'

/**
 * UpdateFeatures (57), versions 0-2.
 * Behaviour: the features are what this release has; to ask for what is in force is fine, anything else is refused.
 * Versions: 0 and 1 answer feature by feature, 2 as a whole.
 * Not done: other levels than those in force.
 */
export const updateFeatures = handler(UpdateFeatures, ({ featureUpdates }, _, { version }) => {
  const problems = featureUpdates.map((update) => ({ feature: update.feature, problem: problemOf(update) }))
  const first = version >= 2 ? problems.find(({ problem }) => problem !== undefined)?.problem : undefined
  return {
    errorCode: (first?.error ?? KafkaError.NONE).code,
    errorMessage: first?.message ?? null,
    results: problems.map(({ feature, problem }) => ({
      feature,
      errorCode: (problem?.error ?? KafkaError.NONE).code,
      errorMessage: problem?.message ?? null,
    })),
  }
})

type Update = RequestOf<typeof UpdateFeatures>['featureUpdates'][number]

function problemOf({ feature, maxVersionLevel }: Update): TopicFailure | undefined {
  const known = features.find(({ name }) => name === feature)
  if (known?.finalized === maxVersionLevel) return undefined
  const why = known === undefined ? 'is not known' : `has level ${known.finalized}, which this release does not change`
  return {
    error: KafkaError.INVALID_UPDATE_VERSION,
    message: `Invalid update version ${maxVersionLevel} for feature ${feature}: it ${why}.`,
  }
}
