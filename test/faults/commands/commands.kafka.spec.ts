import { describe, it } from 'vitest'
import { whyNoKafka } from '../../kafka/distribution.ts'
import { startKafka } from './clusters.ts'
import { laneTimeoutMs, passCommandsLane } from './commands-lane.ts'

const missing = whyNoKafka()
if (missing !== undefined) process.stdout.write(`The commands lane on Apache Kafka is skipped: ${missing}.\n`)

describe.skipIf(missing !== undefined)('32 clients over three processes on nodes of Apache Kafka, under faults', () => {
  const timeout = laneTimeoutMs + 120_000
  it.each([1, 3] as const)(
    'of %i: lose, double, tear and make up nothing, and hear the truth',
    { timeout },
    async (nodes) => {
      const cluster = await startKafka(nodes)
      try {
        await passCommandsLane(cluster)
      } finally {
        await cluster.stop()
      }
    },
  )
})
