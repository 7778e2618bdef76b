import { describe, it } from 'vitest'
import { startBundled } from './clusters.ts'
import { laneTimeoutMs, passCommandsLane } from './commands-lane.ts'

/** Minutes of faults: `npm run test:commands-faults` gives them their time. README.md says what is open. */
const isWanted = process.env['KEYFOLD_COMMANDS_MINUTES'] !== undefined

describe.skipIf(!isWanted)('32 clients over three processes on the bundled broker, under faults', () => {
  it('lose, double, tear and make up nothing, and hear the truth', { timeout: laneTimeoutMs }, async () => {
    const cluster = await startBundled()
    try {
      await passCommandsLane(cluster)
    } finally {
      await cluster.stop()
    }
  })
})
