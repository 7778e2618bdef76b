import { describe, it } from 'vitest'
import { startBundled } from './clusters.ts'
import { laneTimeoutMs, passCommandsLane } from './commands-lane.ts'

describe('32 clients over three processes on the bundled broker, under faults', () => {
  it('lose, double, tear and make up nothing, and hear the truth', { timeout: laneTimeoutMs }, async () => {
    const cluster = await startBundled()
    try {
      await passCommandsLane(cluster)
    } finally {
      await cluster.stop()
    }
  })
})
