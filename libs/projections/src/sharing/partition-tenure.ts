import type { OwnershipGrant, PartitionOwner } from '@keyfold/event-store'
import { pauseFor } from '../clock.ts'
import type { HostedProjector } from '../effects.ts'
import { hasCode } from '../errors.ts'
import { GenerationRunner } from '../runner/generation-runner.ts'
import type { PartitionProgress, ProgressObserver } from '../runner/partition-progress.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import { activeOf, type SharedReadModel, type Sight } from './shared-read-model.ts'

export interface PartitionTenureOptions {
  readonly surroundings: Surroundings
  readonly descriptor: HostedProjector
  readonly model: SharedReadModel
  /** The same number of every topic that the projector reads. */
  readonly partition: number
  readonly grant: OwnershipGrant
  /** Hears of every move, for the generation that is applied. */
  readonly observe: (generation: number) => ProgressObserver
}

/** Between two attempts to enter, in milliseconds; a look at the store that shows something new ends it. */
const againMs = 100

/**
 * Applies one partition number for as long as it is this process's: enters with a new owner epoch, goes on from the
 * stored checkpoint, and enters anew after somebody else has been there. A halted partition stays halted until the
 * store says no more that it is, which is what a command to start it again does.
 */
export class PartitionTenure implements PartitionOwner {
  readonly #options: PartitionTenureOptions
  #runner: GenerationRunner | undefined
  #halted: { readonly generation: number; readonly toldAt: number } | undefined
  #looks = 0
  #ended = false
  #nap = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: PartitionTenureOptions) {
    this.#options = options
  }

  /** The one that is applied; undefined while none is. */
  get generation(): number | undefined {
    return this.#runner?.generation.generation
  }

  get progress(): readonly PartitionProgress[] {
    return this.#runner?.progress ?? []
  }

  async start(): Promise<void> {
    this.#running = this.#run()
  }

  /** The transaction that is under way is finished, or its loss is noticed by the next owner. */
  async release(): Promise<void> {
    this.#ended = true
    this.#nap.abort()
    await this.#runner?.stop()
    await this.#running
  }

  close(): Promise<void> {
    return this.release()
  }

  /** Takes the news: another generation serves, the projector is paused or led, a halted partition may go on. */
  see(sight: Sight): void {
    this.#looks++
    const serving = activeOf(sight)
    const runs = this.generation
    if (runs !== undefined && (serving?.generation !== runs || sight.leader !== undefined || sight.record.paused))
      this.#runner?.stop().catch(() => {})
    const { partition } = this.#options
    const isHalted = sight.partitions.some((each) => each.partition === partition && each.halted !== undefined)
    // A look that was begun before the halt was noted says nothing about it.
    const isNews = this.#halted !== undefined && this.#looks > this.#halted.toldAt + 1
    if (isNews && !isHalted) this.#halted = undefined
    this.#nap.abort()
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      if (this.#halted === undefined)
        try {
          await this.#serve()
        } catch (error) {
          this.#options.surroundings.log('warn', 'a partition cannot be taken over yet', this.#place(error))
        }
      if (this.#ended) return
      this.#nap = new AbortController()
      await pauseFor(this.#options.surroundings.clock, againMs, this.#nap.signal)
    }
  }

  async #serve(): Promise<void> {
    const { surroundings, descriptor, model, partition, grant, observe } = this.#options
    if (!(await grant.holds())) return
    const entered = await model.enter()
    const { generations } = (await entered?.record()) ?? { generations: [] }
    const active = generations.find(({ status }) => status === 'active')
    if (entered === undefined || active?.version !== descriptor.version || this.#ended) return
    const generation = await entered.openGeneration(active.generation)
    const isOwn = (each: { readonly partition: number }): boolean => each.partition === partition
    const runner = new GenerationRunner(surroundings, descriptor, generation, { isOwn })
    runner.observe(observe(generation.generation))
    this.#runner = runner
    try {
      await runner.start()
      if (this.#ended) await runner.stop()
      await runner.ended()
      await this.#tell(runner)
    } finally {
      this.#runner = undefined
      await generation.close()
    }
  }

  /** What another owner did is no halt: this one enters anew, if the partition is still its own. */
  async #tell(runner: GenerationRunner): Promise<void> {
    const { generation } = runner.generation
    for (const { error, ...partition } of runner.progress) {
      if (error === undefined || hasCode(error, 'CHECKPOINT_FENCED')) continue
      await this.#options.model.setHalted(generation, partition, String(error))
      this.#halted = { generation, toldAt: this.#looks }
    }
  }

  #place(error: unknown): Readonly<Record<string, unknown>> {
    const { descriptor, partition } = this.#options
    return { projector: descriptor.name, partition, error: String(error) }
  }
}
