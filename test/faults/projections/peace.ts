import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultWorld } from './fault-lane.ts'

const ATTEMPTS = 40
/** Longer than a member waits before it tries to take a partition over again. */
const CALM_MS = 250

/**
 * Waits until members that share a projector have found their shares: no rebuild is under way, each partition has an
 * owner, and events that come then make nobody claim a checkpoint. Notes it as P12 when they never do.
 */
export async function peace(world: FaultWorld, after: string): Promise<void> {
  const { watch, history } = world
  try {
    await world.until(`peace after ${after}`, async () => {
      const { building } = await watch.generations()
      return building.length === 0 && (await watch.isSharedBy(world.members.length))
    })
    const { rejected } = await watch.generations()
    if (rejected.length > 0) history.stuck.push(`${after}: generation ${rejected.join()} was rejected`)
  } catch (error) {
    history.stuck.push(String(error))
  }
  for (let attempt = 0; attempt < ATTEMPTS && history.stuck.length === 0; attempt++) {
    const before = await watch.claims()
    await world.writer.write(1)
    await world.caughtUp(after)
    await sleep(CALM_MS)
    if ((await watch.claims()) === before) return
  }
  if (history.stuck.length === 0) history.restless.push(after)
}
