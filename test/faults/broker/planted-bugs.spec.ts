import { MemoryFiles } from '@keyfold/storage'
import { describe, expect, it } from 'vitest'
import { violations } from './checker.ts'
import { runCrashLane } from './crash/crash-lane.ts'
import { workloads } from './crash/workloads.ts'
import { damageJournal } from './damage-lane.ts'
import { runKillLane } from './kill-lane.ts'
import { type PlantedBugName, plantedBugs } from './planted-bugs.ts'
import { simulate } from './simulation/simulation.ts'

/** What the simulation says of each, if it sees it. */
const inSimulation: Partial<Record<PlantedBugName, RegExp>> = {
  'acknowledges before the sync': /^(lost|vanished|recovery)/,
  'acknowledges positions before the sync': /^offset back/,
  'lets read_committed readers see to the high watermark': /^(aborted read|vanished|invariant broken)/,
  'moves the high watermark to the end of the log': /^(vanished|invariant broken)/,
  'writes markers to one partition only': /^torn/,
  'writes markers after the decision, not with it': /^(torn|lost|recovery)/,
  'does not keep sequence numbers in checkpoints': /^(duplicate|repeat|recovery)/,
  'does not keep aborted transactions in checkpoints': /^(aborted read|vanished|made up)/,
  'does not journal blocks of producer ids': /^producer id/,
  'makes a checkpoint before segments are synced': /(lost|PARTITION_DAMAGED|^topics\/\S+\.log )/,
  'does not end interrupted transactions': /^(torn|lost|recovery)|^verify: .* that nobody coordinates/,
  'repeats a failed sync': /^(lost|vanished|recovery)|^journal\/\d+\.journal (is damaged|has a damaged header)/,
}

/** In which script the crash lane sees them. Clients of the simulation do nothing of the kind. */
const inCrashLane: Partial<Record<PlantedBugName, readonly [script: string, says: RegExp, every?: number]>> = {
  'compacts markers away that readers need': ['compaction with markers and aborted records', /^lost/, 10],
  'does not sync what compaction writes': ['compaction with a tombstone', /^(lost|recovery|verify)/, 5],
  'acknowledges deleted records before the sync': ['records that are deleted', /^lost/],
  'does not keep epochs of consumer groups in checkpoints': [
    'a group of the consumer protocol that grows and shrinks',
    /^(forgotten: consumer groups|membership)/,
  ],
  'does not keep members of groups in checkpoints': [
    'a classic group through its generations',
    /^(forgotten: groups|membership)/,
  ],
  'does not keep settings of topics in checkpoints': ['settings of topics and brokers', /^forgotten: topics/],
}

/** The same under kill -9 of a real process; faults that only a power cut shows are not among them. */
const inKillLane: Partial<Record<PlantedBugName, RegExp>> = {
  'acknowledges before the sync': /^(lost|offset back|torn)/,
  'writes markers to one partition only': /^(torn|lost)/,
  'lets read_committed readers see to the high watermark': /^(aborted read|vanished)/,
}

const simulatedSeedsMax = 150
const killLanesMax = 6
/** Processes take their time: the short run kills one of the brokers with a fault, the long one all of them. */
const isLong = Number(process.env['KEYFOLD_KILL_ROUNDS'] ?? 0) >= 100
const killed = Object.entries(inKillLane).slice(0, isLong ? undefined : 1)

describe('planted bugs are found', () => {
  it.each(Object.entries(inSimulation))(
    'by the simulation: a broker that %s',
    { timeout: 120_000 },
    async (name, expected) => {
      const takeOut = plantedBugs[name as PlantedBugName]()
      try {
        expect(await firstFinding((seed) => simulate(seed).then((result) => result.violations))).toMatch(expected)
      } finally {
        takeOut()
      }
    },
  )

  it.each(Object.entries(inCrashLane))(
    'by the crash lane: a broker that %s',
    { timeout: 120_000 },
    async (name, [script, expected, every = 1]) => {
      const takeOut = plantedBugs[name as PlantedBugName]()
      try {
        const workload = workloads.find((each) => each.name === script)
        if (workload === undefined) throw new Error(`there is no script "${script}"`)
        // A step that a sound broker takes without complaint is a finding, too.
        const found = await runCrashLane(workload, { stopsAtFirst: true, sample: { every, seed: 0 } }).then(
          ({ problems }) => problems,
          (error: unknown) => [String(error)],
        )
        expect(found.join('\n')).toMatch(new RegExp(expected.source, 'm'))
      } finally {
        takeOut()
      }
    },
  )

  it.each(killed)('by kill -9: a broker that %s', { timeout: 120_000 }, async (plant, expected) => {
    let found: readonly string[] = []
    for (let seed = 1; found.length === 0 && seed <= killLanesMax; seed++) {
      found = await runKillLane({ rounds: 2, seed, plant }).then(violations, (error: unknown) => [String(error)])
    }
    expect(found.join('\n')).toMatch(new RegExp(expected.source, 'm'))
  })

  it('statement 85: by the damage policy: a broker that cuts a damaged journal instead of refusing', async () => {
    expect(await damageJournal(new MemoryFiles())).toEqual([])
    const takeOut = plantedBugs['cuts a damaged journal instead of refusing']()
    try {
      expect(await damageJournal(new MemoryFiles())).toEqual(expect.arrayContaining([expect.stringMatching(/^lost: /)]))
    } finally {
      takeOut()
    }
  })

  it('and none is missing here', () => {
    const byLanes = [inSimulation, inCrashLane].flatMap((lane) => Object.keys(lane))
    const found = new Set([...byLanes, 'cuts a damaged journal instead of refusing'])
    expect(Object.keys(plantedBugs).filter((name) => !found.has(name))).toEqual([])
    expect(found.size).toBeGreaterThanOrEqual(8)
  })
})

/** The first thing that a lane says, over many seeds. A broken invariant that ends the run counts. */
async function firstFinding(lane: (seed: number) => Promise<readonly string[]>): Promise<string> {
  for (let seed = 1; seed <= simulatedSeedsMax; seed++) {
    const found = await lane(seed).catch((error: unknown) => [error instanceof Error ? error.message : String(error)])
    if (found[0] !== undefined) return found[0]
  }
  return 'nothing'
}
