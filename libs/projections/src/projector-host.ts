import { type HostedProjector, passOverHistory } from './effects.ts'
import { fail, isOutage } from './errors.ts'
import { partitionStatus, type ProjectorStatus, stateOf } from './projector-status.ts'
import type { ParkedEvent, ParkedSelection } from './parking.ts'
import type { Generation, GenerationRecord, ReadModel, ReadModelStore, TopicPartition } from './read-model-store.ts'
import { type ProgressListener, ProgressMeter } from './rebuild/progress.ts'
import { type Build, type BuildSite, ProjectorBuilds, type Serving } from './rebuild/projector-builds.ts'
import type { RebuildReport } from './rebuild/rebuild.ts'
import type { RebuildOptions } from './rebuild/running-build.ts'
import { obsolete, planStart } from './rebuild/start-plan.ts'
import { type Ends, endsOf } from './runner/ends.ts'
import { GenerationRunner } from './runner/generation-runner.ts'
import type { RetryReport } from './runner/partition-parking.ts'
import { type PartitionProgress, partitionKey } from './runner/partition-progress.ts'
import { PositionWatch } from './runner/position-watch.ts'
import type { Surroundings } from './runner/surroundings.ts'
import { refuseOtherTopic } from './runner/topic-partitions.ts'
import { WriteLane } from './stores/write-lane.ts'

/** What a process knows of one projector and does with it. */
export type Hosted = { readonly [Member in keyof ProjectorHost]: ProjectorHost[Member] }

/** One projector in this process: its serving generation, the one that may be under construction, its state. */
export class ProjectorHost {
  readonly descriptor: HostedProjector
  readonly #surroundings: Surroundings
  readonly #store: ReadModelStore
  readonly #listener: ProgressListener
  readonly #watch = new PositionWatch()
  /** Starting, stopping, pausing and resuming happen one after the other. */
  readonly #life = new WriteLane()
  readonly #builds: ProjectorBuilds
  #model: ReadModel | undefined
  #serving: Serving | undefined
  #paused = false
  #caughtUp = false
  #error: Error | undefined
  #cancelStart: () => void = () => {}

  constructor(
    surroundings: Surroundings,
    store: ReadModelStore,
    descriptor: HostedProjector,
    listener: ProgressListener,
  ) {
    this.#surroundings = surroundings
    this.#store = store
    this.descriptor = descriptor
    this.#listener = listener
    this.#builds = new ProjectorBuilds(surroundings, descriptor, this.#buildSite())
  }

  get started(): boolean {
    return this.#serving !== undefined
  }

  get status(): ProjectorStatus {
    const { name: projector, version } = this.descriptor
    const serving = this.#serving
    const error = this.#error ?? serving?.runner?.error
    const rebuilding = this.#builds.running?.hasSwitched === false
    const facts = { serving: serving !== undefined, paused: this.#paused, caughtUp: this.#caughtUp, rebuilding, error }
    return {
      projector,
      version,
      generation: serving?.generation.generation,
      servingVersion: serving?.generation.version,
      state: stateOf(facts),
      error,
      partitions: (serving?.runner?.progress ?? []).map(partitionStatus),
      rebuild: rebuilding ? this.#builds.running?.progress : undefined,
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
  async rebuild(listener: ProgressListener, options: RebuildOptions): Promise<RebuildReport> {
    const { name, isLiveOnly = false } = this.descriptor
    if (isLiveOnly) throw fail('EFFECTS_NOT_REPEATED', `${name} has no rows to build`)
    if (this.#paused) throw this.#pausedError()
    if (this.#serving === undefined) throw this.#notStarted('has no read model yet')
    return await this.#build({ record: 'new', options, verification: 'compare' }, listener)
  }

  /** Ends a rebuild and deletes what there is of it. Errors: `REBUILD_MISSING`. */
  async cancelRebuild(): Promise<void> {
    await this.#builds.cancel()
  }

  /** Lets a verified generation serve. Errors: `REBUILD_MISSING`. */
  async swap(): Promise<void> {
    await this.#builds.swap()
  }

  /** Puts the generation back that served before. Errors: `GENERATION_MISSING`, `REBUILD_RUNNING`. */
  async rollBack(listener: ProgressListener): Promise<RebuildReport> {
    if (this.#paused) throw this.#pausedError()
    const { name, version } = this.descriptor
    const { generations } = (await this.#model?.record()) ?? { generations: [] }
    const retired = generations.filter(({ status }) => status === 'retired')
    const record = retired.findLast((each) => each.version === version)
    if (record === undefined) {
      const versions = retired.map((each) => each.version).join(', ')
      const there = versions === '' ? 'no generation has served before' : `generations of version ${versions} are kept`
      throw fail('GENERATION_MISSING', `projector ${name} has version ${version}, and ${there}`)
    }
    return await this.#build({ record, options: {}, verification: 'none' }, listener)
  }

  /** Deletes every generation that neither serves nor is being built, and answers how many. */
  async dropOld(): Promise<number> {
    const model = this.#model
    const old = ((await model?.record())?.generations ?? []).filter(
      ({ status }) => status === 'retired' || status === 'rejected',
    )
    for (const { generation } of old) await model?.drop(generation)
    return old.length
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
    refuseOtherTopic(this.descriptor, partition.topic)
    return await this.#watch.within({ partition, position: offset + 1 }, this.#surroundings.clock, deadlineMs)
  }

  /** Resolves when everything that is committed now is in the rows. Errors: whatever halts it before. */
  async caughtUp(): Promise<void> {
    this.#refuseIfIdle()
    await this.#reachAll(await endsOf(this.#surroundings.kafka, this.descriptor.topics))
  }

  /** Applies no more; what is there goes on answering. */
  async stop(): Promise<void> {
    await this.#life.run(async () => {
      this.#cancelStart()
      await this.#stop()
    })
  }

  async close(): Promise<void> {
    await this.#life.run(async () => {
      this.#cancelStart()
      await this.#stop()
      await this.#serving?.generation.close()
      this.#serving = undefined
      this.#watch.abandon(fail('PROJECTIONS_CLOSED', `projector ${this.descriptor.name} was closed`))
    })
  }

  /** A database that is away when a projector starts is waited for, in the background. */
  async #start(asked: boolean): Promise<void> {
    this.#error = undefined
    this.#caughtUp = false
    try {
      await this.#startOnce(asked)
    } catch (error) {
      this.#fail(error)
      if (!isOutage(error)) return
      const { clock, retry } = this.#surroundings
      this.#cancelStart = clock.after(retry.delayMsMax, () => void this.start({ asked }))
    }
  }

  async #startOnce(asked: boolean): Promise<void> {
    const { name, version, start, setup, isLiveOnly = false } = this.descriptor
    const model = await this.#store.claim(name)
    const { started, paused, generations } = await model.record()
    this.#model = model
    this.#paused = paused
    if (start === 'manual' && !started && !asked) return
    if (!started) await model.setStarted()
    const plan = planStart(generations, version)
    for (const { generation } of plan.discard) await model.drop(generation)
    const record = plan.serve.record ?? (await model.createGeneration(version))
    const generation = await model.openGeneration(record.generation)
    if (record.status !== 'active') {
      await generation.setup(setup)
      if (isLiveOnly) await passOverHistory(this.#surroundings.kafka, this.descriptor, generation)
      await model.activate(record.generation)
    }
    await this.#serve(generation, plan.serve.feed && !paused)
    if (this.#serving?.runner !== undefined) this.#indexInBackground(this.#serving.runner)
    if (plan.build !== undefined && !paused) this.#buildInBackground(plan.build)
  }

  /** Secondary indexes slow a replay down: they are made when what is there now has been applied. */
  #indexInBackground(runner: GenerationRunner): void {
    const { indexes, name: projector } = this.descriptor
    if (indexes === undefined) return
    const { kafka, log } = this.#surroundings
    endsOf(kafka, this.descriptor.topics)
      .then((ends) => this.#reachAll(ends))
      .then(() => (this.#serving?.runner === runner ? runner.generation.run(indexes) : undefined))
      .catch((error: unknown) => log('warn', 'indexes were not made', { projector, error: String(error) }))
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
    await this.#builds.stop()
    await this.#serving?.runner?.stop()
  }

  #buildInBackground(record: GenerationRecord | 'new'): void {
    const verification = record !== 'new' && record.status === 'retired' ? 'none' : 'compare'
    this.#build({ record, options: {}, verification }, () => {}).catch((error: unknown) => {
      const { name: projector } = this.descriptor
      const log = this.#surroundings.log
      log('error', 'a rebuild failed; the generation before goes on serving', { projector, error: String(error) })
      if (this.#serving?.runner === undefined && !this.#paused) this.#fail(error)
    })
  }

  async #build(build: Build, listener: ProgressListener): Promise<RebuildReport> {
    return await this.#builds.build(build, (progress) => {
      this.#listener(progress)
      listener(progress)
    })
  }

  #buildSite(): BuildSite {
    const model = (): ReadModel | undefined => this.#model
    const serving = (): Serving | undefined => this.#serving
    return {
      get model() {
        return model()
      },
      get serving() {
        return serving()
      },
      serve: (next) => {
        this.#serving = next
        if (next.runner !== undefined) this.#attend(next.runner)
      },
      settle: (owned, made, before) => this.#afterSwitch(owned, made, before),
      restart: (runner) => this.#restart(runner),
    }
  }

  /** The new generation goes on by itself; what nobody needs any more is deleted. */
  async #afterSwitch(model: ReadModel, made: GenerationRunner, before: Generation): Promise<void> {
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
