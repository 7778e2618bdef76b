import { OwnedPartitions, RoutingTable } from '@keyfold/event-store'
import type { KafkaGroups } from '@keyfold/kafka'
import { pauseFor } from '../clock.ts'
import type { HostedProjector } from '../effects.ts'
import { fail, isOutage, textOf } from '../errors.ts'
import type { ParkedEvent, ParkedSelection } from '../parking.ts'
import type { Hosted, ProjectorHost } from '../projector-host.ts'
import { partitionStatus, type ProjectorStatus, stateOf } from '../projector-status.ts'
import type { Generation, TopicPartition } from '../read-model-store.ts'
import type { ProgressListener } from '../rebuild/progress.ts'
import type { RebuildReport } from '../rebuild/rebuild.ts'
import type { RebuildOptions } from '../rebuild/running-build.ts'
import { type Ends, endsOf } from '../runner/ends.ts'
import type { RetryReport } from '../runner/partition-parking.ts'
import { type PartitionProgress, partitionKey, type ProgressObserver } from '../runner/partition-progress.ts'
import { PositionWatch } from '../runner/position-watch.ts'
import { partitionsOf, refuseOtherTopic } from '../runner/topic-partitions.ts'
import { WriteLane } from '../stores/write-lane.ts'
import { Leadership, type LeadershipOptions } from './leadership.ts'
import { PartitionTenure } from './partition-tenure.ts'
import { askForRebuild } from './rebuild-order.ts'
import { activeOf, rebuildOf, type RebuildOrder, type Sight } from './shared-read-model.ts'
import { projectorsGroup } from './sharing-options.ts'

export interface SharedHostOptions extends LeadershipOptions {
  readonly groups: KafkaGroups
}

/** How often the store is asked while somebody waits for a position, in milliseconds. */
const waitingMs = 10

/**
 * One projector of which other processes have a share, too. Its group says which partitions are applied here. What
 * concerns the projector as a whole (a first start, a rebuild, pausing, parked events) one process does alone: it leads,
 * that is, it takes everything over as a process does that shares with nobody, and gives it back.
 */
export class SharedHost implements Hosted {
  readonly descriptor: HostedProjector
  readonly #options: SharedHostOptions
  readonly #watch = new PositionWatch()
  #sight: Sight | undefined
  #ends: Ends = new Map()
  #endsAtMs = Number.NEGATIVE_INFINITY
  #serving: Generation | undefined
  #owned: OwnedPartitions<PartitionTenure> | undefined
  readonly #leadership: Leadership
  #shown = ''
  #error: Error | undefined
  #buildFailed = false
  #caughtUp = false
  #asked = false
  #waits = 0
  #isRunning = false
  #isStopped = false
  readonly #ticks = new WriteLane()
  readonly #looks = new WriteLane()
  #nap = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor(options: SharedHostOptions) {
    this.#options = options
    this.descriptor = options.descriptor
    this.#leadership = new Leadership(options)
  }

  get started(): boolean {
    return this.#serving !== undefined
  }

  get status(): ProjectorStatus {
    const whole = this.#leadership.host
    if (whole !== undefined) return whole.status
    const { name: projector, version } = this.descriptor
    const { record, leader } = this.#sight ?? {}
    const seen = this.#seen()
    const error = this.#error ?? seen.find((each) => each.error !== undefined)?.error
    const rebuilding = leader !== undefined && record?.generations.some(({ status }) => status === 'building') === true
    const paused = record?.paused ?? false
    return {
      projector,
      version,
      generation: this.#serving?.generation,
      servingVersion: this.#serving?.version,
      state: stateOf({ serving: this.started, paused, caughtUp: this.#caughtUp, rebuilding, error }),
      error,
      partitions: seen.map(partitionStatus),
      rebuild: rebuildOf(this.#sight),
    }
  }

  /** Errors: `PROJECTOR_NOT_STARTED`. */
  get generation(): Generation {
    if (this.#serving === undefined) throw this.#notStarted()
    return this.#serving
  }

  async start({ asked }: { readonly asked: boolean }): Promise<void> {
    this.#asked ||= asked
    this.#isStopped = false
    this.#error = undefined
    this.#buildFailed = false
    await this.#tick()
    if (this.#isRunning) return
    this.#isRunning = true
    this.#loop = this.#run()
  }

  async startAndCatchUp(listener: ProgressListener): Promise<void> {
    // Whoever leads enters everywhere: what had halted in another process goes on, too.
    await this.#lead((host) => host.startAndCatchUp(listener))
    await this.start({ asked: true })
    await this.caughtUp()
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.#lead((host) => host.setPaused(paused))
  }

  async rebuild(listener: ProgressListener, options: RebuildOptions): Promise<RebuildReport> {
    return await this.#lead((host) => host.rebuild(listener, options))
  }

  /** Whichever process builds. Errors: `REBUILD_MISSING`. */
  async cancelRebuild(): Promise<void> {
    await (this.#leadership.host?.cancelRebuild() ?? this.#ask('cancel'))
  }

  /** Whichever process builds. Errors: `REBUILD_MISSING`, `VERIFICATION_FAILED`. */
  async swap(): Promise<void> {
    await (this.#leadership.host?.swap() ?? this.#ask('swap'))
  }

  async rollBack(listener: ProgressListener): Promise<RebuildReport> {
    return await this.#lead((host) => host.rollBack(listener))
  }

  async dropOld(): Promise<number> {
    return await this.#lead((host) => host.dropOld())
  }

  async parked(): Promise<readonly ParkedEvent[]> {
    return (await this.#serving?.parked()) ?? []
  }

  async retryParked(selection: ParkedSelection): Promise<RetryReport> {
    return await this.#lead((host) => host.retryParked(selection))
  }

  async dropParked(selection: ParkedSelection, reason: string): Promise<number> {
    return await this.#lead((host) => host.dropParked(selection, reason))
  }

  async waitFor(partition: TopicPartition, offset: number, deadlineMs: number): Promise<'visible' | 'timeout'> {
    refuseOtherTopic(this.descriptor, partition.topic)
    return await this.#waiting(() =>
      this.#watch.within({ partition, position: offset + 1 }, this.#options.surroundings.clock, deadlineMs),
    )
  }

  async caughtUp(): Promise<void> {
    const { name, topics } = this.descriptor
    if (this.#sight?.record.paused === true) throw fail('PROJECTOR_PAUSED', `projector ${name} is paused`)
    if (this.#error !== undefined) throw this.#error
    if (this.#serving === undefined) throw this.#notStarted()
    const { kafka } = this.#options.surroundings
    const [partitions, ends] = [await partitionsOf(kafka, name, topics), await endsOf(kafka, topics)]
    await this.#waiting(() =>
      Promise.all(
        partitions.map((each) => {
          const end = ends.get(partitionKey(each)) ?? 0
          return this.#watch.reach(each, end, { failFast: true }).reached
        }),
      ),
    )
    this.#caughtUp = true
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#isRunning = false
    this.#nap.abort()
    await this.#leadership.stop()
    await this.#loop
    await this.#ticks.run(async () => {
      await this.#owned?.close(() => {})
      this.#owned = undefined
    })
  }

  async close(): Promise<void> {
    await this.stop()
    await this.#serving?.close()
    this.#serving = undefined
    this.#watch.abandon(fail('PROJECTIONS_CLOSED', `projector ${this.descriptor.name} was closed`))
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#nap = new AbortController()
      const { surroundings, settings } = this.#options
      await pauseFor(surroundings.clock, this.#waits > 0 ? waitingMs : settings.lookEveryMs, this.#nap.signal)
      if (this.#isRunning) await this.#tick()
    }
  }

  /** One after the other: a start that is asked for may meet the next look. */
  async #tick(): Promise<void> {
    await this.#ticks.run(() => this.#goOn())
  }

  async #goOn(): Promise<void> {
    const { log } = this.#options.surroundings
    try {
      await this.#look()
      const isLeading = this.#leadership.host !== undefined
      if (this.#owned === undefined && !isLeading && this.#error === undefined) await this.#begin()
      this.#buildIfWanted()
    } catch (error) {
      const { name: projector } = this.descriptor
      if (!isOutage(error) && !isPassing(error)) this.#error = error instanceof Error ? error : new Error(String(error))
      log('warn', 'a shared projector cannot go on yet', { projector, error: textOf(error) })
    }
  }

  /** What is not there yet is made by whoever comes first; then this process enters the group. */
  async #begin(): Promise<void> {
    const { settings, surroundings, descriptor, groups } = this.#options
    const { name, topics, version, start } = descriptor
    if (settings.role === 'api' || this.#isStopped) return
    if (start === 'manual' && this.#sight?.record.started !== true && !this.#asked) return
    while (activeOf(this.#sight) === undefined) {
      if (this.#isStopped) return
      await this.#makeFirst()
    }
    const partitions = await partitionsOf(surroundings.kafka, name, topics)
    const last = partitions.reduce((most, each) => (each.partition > most.partition ? each : most))
    const { model } = this.#options
    const observe = (generation: number): ProgressObserver => this.#observe(generation)
    this.#owned = new OwnedPartitions({
      groups,
      groupId: projectorsGroup(settings.application, name, version),
      topic: last.topic,
      partitions: last.partition + 1,
      self: { instanceId: settings.instanceId, url: '' },
      settings,
      table: new RoutingTable(),
      openWriter: (partition, grant) =>
        new PartitionTenure({ surroundings, descriptor, model, partition, grant, observe }),
      whenFree: (claim) => claim(),
      log: surroundings.log,
    })
  }

  /** What is in the rows of a generation is visible once queries ask that one: after a switch the next look tells. */
  #observe(generation: number): ProgressObserver {
    const moved = (progress: PartitionProgress): void => {
      if (generation === this.#serving?.generation) this.#watch.moved(progress)
    }
    return { moved, halted: moved }
  }

  async #makeFirst(): Promise<void> {
    try {
      await this.#lead(async () => {})
    } catch (error) {
      if (!isPassing(error)) throw error
      await pauseFor(this.#options.surroundings.clock, waitingMs)
      await this.#look()
    }
  }

  /** A raised version, or a generation that a process has left unfinished: the owner of partition 0 sees to it. */
  #buildIfWanted(): void {
    const { version } = this.descriptor
    const active = activeOf(this.#sight)
    const { generations = [], paused = false } = this.#sight?.record ?? {}
    const isBusy = this.#leadership.host !== undefined || this.#sight?.leader !== undefined || paused
    if (isBusy || this.#buildFailed || this.#owned?.writerOf(0) === undefined || active === undefined) return
    const own = generations.filter((each) => each.version === version)
    const isUnfinished = own.some(({ status }) => status === 'building') && active.version <= version
    if (!isUnfinished && (active.version >= version || own.some(({ status }) => status !== 'building'))) return
    this.#lead(async (host) => {
      const { clock } = this.#options.surroundings
      while (host.status.state === 'rebuilding') await pauseFor(clock, waitingMs)
      const { error } = host.status
      if (error !== undefined) throw error
    }).catch((error: unknown) => {
      this.#buildFailed = !isPassing(error) && !isOutage(error)
      const { name: projector } = this.descriptor
      this.#options.surroundings.log('error', 'a rebuild ended', { projector, error: String(error) })
    })
  }

  /** Errors: `PROJECTOR_LED`, those of the work. */
  async #lead<Result>(work: (host: ProjectorHost) => Promise<Result>): Promise<Result> {
    try {
      return await this.#leadership.lead(work)
    } finally {
      await this.#look().catch(() => {})
    }
  }

  async #ask(order: RebuildOrder): Promise<void> {
    const { model, surroundings, descriptor } = this.#options
    try {
      await askForRebuild(order, { projector: descriptor.name, model, clock: surroundings.clock })
    } finally {
      await this.#look().catch(() => {})
    }
  }

  /** One after the other: what was seen earlier must not be taken for news. */
  async #look(): Promise<void> {
    await this.#looks.run(() => this.#lookOnce())
  }

  async #lookOnce(): Promise<void> {
    const { model, surroundings, settings } = this.#options
    const nowMs = surroundings.clock.nowMs()
    if (nowMs - this.#endsAtMs >= settings.lookEveryMs) {
      this.#endsAtMs = nowMs
      this.#ends = await endsOf(surroundings.kafka, this.descriptor.topics)
    }
    const sight = await model.look()
    if (sight === undefined) return
    const active = activeOf(sight)
    if (active !== undefined && active.generation !== this.#serving?.generation)
      this.#serving = model.openForQueries(active)
    this.#sight = sight
    this.#leadership.obey(sight)
    this.#show(sight)
    for (const tenure of this.#owned?.owners.values() ?? []) tenure.see(sight)
    const seen = this.#seen()
    this.#caughtUp ||= seen.length > 0 && seen.every(({ position, endOffset }) => position >= endOffset)
    for (const progress of seen) {
      this.#watch.moved(progress)
      if (progress.error !== undefined) this.#watch.halted(progress)
    }
  }

  /** Tells of the rebuild that another process is at, whenever it has come further. */
  #show(sight: Sight): void {
    const progress = rebuildOf(sight)
    if (progress === undefined || sight.leader === this.#options.settings.instanceId) return
    const shown = JSON.stringify(progress)
    if (shown === this.#shown) return
    this.#shown = shown
    this.#options.listener(progress)
  }

  /** Every partition: as its runner says where the serving generation is applied here, else as it is stored. */
  #seen(): readonly PartitionProgress[] {
    const own = new Map<string, PartitionProgress>()
    const serving = activeOf(this.#sight)?.generation
    for (const tenure of this.#owned?.owners.values() ?? [])
      if (tenure.generation === serving)
        for (const progress of tenure.progress) own.set(partitionKey(progress), progress)
    return (this.#sight?.partitions ?? []).map((each) => {
      const key = partitionKey(each)
      const { topic, partition, position, parked, halted } = each
      const error = halted === undefined ? undefined : fail('PROJECTOR_HALTED', halted)
      const endOffset = Math.max(position, this.#ends.get(key) ?? 0)
      return own.get(key) ?? { topic, partition, position, endOffset, records: 0, parked, skipped: 0, error }
    })
  }

  async #waiting<Result>(wait: () => Promise<Result>): Promise<Result> {
    this.#waits++
    this.#nap.abort()
    try {
      return await wait()
    } finally {
      this.#waits--
    }
  }

  #notStarted(): Error {
    return fail('PROJECTOR_NOT_STARTED', `projector ${this.descriptor.name} has no read model yet`)
  }
}

/** Another process is at work on the whole projector or has just been, or Kafka is away: the next look may go better. */
const PASSING = new Set<unknown>([
  'PROJECTOR_LED',
  'CHECKPOINT_FENCED',
  'KAFKA_UNREACHABLE',
  'KAFKA_TIMEOUT',
  'BROKER_BUSY',
])

function isPassing(error: unknown): boolean {
  return PASSING.has((error as { readonly code?: unknown }).code)
}
