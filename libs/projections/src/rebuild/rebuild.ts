import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import type { Offset } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { Generation, ReadModel } from '../read-model-store.ts'
import { type Ends, endsOf } from '../runner/ends.ts'
import type { GenerationRunner } from '../runner/generation-runner.ts'
import { partitionKey } from '../runner/partition-progress.ts'
import { PositionWatch } from '../runner/position-watch.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import { ProgressMeter, type ProgressListener, type ProgressPhase } from './progress.ts'
import { type Verification, verify } from './verification.ts'

export interface RebuildTask {
  readonly surroundings: Surroundings
  readonly topics: readonly string[]
  readonly projector: string
  readonly model: ReadModel
  /** Not started yet; its generation is `building`. */
  readonly made: GenerationRunner
  /** The serving generation, running; undefined when there is none of this version to keep level with. */
  readonly live: GenerationRunner | undefined
  /** What serves, running or not. */
  readonly before: Generation | undefined
  /** Raised to stop halfway: the generation stays `building` and is gone on with at the next start. */
  readonly signal: AbortSignal
  readonly descriptor: Pick<ProjectorDescriptor, 'indexes' | 'verify'>
  /** `none` for a generation that has served before. */
  readonly verification: 'compare' | 'none'
  /** When it may be switched to. Left out: as soon as it is verified. */
  readonly release?: Release | undefined
  readonly listener: ProgressListener
  /** Called in the moment of the switch, before anything else can run. */
  readonly switched: () => void
}

/** Somebody's word that a verified generation may serve. */
export interface Release {
  given: boolean
  readonly promise: Promise<void>
}

/** What a rebuild did. */
export interface RebuildReport {
  readonly projector: string
  readonly generation: number
  readonly version: number
  /** Events read. */
  readonly events: number
  readonly seconds: number
  readonly eventsPerSecond: number
  readonly verified: Verification
}

/**
 * Builds a generation beside the serving one, verifies it and switches over.
 * Errors: `VERIFICATION_FAILED`, `PROJECTIONS_CLOSED`, whatever halts a partition. After an error the serving
 * generation still serves, but its runner may have been stopped: the caller starts it again.
 */
export async function rebuild(task: RebuildTask): Promise<RebuildReport> {
  const { surroundings, made, live, model, projector } = task
  const { clock } = surroundings
  const startedMs = clock.nowMs()
  const { generation, version } = made.generation
  const ends = await endsOf(surroundings.kafka, task.topics)
  const meter = new ProgressMeter({ projector, generation, ends }, clock, task.listener)
  const report = (phase: ProgressPhase): void => meter.report(phase, made.progress)
  try {
    await made.start()
    await follow(task, ends, () => report('replaying'))
    const { indexes } = task.descriptor
    if (indexes !== undefined) await made.generation.run(indexes)
    await follow(task, live === undefined ? await endsOf(surroundings.kafka, task.topics) : positionsOf(live), () =>
      report('catching-up'),
    )
    const verified = await verifiedAndReleased(task, report)
    await made.generation.flush()
    refuseIfAborted(task)
    await model.activate(generation)
    task.switched()
    report('switched')
    const events = made.progress.reduce((sum, { records }) => sum + records, 0)
    const seconds = (clock.nowMs() - startedMs) / 1000
    const eventsPerSecond = Math.round(events / Math.max(seconds, 0.001))
    return { projector, generation, version, events, seconds, eventsPerSecond, verified }
  } catch (error) {
    await made.stop()
    throw error
  }
}

/** Both generations stand still at equal positions when this resolves. */
async function verifiedAndReleased(task: RebuildTask, report: (phase: ProgressPhase) => void): Promise<Verification> {
  const { made, live, release, signal } = task
  for (;;) {
    await level(made, live)
    refuseIfAborted(task)
    const verified = await verification(task, report)
    if (verified.equal === false) await refuse(task, verified)
    if (release === undefined || release.given) return verified
    // Both go on until the word is given; what they have applied by then is verified again.
    await Promise.all([made.start(), live?.start()])
    report('ready')
    await Promise.race([release.promise, raised(signal)])
    refuseIfAborted(task)
  }
}

async function verification(task: RebuildTask, report: (phase: ProgressPhase) => void): Promise<Verification> {
  const { made, live, before, descriptor } = task
  if (task.verification === 'none') return { equal: null, tables: [], differences: [] }
  report('verifying')
  // Rows of the same version that nobody keeps level cannot be compared.
  const serving = live?.generation ?? (before?.version === made.generation.version ? undefined : before)
  return await verify({ made: made.generation, serving, hook: descriptor.verify })
}

function raised(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Waits until the new generation has passed all targets. */
async function follow(task: RebuildTask, targets: Ends, report: () => void): Promise<void> {
  const watch = new PositionWatch()
  const detach = [task.made.observe(watch), task.made.observe({ moved: report, halted: report })]
  const abandon = (): void => watch.abandon(closed(task))
  task.signal.addEventListener('abort', abandon)
  try {
    refuseIfAborted(task)
    const waits = task.made.progress.map((progress) =>
      watch.reach(progress, targets.get(partitionKey(progress)) ?? 0, { failFast: true }),
    )
    await Promise.all(waits.map(({ reached }) => reached))
  } finally {
    task.signal.removeEventListener('abort', abandon)
    for (const stop of detach) stop()
  }
}

/** Stops both generations at exactly the same positions. Without a live one the new one only stops. */
async function level(made: GenerationRunner, live: GenerationRunner | undefined): Promise<void> {
  await Promise.all([made.stop(), live?.stop()])
  if (live === undefined) return
  const reached = positionsOf(live)
  const targets = new Map<string, Offset>()
  for (const progress of made.progress) {
    const key = partitionKey(progress)
    targets.set(key, Math.max(progress.position, reached.get(key) ?? 0))
  }
  for (const runner of [made, live]) {
    await runner.start(targets)
    await runner.ended()
    if (runner.error !== undefined) throw runner.error
  }
}

function positionsOf(runner: GenerationRunner): Ends {
  return new Map(runner.progress.map((progress) => [partitionKey(progress), progress.position]))
}

async function refuse({ model, made, projector }: RebuildTask, { differences }: Verification): Promise<never> {
  const { generation } = made.generation
  await model.reject(generation)
  const message = `generation ${generation} of ${projector} is not what serves now: ${differences.join('; ')}`
  throw fail('VERIFICATION_FAILED', message, { details: { projector, generation, differences } })
}

function refuseIfAborted(task: RebuildTask): void {
  if (task.signal.aborted) throw closed(task)
}

function closed({ projector }: RebuildTask): Error {
  return fail('PROJECTIONS_CLOSED', `the rebuild of ${projector} was stopped; the next start goes on with it`)
}
