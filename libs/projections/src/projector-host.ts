import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import { fail } from './errors.ts'
import { partitionStatus, type ProjectorStatus, stateOf } from './projector-status.ts'
import type { ParkedEvent, ParkedSelection } from './parking.ts'
import type { Generation, GenerationRecord, ReadModel, ReadModelStore, TopicPartition } from './read-model-store.ts'
import { type Progress, type ProgressListener, ProgressMeter } from './rebuild/progress.ts'
import { rebuild, type RebuildReport } from './rebuild/rebuild.ts'
import { obsolete, planStart } from './rebuild/start-plan.ts'
import { type Ends, endsOf } from './runner/ends.ts'
import { GenerationRunner } from './runner/generation-runner.ts'
import type { RetryReport } from './runner/partition-parking.ts'
import { type PartitionProgress, partitionKey } from './runner/partition-progress.ts'
import { PositionWatch } from './runner/position-watch.ts'
import type { Surroundings } from './runner/surroundings.ts'
import { WriteLane } from './stores/write-lane.ts'

interface Serving {
  readonly generation: Generation
  /** Undefined while it serves what it has: paused, or made by a version whose code is gone. */
  readonly runner: GenerationRunner | undefined
}

interface Building {
  readonly abort: AbortController
  readonly ended: Promise<void>
  progress: Progress | undefined
}

/** One projector in this process: its serving generation, the one that may be under construction, its state. */
export class ProjectorHost {
  readonly descriptor: ProjectorDescriptor
  readonly #surroundings: Surroundings
  readonly #store: ReadModelStore
  readonly #listener: ProgressListener
  readonly #watch = new PositionWatch()
  /** Starting, stopping, pausing and resuming happen one after the other. */
  readonly #life = new WriteLane()
  #model: ReadModel | undefined
  #serving: Serving | undefined
  #building: Building | undefined
  #paused = false
  #caughtUp = false
  #error: Error | undefined

  constructor(
    surroundings: Surroundings,
    store: ReadModelStore,
    descriptor: ProjectorDescriptor,
    listener: ProgressListener,
  ) {
    this.#surroundings = surroundings
    this.#store = store
    this.descriptor = descriptor
    this.#listener = listener
  }

  get started(): boolean {
    return this.#serving !== undefined
  }

  get status(): ProjectorStatus {
    const { name: projector, version } = this.descriptor
    const serving = this.#serving
    const error = this.#error ?? serving?.runner?.error
    const rebuilding = this.#building !== undefined
    const facts = { serving: serving !== undefined, paused: this.#paused, caughtUp: this.#caughtUp, rebuilding, error }
    return {
      projector,
      version,
      generation: serving?.generation.generation,
      servingVersion: serving?.generation.version,
      state: stateOf(facts),
      error,
      partitions: (serving?.runner?.progress ?? []).map(partitionStatus),
      rebuild: this.#building?.progress,
    }
  }

  /** The generation that queries ask. Errors: `PROJECTOR_NOT_STARTED`. */
  get generation(): Generation {
    if (this.#serving === undefined) throw this.#notStarted('has no read model yet')
    return this.#serving.generation
  }

  /** Starts what is not running. A manual projector that was never started stays as it is, unless `asked`. */
  async start({ asked }: { readonly asked: boolean }): Promise<void> {
    await this.#life.run(async () => {
      const { state } = this.status
      if (state !== 'new' && state !== 'failed') return
      await this.#stop()
      await this.#start(asked)
    })
  }

  /** Starts it and waits until it has reached the end that was the end when the call was made. */
  async startAndCatchUp(listener: ProgressListener): Promise<void> {
    await this.start({ asked: true })
    this.#refuseIfIdle()
    const runner = this.#serving?.runner
    const ends = await endsOf(this.#surroundings.kafka, this.descriptor.topics)
    const subject = { projector: this.descriptor.name, generation: this.generation.generation, ends }
    const meter = new ProgressMeter(subject, this.#surroundings.clock, (progress) => {
      this.#listener(progress)
      listener(progress)
    })
    const report = (): void => meter.report('replaying', runner?.progress ?? [])
    const detach = runner?.observe({ moved: report, halted: report })
    try {
      await this.#reachAll(ends)
    } finally {
      detach?.()
    }
    meter.report('live', this.#serving?.runner?.progress ?? [])
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.#life.run(async () => {
      if (this.#model === undefined) throw this.#notStarted('was not started in this process')
      await this.#model.setPaused(paused)
      await this.#stop()
      await this.#start(false)
    })
  }

  /** Errors: `REBUILD_RUNNING`, `PROJECTOR_NOT_STARTED`, `PROJECTOR_PAUSED`, and those of `rebuild`. */
  async rebuild(listener: ProgressListener): Promise<RebuildReport> {
    if (this.#paused) throw this.#pausedError()
    if (this.#serving === undefined) throw this.#notStarted('has no read model yet')
    return await this.#build('new', listener)
  }

  /** What is set aside in the serving generation; empty when there is none. */
  async parked(): Promise<readonly ParkedEvent[]> {
    return (await this.#serving?.generation.parked()) ?? []
  }

  /** Errors: `PROJECTOR_NOT_STARTED`, `PROJECTOR_PAUSED`, `PROJECTOR_HALTED`. */
  async retryParked(selection: ParkedSelection): Promise<RetryReport> {
    return await this.#running().retryParked(selection)
  }

  /** Errors: as for `retryParked`. */
  async dropParked(selection: ParkedSelection, reason: string): Promise<number> {
    return await this.#running().dropParked(selection, reason)
  }

  #running(): GenerationRunner {
    if (this.#paused) throw this.#pausedError()
    if (this.#serving?.runner === undefined) throw this.#notStarted('is not being applied')
    return this.#serving.runner
  }

  /** Answers once the position is in the rows, or `timeout`. */
  async waitFor(partition: TopicPartition, offset: number, deadlineMs: number): Promise<'visible' | 'timeout'> {
    const { name, topics } = this.descriptor
    if (!topics.includes(partition.topic))
      throw fail('TOPIC_NOT_READ', `projector ${name} does not read ${partition.topic}`)
    const { reached, cancel } = this.#watch.reach(partition, offset + 1, { failFast: false })
    const { promise: late, resolve } = Promise.withResolvers<'timeout'>()
    const stopTimer = this.#surroundings.clock.after(deadlineMs, () => resolve('timeout'))
    try {
      return await Promise.race([reached.then(() => 'visible' as const), late])
    } finally {
      stopTimer()
      cancel()
    }
  }

  /** Resolves when everything that is committed now is in the rows. Errors: whatever halts it before. */
  async caughtUp(): Promise<void> {
    this.#refuseIfIdle()
    await this.#reachAll(await endsOf(this.#surroundings.kafka, this.descriptor.topics))
  }

  async close(): Promise<void> {
    await this.#life.run(async () => {
      await this.#stop()
      await this.#serving?.generation.close()
      this.#serving = undefined
      this.#watch.abandon(fail('PROJECTIONS_CLOSED', `projector ${this.descriptor.name} was closed`))
    })
  }

  async #start(asked: boolean): Promise<void> {
    this.#error = undefined
    this.#caughtUp = false
    const { name, version, start, setup } = this.descriptor
    const model = await this.#store.claim(name)
    const { started, paused, generations } = await model.record()
    this.#model = model
    this.#paused = paused
    if (start === 'manual' && !started && !asked) return
    if (!started) await model.setStarted()
    const plan = planStart(generations, version)
    for (const { generation } of plan.discard) await model.drop(generation)
    try {
      const record = plan.serve.record ?? (await model.createGeneration(version))
      const generation = await model.openGeneration(record.generation)
      if (record.status !== 'active') {
        await generation.setup(setup)
        await model.activate(record.generation)
      }
      await this.#serve(generation, plan.serve.feed && !paused)
      if (plan.build !== undefined && !paused) this.#buildInBackground(plan.build)
    } catch (error) {
      this.#fail(error)
    }
  }

  async #serve(generation: Generation, feed: boolean): Promise<void> {
    const before = this.#serving
    const runner = feed ? new GenerationRunner(this.#surroundings, this.descriptor, generation) : undefined
    this.#serving = { generation, runner }
    await before?.generation.close()
    if (runner === undefined) return
    this.#attend(runner)
    await runner.start()
  }

  /** Follows the moves of the serving generation. */
  #attend(runner: GenerationRunner): void {
    runner.observe(this.#watch)
    const look = (): void => {
      this.#caughtUp ||= runner.progress.every(atEnd)
    }
    runner.observe({ moved: look, halted: look })
  }

  /** Ends what runs; the serving generation stays open for queries. */
  async #stop(): Promise<void> {
    this.#building?.abort.abort()
    await this.#building?.ended
    await this.#serving?.runner?.stop()
  }

  #buildInBackground(build: GenerationRecord | 'new'): void {
    this.#build(build, () => {}).catch((error: unknown) => {
      const { name: projector } = this.descriptor
      const log = this.#surroundings.log
      log('error', 'a rebuild failed; the generation before goes on serving', { projector, error: String(error) })
      if (this.#serving?.runner === undefined && !this.#paused) this.#fail(error)
    })
  }

  async #build(build: GenerationRecord | 'new', listener: ProgressListener): Promise<RebuildReport> {
    if (this.#building !== undefined)
      throw fail('REBUILD_RUNNING', `projector ${this.descriptor.name} is being rebuilt already`)
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const building: Building = { abort: new AbortController(), ended, progress: undefined }
    this.#building = building
    try {
      return await this.#runBuild(build, building.abort.signal, (progress) => {
        building.progress = progress
        this.#listener(progress)
        listener(progress)
      })
    } finally {
      this.#building = undefined
      end()
    }
  }

  async #runBuild(
    build: GenerationRecord | 'new',
    signal: AbortSignal,
    listener: ProgressListener,
  ): Promise<RebuildReport> {
    const { name: projector, version, topics } = this.descriptor
    const model = this.#model
    const before = this.#serving
    if (model === undefined || before === undefined) throw this.#notStarted('has no read model yet')
    const record = build === 'new' ? await model.createGeneration(version) : build
    const generation = await model.openGeneration(record.generation)
    const made = new GenerationRunner(this.#surroundings, this.descriptor, generation)
    const switched = (): void => {
      this.#serving = { generation, runner: made }
      this.#attend(made)
    }
    const task = { projector, topics, model, made, live: before.runner, signal, listener, switched }
    try {
      const report = await rebuild({ surroundings: this.#surroundings, ...task })
      await this.#afterSwitch(model, made, before.generation)
      return report
    } catch (error) {
      await generation.close()
      if (!signal.aborted) await this.#restart(before.runner)
      throw error
    }
  }

  /** The new generation goes on by itself; what nobody needs any more is deleted. */
  async #afterSwitch(model: ReadModel, made: GenerationRunner, before: Generation): Promise<void> {
    this.#caughtUp = false
    this.#error = undefined
    await this.#restart(made)
    await before.close()
    const { generations } = await model.record()
    for (const { generation } of obsolete(generations)) await model.drop(generation)
  }

  async #restart(runner: GenerationRunner | undefined): Promise<void> {
    try {
      await runner?.stop()
      await runner?.start()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #reachAll(ends: Ends): Promise<void> {
    const waits = this.descriptor.topics.flatMap((topic) =>
      [...ends].flatMap(([key, end]) => {
        const partition = Number(key.slice(topic.length + 1))
        const own = partitionKey({ topic, partition }) === key
        return own ? this.#watch.reach({ topic, partition }, end, { failFast: true }) : []
      }),
    )
    await Promise.all(waits.map(({ reached }) => reached))
    this.#caughtUp = true
  }

  #fail(reason: unknown): void {
    const { name: projector } = this.descriptor
    this.#error = reason instanceof Error ? reason : new Error(String(reason))
    this.#watch.abandon(this.#error)
    this.#surroundings.log('error', 'a projector failed', { projector, error: String(this.#error) })
  }

  /** Errors: what keeps it from running. */
  #refuseIfIdle(): void {
    if (this.#paused) throw this.#pausedError()
    if (this.#error !== undefined) throw this.#error
    if (this.#serving === undefined) throw this.#notStarted('has no read model yet')
  }

  #pausedError(): Error {
    return fail('PROJECTOR_PAUSED', `projector ${this.descriptor.name} is paused`)
  }

  #notStarted(why: string): Error {
    return fail('PROJECTOR_NOT_STARTED', `projector ${this.descriptor.name} ${why}`)
  }
}

function atEnd({ position, endOffset }: PartitionProgress): boolean {
  return position >= endOffset
}
