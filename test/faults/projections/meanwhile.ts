import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultWorld } from './fault-lane.ts'

/** Events are written and are being applied. */
export async function underWay(world: FaultWorld): Promise<void> {
  await world.writer.write(6)
  await sleep(world.random() * 30)
}

/** A snapshot in the middle of things. */
export async function look(world: FaultWorld): Promise<void> {
  // A generation may be dropped between two questions.
  await world.snapshot().catch(() => world.count('a snapshot came in between'))
  await sleep(5)
}
