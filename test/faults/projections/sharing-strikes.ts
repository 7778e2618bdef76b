import { setTimeout as sleep } from 'node:timers/promises'
import { TRACES } from './coverage.ts'
import type { FaultWorld } from './fault-lane.ts'
import { look, underWay } from './meanwhile.ts'
import type { ProjectorProcess } from './projector-process.ts'
import type { Strike } from './strikes.ts'

/** What goes wrong among processes that share a projector, and how it is put right again. */
export const sharingStrikes = {
  /** Stopped for longer than its session, in the middle of applying: others have its partitions when it wakes up. */
  'member stands still': async (world) => {
    const frozen = world.process
    await underWay(world)
    await standing(world, frozen, async () => {
      await world.writer.write(3)
      await shared(world)
      await world.caughtUp('a member stands still')
      world.count(TRACES['member stands still'])
      // Half of them wake up to events that are in the rows, half to some that nobody has applied.
      if (world.random() < 0.5) await world.writer.write(3)
    })
    await world.writer.write(4)
    await world.askReplaced(frozen)
  },

  /** One more comes, and the eldest goes, as in a rolling deployment. */
  'members come and go': async (world) => {
    const joining = world.startProcess()
    await underWay(world)
    await world.replaceProcess(await joining)
    await shared(world)
    const leaving = world.process
    const writing = world.writer.write(4)
    world.without(leaving)
    await leaving.ask('leave', 'left')
    await world.kill(leaving)
    await writing
    await shared(world)
    world.count(TRACES['members come and go'])
  },

  /** While a generation is built and waits, one member dies and another one comes. */
  'rebuild among members': async (world) => {
    const builder = world.process
    const before = await serving(world)
    const isReady = await readyByHand(world, builder, before)
    const victim = othersThan(world, builder)[0]
    const joining = world.startProcess()
    await world.writer.write(2)
    if (victim !== undefined) await world.kill(victim)
    await look(world)
    await world.replaceProcess(await joining)
    await world.writer.write(2)
    await shared(world)
    if (isReady) world.count(TRACES['rebuild among members'])
    const swapped = isReady ? builder.ask('swap', 'swapped', 'not done') : undefined
    for (let times = 0; times < 5; times++) {
      await world.writer.write(1)
      await look(world)
    }
    await swapped
    await world.until('another generation serves', async () => (await serving(world)) !== before)
  },

  /** kill -9 of the one that rebuilds, anywhere: another member goes on with it. */
  'builder is killed': async (world) => {
    const builder = world.process
    const before = await serving(world)
    const rebuild = await begun(world, builder, before)
    await world.kill(builder)
    await goneOnWith(world, before, 'builder is killed')
    await rebuild.ended
    await world.replaceProcess()
  },

  /** It stops for longer than its lease, wakes up when another one has ended its work, and must not touch it. */
  'builder stands still': async (world) => {
    const builder = world.process
    const before = await serving(world)
    const rebuild = await begun(world, builder, before)
    await standing(world, builder, async () => {
      await goneOnWith(world, before, 'builder stands still')
      await world.writer.write(2)
    })
    await rebuild.ended
  },

  /** A member that does not rebuild lets the generation of another one serve, or gives it up. */
  'order from afar': async (world) => {
    const builder = world.process
    const before = await serving(world)
    if (!(await readyByHand(world, builder, before))) return
    const [other = builder] = othersThan(world, builder)
    const isSwap = world.random() < 0.6
    const { kind } = await other.ask(isSwap ? 'swap' : 'cancel', 'swapped', 'cancelled', 'not done')
    if (kind === 'not done') return
    world.count(TRACES['order from afar'])
    const { active, building } = await world.watch.generations()
    if (building.length > 0 || (active.join() !== before) !== isSwap)
      throw new Error(`${kind}, and generation ${active.join()} serves, ${building.join() || 'none'} is being built`)
  },
} satisfies Record<string, Strike>

/** Stops a member, does something, lets it go on. */
async function standing(world: FaultWorld, member: ProjectorProcess, meanwhile: () => Promise<void>): Promise<void> {
  member.pause()
  world.without(member)
  try {
    await meanwhile()
  } finally {
    member.goOn()
    await world.replaceProcess(member)
  }
}

/** Waits until the members that go on have all partitions among them. */
async function shared(world: FaultWorld): Promise<void> {
  const { members, watch } = world
  await world.until(`${members.length} members share the partitions`, () => watch.isSharedBy(members.length))
}

/** Waits for the end of a rebuild whose leader is gone, if there is one to go on with. */
async function goneOnWith(
  world: FaultWorld,
  before: string,
  strike: 'builder is killed' | 'builder stands still',
): Promise<void> {
  const { building } = await world.watch.generations()
  if (building.length === 0) return await shared(world)
  await world.until('another member ends the rebuild', async () => {
    await world.writer.write(1)
    return (await serving(world)) !== before && (await world.watch.generations()).building.length === 0
  })
  world.count(TRACES[strike])
}

interface Rebuild {
  hasEnded: boolean
  ended: Promise<void>
}

/** Tells a member to rebuild; that it ends without a success is no fault: another one may have taken its lead. */
function rebuilding(builder: ProjectorProcess, order: 'rebuild slowly' | 'rebuild by hand'): Rebuild {
  const asked = builder.ask(order, 'rebuilt', 'not rebuilt').catch(() => undefined)
  const rebuild: Rebuild = { hasEnded: false, ended: asked.then(() => void (rebuild.hasEnded = true)) }
  return rebuild
}

/** Lets a rebuild get somewhere under a stream of events. */
async function begun(world: FaultWorld, builder: ProjectorProcess, before: string): Promise<Rebuild> {
  const rebuild = rebuilding(builder, 'rebuild slowly')
  await world.until('a rebuild has begun', async () => {
    const { building, active } = await world.watch.generations()
    return building.length > 0 || rebuild.hasEnded || active.join() !== before
  })
  await world.writer.write(2)
  await sleep(world.random() * 200)
  return rebuild
}

/** Has a generation built that waits for a word. False when a member that lost its lead has built none, or another did. */
async function readyByHand(world: FaultWorld, builder: ProjectorProcess, before: string): Promise<boolean> {
  const rebuild = rebuilding(builder, 'rebuild by hand')
  const [other = builder] = othersThan(world, builder)
  let isReady = false
  await world.until('a rebuild is ready', async () => {
    isReady = (await other.ask('status', 'status')).phase === 'ready'
    return isReady || rebuild.hasEnded || (await serving(world)) !== before
  })
  return isReady
}

function othersThan(world: FaultWorld, member: ProjectorProcess): readonly ProjectorProcess[] {
  return world.members.filter((each) => each !== member)
}

async function serving(world: FaultWorld): Promise<string> {
  return (await world.watch.generations()).active.join()
}
