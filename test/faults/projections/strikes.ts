import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { TRACES } from './coverage.ts'
import type { FaultWorld } from './fault-lane.ts'
import { look, underWay } from './meanwhile.ts'
import { sharingStrikes } from './sharing-strikes.ts'

export type Strike = (world: FaultWorld) => Promise<void>

/** What goes wrong, and how it is put right again. After each the lane waits until everything is applied. */
export const strikes = {
  /** kill -9 in the middle of applying. */
  kill: async (world) => {
    await underWay(world)
    await world.kill(world.process)
    if (await world.isBehind()) world.count(TRACES.kill)
    await world.replaceProcess()
  },

  /** A process is stopped, another takes over, the first wakes up and finds new events. */
  'zombie with work': async (world) => {
    const zombie = await overtaken(world)
    const quiet = world.random() < 0.5
    if (!quiet) await world.writer.write(3)
    // What the zombie has locked is free when it wakes up, or when the database has lost patience.
    if (!quiet) await settled(world, 3_000)
    zombie.goOn()
    await world.writer.write(4)
    await fenced(world, zombie, TRACES['zombie with work'])
  },

  /** Two processes that both think that the projector is theirs. */
  'second process': async (world) => {
    const first = world.process
    await world.replaceProcess()
    await world.writer.write(4)
    await fenced(world, first, TRACES['second process'])
  },

  'broker restart': async (world) => {
    const writing = world.writer.write(6)
    const before = world.writer.troubles
    await sleep(world.random() * 30)
    await world.restartBroker()
    await writing
    world.count(TRACES['broker restart'], world.writer.troubles - before)
  },

  poison: async (world) => {
    await world.writer.write(4, { isPoisoned: true })
    await world.writer.write(3)
    // Nothing that is parked is passed before it is: the snapshot at the end has it.
    await world.caughtUp('poison')
    world.count(TRACES.poison, world.history.snapshots.at(-1)?.parked.length ?? 0)
  },

  /** Its records are in the log, between committed ones, and never happened. */
  'taken back': async (world) => {
    for (let times = 0; times < 2; times++) {
      await world.writer.write(1)
      await world.writer.abortOne(world.broker)
      world.count(TRACES['taken back'])
    }
    await world.writer.write(1)
  },

  /** What was parked can be applied now. */
  mend: async (world) => {
    await world.mend()
    for (let attempt = 0; attempt < 20; attempt++) {
      const { applied, left } = await world.process.ask('retry', 'retried')
      world.count(TRACES.mend, applied)
      if (left === 0) return
      await sleep(50)
    }
    throw new Error('what is mended stays parked')
  },

  rebuild: async (world) => {
    const ended = world.process.ask('rebuild', 'rebuilt', 'not rebuilt')
    const over = new AbortController()
    const done = ended.finally(() => over.abort())
    done.catch(() => {})
    while (!over.signal.aborted) {
      await world.writer.write(1)
      if (!over.signal.aborted) world.count(TRACES.rebuild)
      await look(world)
    }
    const outcome = await done
    if (outcome.kind === 'not rebuilt') throw new Error(outcome.error)
  },

  /** kill -9 in a rebuild, anywhere: the next process goes on with it, or begins with what there is. */
  'kill in a rebuild': async (world) => {
    const writing = world.writer.write(3)
    const rebuilt = world.process.ask('rebuild', 'rebuilt', 'not rebuilt').catch(() => 'died' as const)
    await sleep(world.random() * 80)
    await world.kill(world.process)
    if ((await rebuilt) === 'died') world.count(TRACES['kill in a rebuild'])
    await writing
    await world.replaceProcess()
    for (;;) {
      const { states } = await world.process.ask('status', 'status')
      if (!states.includes('rebuilding')) return
      await look(world)
    }
  },

  'database restart': (world) => stoppingDatabase(world, 'database restart', 'fast'),
  'database crash': (world) => stoppingDatabase(world, 'database crash', 'immediate'),

  'connections terminated': async (world) => {
    const writing = world.writer.write(8)
    const client = new Client(world.postgres.connection)
    await client.connect()
    for (let times = 0; times < 3; times++) {
      await sleep(world.random() * 10)
      const sql =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'keyfold'"
      world.count(TRACES['connections terminated'], (await client.query(sql)).rowCount ?? 0)
    }
    await client.end()
    await writing
  },

  ...sharingStrikes,

  'COMMIT lost': (world) => cutting(world, 'lost'),
  'COMMIT unanswered': (world) => cutting(world, 'unanswered'),
} satisfies Record<string, Strike>

export type StrikeName = keyof typeof strikes

const EVERYWHERE: readonly StrikeName[] = [
  'kill',
  'zombie with work',
  'second process',
  'broker restart',
  'poison',
  'taken back',
  'mend',
  'rebuild',
  'kill in a rebuild',
]
const POSTGRES_ONLY: readonly StrikeName[] = [
  'database restart',
  'database crash',
  'connections terminated',
  'COMMIT lost',
  'COMMIT unanswered',
]

/** A process alone over a medium, or several that share over PostgreSQL. */
export type LaneName = 'sqlite' | 'postgres' | 'shared postgres'

/** What can be done in a lane. */
export const strikesOf: Readonly<Record<LaneName, readonly StrikeName[]>> = {
  sqlite: EVERYWHERE,
  postgres: [...EVERYWHERE, ...POSTGRES_ONLY],
  'shared postgres': [
    'kill',
    'broker restart',
    'poison',
    'taken back',
    'mend',
    ...(Object.keys(sharingStrikes) as (keyof typeof sharingStrikes)[]),
    ...POSTGRES_ONLY,
  ],
}

/** Stops the process that projects and starts another; answers the stopped one. */
async function overtaken(world: FaultWorld) {
  const zombie = world.process
  if (world.random() < 0.5) await underWay(world)
  zombie.pause()
  try {
    const next = world.startProcess()
    // One that waits for a lock of the stopped one cannot begin.
    const first = await Promise.race([next, sleep(8_000, undefined)])
    if (first === undefined) zombie.goOn()
    await world.replaceProcess(await next)
  } catch (error) {
    zombie.goOn()
    throw error
  }
  return zombie
}

/** Waits until the replaced process has learnt that it is replaced, then ends it. */
async function fenced(world: FaultWorld, replaced: FaultWorld['process'], trace: string): Promise<void> {
  await world.askReplaced(replaced)
  for (let attempt = 0; attempt < 200; attempt++) {
    const { errors } = await replaced.ask('status', 'status')
    if (errors.some((error) => error.includes('CHECKPOINT_FENCED'))) {
      world.count(trace)
      break
    }
    await sleep(20)
  }
  await world.kill(replaced)
}

async function settled(world: FaultWorld, patienceMs: number): Promise<void> {
  const before = world.history.stuck.length
  await world.caughtUp('a take-over', patienceMs)
  world.history.stuck.length = before
}

/** The database ends while events are written, and comes back; counts how often the process that projects missed it. */
async function stoppingDatabase(
  world: FaultWorld,
  strike: 'database restart' | 'database crash',
  mode: 'fast' | 'immediate',
): Promise<void> {
  const writing = world.writer.write(6)
  await sleep(world.random() * 20)
  await world.postgres.stop(mode)
  await world.postgres.start()
  await writing
  await world.caughtUp(strike)
  const statuses = await Promise.all(world.members.map((each) => each.ask('status', 'status')))
  world.count(
    TRACES[strike],
    statuses.reduce((sum, { outages }) => sum + outages, 0),
  )
}

async function cutting(world: FaultWorld, how: 'lost' | 'unanswered'): Promise<void> {
  const planned = [how, how, how] as const
  world.proxy.cuts.push(...planned)
  await world.writer.write(8)
  await world.caughtUp(`COMMIT ${how}`)
  world.count(TRACES[`COMMIT ${how}`], planned.length - world.proxy.cuts.length)
  world.proxy.cuts.length = 0
}
