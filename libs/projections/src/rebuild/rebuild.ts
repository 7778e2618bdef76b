import type { Offset } from '@keyfold/kafka'
import { fail } from '../errors.ts'
import type { ReadModel } from '../read-model-store.ts'
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
  /** Raised to stop halfway: the generation stays `building` and is gone on with at the next start. */
  readonly signal: AbortSignal
  readonly listener: ProgressListener
  /** Called in the moment of the switch, before anything else can run. */
  readonly switched: () => void
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
    await follow(task, live === undefined ? await endsOf(surroundings.kafka, task.topics) : positionsOf(live), () =>
      report('catching-up'),
    )
    await level(made, live)
    refuseIfAborted(task)
    report('verifying')
    const verified = await verify(made.generation, live?.generation)
    if (verified.equal === false) await refuse(task, verified)
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
