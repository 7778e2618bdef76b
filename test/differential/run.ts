import { apis } from '@keyfold/protocol'
import type { Difference } from './compare.ts'
import { namesOfKnown, unexpected } from './known-differences.ts'
import { Lockstep, type Step } from './lockstep.ts'
import type { Ending } from './operation.ts'
import { nextOperation } from './plans/all.ts'
import { restartBoth } from './plans/restarts.ts'
import { type Planned, Script, type VersionRanges } from './script.ts'
import { Side } from './side.ts'

export interface RunOptions {
  readonly seed: number
  readonly operations: number
  /** Areas of operations to take from. */
  readonly areas: readonly string[]
  /** Ends at the first step with a difference that nobody means. */
  readonly stopAtFirst: boolean
  readonly kafka: Contestant
  readonly ours: Contestant
  /** How often both end and start again in the middle: every other time by a kill. */
  readonly restarts: number
  /** How long a request that may have to wait is given before it counts as waiting. */
  readonly quietMs: number
  /** Everything that ran, as it ran. */
  readonly onStep?: (step: Step) => void
}

/** A broker, and how to end it and start it again at the same address with the same data. */
export interface Contestant {
  readonly address: string
  readonly restart: (ending: Ending) => Promise<void>
}

export interface RunResult {
  readonly operations: number
  readonly steps: readonly Step[]
  readonly failures: readonly { readonly step: Step; readonly differences: readonly Difference[] }[]
  /** How often each meant difference was seen. */
  readonly known: ReadonlyMap<string, number>
  /** APIs and versions that Kafka serves and we do not. */
  readonly unserved: readonly string[]
}

/** Makes the script up step by step, runs it on both brokers and compares. */
export async function runDifferential(options: RunOptions): Promise<RunResult> {
  const startedAtMs = Date.now()
  const kafka = new Side({ title: 'Apache Kafka', startedAtMs, ...options.kafka })
  const ours = new Side({ title: 'the bundled broker', startedAtMs, ...options.ours })
  try {
    const ranges = { kafka: await rangesOf(kafka), ours: await rangesOf(ours) }
    await warmUp(kafka)
    await warmUp(ours)
    const script = new Script({
      seed: options.seed,
      nowMs: startedAtMs,
      ranges: common(ranges.kafka, ranges.ours),
      hasRestarts: options.restarts > 0,
    })
    const result = await play(script, new Lockstep(kafka, ours, options.quietMs), options)
    return { ...result, unserved: unserved(ranges.kafka, ranges.ours) }
  } finally {
    kafka.close()
    ours.close()
  }
}

async function play(script: Script, lockstep: Lockstep, options: RunOptions): Promise<Omit<RunResult, 'unserved'>> {
  const learners = new Map<number, Planned>()
  const steps: Step[] = []
  const failures: { step: Step; differences: readonly Difference[] }[] = []
  const known = new Map<string, number>()
  let operations = 0
  let restarts = 0
  while (operations < options.operations) {
    if (operations >= ((restarts + 1) * options.operations) / (options.restarts + 1)) {
      restartBoth(script, restarts % 2 === 0 ? 'kill' : 'stop')
      restarts += 1
    }
    const planned = nextOperation(script, options.areas)
    learners.set(operations, planned)
    park(script, planned)
    operations += 1
    for (const step of await lockstep.run(planned.operation)) {
      steps.push(step)
      options.onStep?.(step)
      if ('answer' in step.kafka) learners.get(step.index)?.learn?.(step.kafka.answer)
      learners.delete(step.index)
      for (const name of namesOfKnown(step)) known.set(name, (known.get(name) ?? 0) + 1)
      const differences = unexpected(step)
      if (differences.length > 0) failures.push({ step, differences })
    }
    if (options.stopAtFirst && failures.length > 0) break
  }
  return { operations, steps, failures, known }
}

/** A member whose request may wait has its connection in use until the answer comes. */
function park(script: Script, { operation }: Planned): void {
  if (operation.answer !== 'parks') return
  for (const { members } of script.groups) {
    for (const member of members) if (member.connection === operation.connection) member.isParked = true
  }
}

async function rangesOf(side: Side): Promise<VersionRanges> {
  const { apiKeys } = await side.ask('ApiVersions', 3, { clientSoftwareName: 'keyfold', clientSoftwareVersion: '1' })
  const served = apiKeys as readonly { apiKey: number; minVersion: number; maxVersion: number }[]
  return new Map(
    served.map(({ apiKey, minVersion, maxVersion }) => {
      const api = apis.find(({ key }) => key === apiKey)
      // Versions that the table does not have are not tried, and reported with the unserved.
      return [api?.name ?? `key ${apiKey}`, { min: Math.max(minVersion, api?.versions[0] ?? 0), max: maxVersion }]
    }),
  )
}

function common(kafka: VersionRanges, ours: VersionRanges): VersionRanges {
  const both = new Map<string, { min: number; max: number }>()
  for (const [name, range] of kafka) {
    const mine = ours.get(name)
    if (mine !== undefined) both.set(name, { min: Math.max(range.min, mine.min), max: Math.min(range.max, mine.max) })
  }
  return both
}

function unserved(kafka: VersionRanges, ours: VersionRanges): readonly string[] {
  return [...kafka].flatMap(([name, { min, max }]) => {
    const mine = ours.get(name)
    if (mine === undefined) return [name]
    return mine.min <= min && mine.max >= max ? [] : [`${name} ${min}-${max} (ours ${mine.min}-${mine.max})`]
  })
}

/** Coordinators of a new Kafka make their topics first; until then they say so. */
async function warmUp(side: Side): Promise<void> {
  for (const keyType of [0, 1]) {
    for (;;) {
      const { errorCode } = await side.ask('FindCoordinator', 3, { key: 'warm-up', keyType })
      if (errorCode === 0) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  for (;;) {
    const answer = await side.ask('OffsetFetch', 7, { groupId: 'warm-up', topics: [], requireStable: false })
    if (answer['errorCode'] === 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
