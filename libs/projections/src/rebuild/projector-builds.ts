import type { ProjectorDescriptor } from '@keyfold/eventsourcing'
import { fail } from '../errors.ts'
import type { Generation, GenerationRecord, ReadModel } from '../read-model-store.ts'
import { GenerationRunner } from '../runner/generation-runner.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import { Throttle } from '../runner/throttle.ts'
import type { ProgressListener } from './progress.ts'
import { rebuild, type RebuildReport } from './rebuild.ts'
import { type RebuildOptions, RunningBuild } from './running-build.ts'

export interface Serving {
  readonly generation: Generation
  /** Undefined while it serves what it has: paused, or made by a version whose code is gone. */
  readonly runner: GenerationRunner | undefined
}

/** A generation to make, or to bring up to date so that it can serve again. */
export interface Build {
  readonly record: GenerationRecord | 'new'
  readonly options: RebuildOptions
  readonly verification: 'compare' | 'none'
}

/** The projector that a generation is built for. */
export interface BuildSite {
  readonly model: ReadModel | undefined
  readonly serving: Serving | undefined
  /** From now on this one serves. */
  serve(serving: Serving): void
  /** After a switch: the new generation goes on by itself, what nobody needs any more is deleted. */
  settle(model: ReadModel, made: GenerationRunner, before: Generation): Promise<void>
  restart(runner: GenerationRunner | undefined): Promise<void>
}

/** Builds generations of one projector, one at a time. */
export class ProjectorBuilds {
  readonly #surroundings: Surroundings
  readonly #descriptor: ProjectorDescriptor
  readonly #site: BuildSite
  #running: RunningBuild | undefined

  constructor(surroundings: Surroundings, descriptor: ProjectorDescriptor, site: BuildSite) {
    this.#surroundings = surroundings
    this.#descriptor = descriptor
    this.#site = site
  }

  /** The one under construction. */
  get running(): RunningBuild | undefined {
    return this.#running
  }

  /** Errors: `REBUILD_RUNNING`, `PROJECTOR_NOT_STARTED`, those of `rebuild`. */
  async build(build: Build, listener: ProgressListener): Promise<RebuildReport> {
    const { name } = this.#descriptor
    const earlier = this.#running
    if (earlier?.hasSwitched === false) throw fail('REBUILD_RUNNING', `projector ${name} is being rebuilt already`)
    const running = new RunningBuild(build.options)
    this.#running = running
    try {
      // What it has made serves already, and is being put in order.
      await earlier?.ended
      if (running.abort.signal.aborted)
        throw fail('PROJECTIONS_CLOSED', `the rebuild of ${name} was stopped before it began`)
      return await this.#build(build, running, (progress) => {
        running.progress = progress
        listener(progress)
      })
    } finally {
      if (this.#running === running) this.#running = undefined
      running.end()
    }
  }

  /** Ends the one that is running and deletes what there is of it. Errors: `REBUILD_MISSING`. */
  async cancel(): Promise<void> {
    const running = this.#running
    if (running === undefined || running.hasSwitched) throw this.#missing('is not being rebuilt')
    running.cancel()
    await running.ended
  }

  /** Lets a verified generation serve. Errors: `REBUILD_MISSING`. */
  async swap(): Promise<void> {
    const running = this.#running
    if (running?.isReady !== true) throw this.#missing('has no generation that is ready')
    running.giveRelease()
    await running.ended
  }

  /** Ends the one that is running; the next start goes on with it. */
  async stop(): Promise<void> {
    this.#running?.abort.abort()
    await this.#running?.ended
  }

  async #build(build: Build, running: RunningBuild, listener: ProgressListener): Promise<RebuildReport> {
    const { name: projector, version, topics } = this.#descriptor
    const { verification, options } = build
    const { model, serving: before } = this.#site
    if (model === undefined || before === undefined)
      throw fail('PROJECTOR_NOT_STARTED', `projector ${projector} has no read model yet`)
    const throttle = this.#throttleOf(options)
    const record = build.record === 'new' ? await model.createGeneration(version) : build.record
    const generation = await model.openGeneration(record.generation)
    const made = new GenerationRunner(this.#surroundings, this.#descriptor, generation, { throttle })
    // What goes back need not keep level with what is given up; that only stands still.
    const live = verification === 'none' ? undefined : before.runner
    if (verification === 'none') await before.runner?.stop()
    const { release, abort } = running
    const switched = (): void => this.#site.serve({ generation, runner: made })
    const task = { projector, topics, model, made, live, before: before.generation, listener, switched }
    const rest = { surroundings: this.#surroundings, descriptor: this.#descriptor, verification, release }
    try {
      const report = await rebuild({ ...task, ...rest, signal: abort.signal })
      await this.#site.settle(model, made, before.generation)
      return report
    } catch (error) {
      await generation.close()
      if (running.cancelled && record.status === 'building') await model.drop(record.generation)
      if (!abort.signal.aborted || running.cancelled) await this.#site.restart(before.runner)
      throw error
    }
  }

  #throttleOf({ eventsPerSecondMax }: RebuildOptions): Throttle | undefined {
    return eventsPerSecondMax === undefined ? undefined : new Throttle(this.#surroundings.clock, eventsPerSecondMax)
  }

  #missing(why: string): Error {
    return fail('REBUILD_MISSING', `projector ${this.#descriptor.name} ${why}`)
  }
}
