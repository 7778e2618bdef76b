import type { EventCodec } from '@keyfold/event-store'
import { type DescribedClass, descriptorOf, type ProjectorDescriptor, refuseDuplicates } from '@keyfold/eventsourcing'
import type { KafkaClient, Offset } from '@keyfold/kafka'
import { type Clock, systemClock } from './clock.ts'
import { debug, type DebugReport } from './debug/debug.ts'
import type { DebugRange } from './debug/debug-range.ts'
import { effectsName, effectsOf, type HostedProjector } from './effects.ts'
import { fail, hasCode } from './errors.ts'
import type { Log } from './log.ts'
import type { ParkedEvent, ParkedSelection } from './parking.ts'
import { type Hosted, ProjectorHost } from './projector-host.ts'
import type { ProjectorStatus } from './projector-status.ts'
import type { ReadModelStore } from './read-model-store.ts'
import type { ProgressListener } from './rebuild/progress.ts'
import type { RebuildReport } from './rebuild/rebuild.ts'
import type { RebuildOptions } from './rebuild/running-build.ts'
import { type BatchLimits, DEFAULT_BATCH, type Surroundings } from './runner/surroundings.ts'
import type { RetryReport } from './runner/partition-parking.ts'
import { SharedHost } from './sharing/shared-host.ts'
import { type Sharing, sharingSettings } from './sharing/sharing-options.ts'
import { DEFAULT_RETRY, type RetryPolicy } from './runner/trouble.ts'
import { Turns } from './runner/turns.ts'

export interface ProjectionsOptions {
  readonly kafka: KafkaClient
  /** The events of the topics must be registered with it before the projectors start. */
  readonly codec: EventCodec
  readonly projectors: readonly (ProjectorDescriptor | DescribedClass)[]
  /** By the names that projectors use. */
  readonly stores: Readonly<Record<string, ReadModelStore>>
  readonly clock?: Clock
  readonly logger?: Log
  readonly batch?: Partial<BatchLimits>
  readonly retry?: Partial<RetryPolicy>
  /**
   * Other processes do the same work: they share the partitions of every projector whose store several processes can
   * share. Needs a client with groups. Left out: this process applies everything.
   */
  readonly sharing?: Sharing
}

/** The read side of one application in one process. */
export interface Projections {
  /**
   * Starts every projector but the manual ones that were never started, and goes on with rebuilds: of a raised version,
   * or unfinished. Resolves when they are running, not when they have caught up. A projector that cannot start is
   * `failed` in `status()` and does not hold up the others. Errors: `READ_MODEL_UNWRITABLE`, `READ_MODEL_CORRUPT`.
   */
  start(): Promise<void>
  /**
   * Starts one projector, for good if it is a manual one, and again if it has failed. Resolves when it has passed what
   * was the end at the call. Errors: `PROJECTOR_UNKNOWN`, `PROJECTOR_PAUSED`, and what makes it fail on its way.
   */
  startProjector(name: string, options?: ProgressOptions): Promise<ProjectorStatus>
  /**
   * Builds it anew from offset zero beside the serving generation, compares the two, switches over.
   * Errors: `PROJECTOR_UNKNOWN`, `PROJECTOR_NOT_STARTED`, `PROJECTOR_PAUSED`, `REBUILD_RUNNING`, `VERIFICATION_FAILED`,
   * and what halts it.
   */
  rebuild(name: string, options?: ProgressOptions & RebuildOptions): Promise<RebuildReport>
  /**
   * Ends a rebuild and deletes what there is of it, whichever of the processes that share the projector is at it.
   * Errors: `PROJECTOR_UNKNOWN`, `REBUILD_MISSING`.
   */
  cancelRebuild(name: string): Promise<void>
  /**
   * Lets a generation serve that was built with `switch: 'manual'`, here or in a process that shares the projector.
   * Errors: `PROJECTOR_UNKNOWN`, `REBUILD_MISSING`; `VERIFICATION_FAILED` when another process has found it wrong.
   */
  swap(name: string): Promise<void>
  /**
   * Goes back to the generation that served before, which catches up first. Its version has to be the code's: after a
   * raised version, deploy the old code, which goes back by itself.
   * Errors: `PROJECTOR_UNKNOWN`, `PROJECTOR_PAUSED`, `GENERATION_MISSING`, `REBUILD_RUNNING`.
   */
  rollBack(name: string, options?: ProgressOptions): Promise<RebuildReport>
  /** Deletes the generations that neither serve nor are being built, and answers how many. */
  dropOld(name: string): Promise<number>
  /** Stops a projector until it is resumed, beyond restarts. Its read model goes on answering. */
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  status(): readonly ProjectorStatus[]
  /** The topics that a projector reads. Errors: `PROJECTOR_UNKNOWN`. */
  topicsOf(name: string): readonly string[]
  /** The events that a projector has set aside, in the order of the log. Errors: `PROJECTOR_UNKNOWN`. */
  parked(name: string): Promise<readonly ParkedEvent[]>
  /**
   * Applies parked events, of all keys or of one, in the order of each key; a key whose last one goes through is free.
   * Errors: `PROJECTOR_UNKNOWN`, `PROJECTOR_NOT_STARTED`, `PROJECTOR_PAUSED`, `PROJECTOR_HALTED`.
   */
  retryParked(name: string, selection?: Pick<ParkedSelection, 'key'>): Promise<RetryReport>
  /**
   * Gives parked events up: the read model goes on without them, the log keeps them. Answers how many.
   * Errors: as for `retryParked`. @throws {TypeError} without a reason.
   */
  dropParked(name: string, selection: ParkedSelection, reason: string): Promise<number>
  /**
   * Applies events to rows that nobody serves and that are gone afterwards, and says what came of each: what its handlers
   * were given, which rows it changed, why it failed. Effects do not run. One at a time in a process.
   * Errors: `PROJECTOR_UNKNOWN`, `DEBUG_RANGE_INVALID`, `DEBUG_RUNNING`, `TOPIC_NOT_READ`, `TOPIC_MISSING`,
   * `HISTORY_MISSING`, `SCRATCH_MISSING`, `EFFECTS_NOT_REPEATED`, `SETUP_FAILED`.
   */
  debug(name: string, range?: DebugRange): Promise<DebugReport>
  /**
   * Waits until a projector has applied a position, for instance a command's. `timeout` means "not visible yet".
   * Errors: `PROJECTOR_UNKNOWN`, `TOPIC_NOT_READ`.
   */
  waitFor(name: string, position: LogPosition, options: { readonly deadlineMs: number }): Promise<'visible' | 'timeout'>
  /**
   * Resolves when what readers of committed events can see now is in the rows: of one projector, or of all that run. A
   * cluster may answer a commit a moment before readers see it, so a command's own events are waited for with `waitFor`.
   */
  caughtUp(name?: string): Promise<void>
  /** Queries on a read model: one handle for good, always on the serving generation. Use throws `PROJECTOR_NOT_STARTED`. */
  read<Handle>(name: string): Handle
  /** Hears of every rebuild and first start. Answers how to stop listening. */
  onProgress(listener: ProgressListener): () => void
  /** Applies no more until the next start; read models go on answering. For the first part of a shutdown. */
  stop(): Promise<void>
  /** Ends everything that was opened here; the Kafka client stays open. */
  close(): Promise<void>
}

export interface ProgressOptions {
  readonly onProgress?: ProgressListener | undefined
}

/** Where an event lies: with it read-your-writes is asked for. */
export interface LogPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: Offset
}

/**
 * Opens the read models; nothing runs until `start`.
 * Errors: `STORE_UNKNOWN`, `READ_MODEL_UNWRITABLE`, `READ_MODEL_CORRUPT`.
 */
export async function openProjections(options: ProjectionsOptions): Promise<Projections> {
  const { kafka, codec, clock = systemClock, logger: log = () => {}, stores } = options
  const batch = { ...DEFAULT_BATCH, ...options.batch }
  const retry = { ...DEFAULT_RETRY, ...options.retry }
  const turns = new Turns(batch.turnMsMax)
  const surroundings: Surroundings = { kafka, codec, clock, log, batch, retry, turns }
  const descriptors = options.projectors.flatMap((target) => {
    const descriptor = descriptorOf(target, 'projector')
    return [descriptor, effectsOf(descriptor) ?? []].flat()
  })
  refuseDuplicates(
    'an application has the projector',
    descriptors.map(({ name }) => name),
  )
  const used = new Map(descriptors.map((descriptor) => [descriptor.name, storeOf(stores, descriptor)]))
  for (const store of new Set(Object.values(stores))) await store.open()
  const detached = (await Promise.all(Object.values(stores).map((store) => store.projectors()))).flat()
  return new OpenProjections(surroundings, descriptors, used, {
    stored: [...new Set(detached)],
    sharing: options.sharing,
  })
}

function storeOf(stores: ProjectionsOptions['stores'], { name, store }: ProjectorDescriptor): ReadModelStore {
  const found = stores[store]
  if (found === undefined)
    throw fail(
      'STORE_UNKNOWN',
      `projector ${name} wants the store "${store}"; there is ${Object.keys(stores).join(', ')}`,
    )
  return found
}

interface HostParts {
  readonly surroundings: Surroundings
  readonly store: ReadModelStore
  readonly descriptor: HostedProjector
  readonly listener: ProgressListener
  readonly sharing: Sharing | undefined
}

function hostOf({ sharing, ...parts }: HostParts): Hosted {
  const { surroundings, store, descriptor, listener } = parts
  const { groups } = surroundings.kafka
  const model = sharing === undefined ? undefined : store.share?.(descriptor.name)
  if (sharing === undefined || model === undefined || groups === undefined)
    return new ProjectorHost(surroundings, store, descriptor, listener)
  return new SharedHost({ ...parts, model, groups, settings: sharingSettings(sharing) })
}

class OpenProjections implements Projections {
  readonly #hosts: ReadonlyMap<string, Hosted>
  readonly #stores: ReadonlyMap<string, ReadModelStore>
  readonly #stored: readonly string[]
  /** Applies nothing, and reads what other processes have applied. */
  readonly #isReader: boolean
  readonly #listeners = new Set<ProgressListener>()
  readonly #surroundings: Surroundings
  readonly #closing = new AbortController()
  #debugging: Promise<unknown> | undefined

  constructor(
    surroundings: Surroundings,
    descriptors: readonly HostedProjector[],
    stores: ReadonlyMap<string, ReadModelStore>,
    { stored, sharing }: { readonly stored: readonly string[]; readonly sharing: Sharing | undefined },
  ) {
    const listener: ProgressListener = (progress) => this.#listeners.forEach((each) => each(progress))
    const hosts = descriptors.flatMap((descriptor) => {
      const store = stores.get(descriptor.name)
      // What an effect did is noted before the next one begins.
      const batch = { ...surroundings.batch, ...(descriptor.isLiveOnly === true && { recordsMax: 1 }) }
      return store === undefined
        ? []
        : hostOf({ surroundings: { ...surroundings, batch }, store, descriptor, listener, sharing })
    })
    this.#surroundings = surroundings
    this.#hosts = new Map(hosts.map((host) => [host.descriptor.name, host]))
    this.#stores = stores
    this.#stored = stored
    this.#isReader = sharing?.role === 'api'
  }

  async start(): Promise<void> {
    for (const host of this.#hosts.values()) {
      if (this.#isReader && host instanceof ProjectorHost) continue
      await host.start({ asked: false })
      const { error } = host.status
      if (hasCode(error, 'READ_MODEL_UNWRITABLE') || hasCode(error, 'READ_MODEL_CORRUPT')) throw error
    }
  }

  async startProjector(name: string, { onProgress = () => {} }: ProgressOptions = {}): Promise<ProjectorStatus> {
    const host = this.#host(name)
    await this.#hosts.get(effectsName(name))?.start({ asked: true })
    await host.startAndCatchUp(onProgress)
    return host.status
  }

  async rebuild(name: string, options: ProgressOptions & RebuildOptions = {}): Promise<RebuildReport> {
    const { onProgress = () => {}, ...rest } = options
    return await this.#host(name).rebuild(onProgress, rest)
  }

  async cancelRebuild(name: string): Promise<void> {
    await this.#host(name).cancelRebuild()
  }

  async swap(name: string): Promise<void> {
    await this.#host(name).swap()
  }

  async rollBack(name: string, { onProgress = () => {} }: ProgressOptions = {}): Promise<RebuildReport> {
    return await this.#host(name).rollBack(onProgress)
  }

  async dropOld(name: string): Promise<number> {
    return await this.#host(name).dropOld()
  }

  async pause(name: string): Promise<void> {
    for (const host of this.#withEffects(name)) await host.setPaused(true)
  }

  async resume(name: string): Promise<void> {
    for (const host of this.#withEffects(name)) await host.setPaused(false)
  }

  status(): readonly ProjectorStatus[] {
    const attached = [...this.#hosts.values()].map((host) => host.status)
    return [...attached, ...this.#stored.filter((name) => !this.#hosts.has(name)).map(detachedStatus)]
  }

  topicsOf(name: string): readonly string[] {
    return this.#host(name).descriptor.topics
  }

  async parked(name: string): Promise<readonly ParkedEvent[]> {
    return await this.#host(name).parked()
  }

  async retryParked(name: string, selection: Pick<ParkedSelection, 'key'> = {}): Promise<RetryReport> {
    return await this.#host(name).retryParked(selection)
  }

  async dropParked(name: string, selection: ParkedSelection, reason: string): Promise<number> {
    if (reason.trim() === '') throw new TypeError('dropParked: say why, for whoever misses these events later')
    return await this.#host(name).dropParked(selection, reason)
  }

  async debug(name: string, range: DebugRange = {}): Promise<DebugReport> {
    const { descriptor } = this.#host(name)
    if (this.#debugging !== undefined) throw fail('DEBUG_RUNNING', 'events are being tried already in this process')
    const what = { surroundings: this.#surroundings, descriptor, store: this.#stores.get(name) }
    const trying = debug({ ...what, signal: this.#closing.signal }, range)
    this.#debugging = trying.catch(() => {})
    try {
      return await trying
    } finally {
      this.#debugging = undefined
    }
  }

  async waitFor(
    name: string,
    { topic, partition, offset }: LogPosition,
    { deadlineMs }: { readonly deadlineMs: number },
  ): Promise<'visible' | 'timeout'> {
    return await this.#host(name).waitFor({ topic, partition }, offset, deadlineMs)
  }

  async caughtUp(name?: string): Promise<void> {
    if (name !== undefined) return await this.#host(name).caughtUp()
    const running = [...this.#hosts.values()].filter(({ started, status }) => started && status.state !== 'paused')
    await Promise.all(running.map((host) => host.caughtUp()))
  }

  read<Handle>(name: string): Handle {
    const host = this.#host(name)
    return this.#stores.get(name)?.handle(() => host.generation) as Handle
  }

  onProgress(listener: ProgressListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#hosts.values()].map((host) => host.stop()))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#debugging
    await Promise.all([...this.#hosts.values()].map((host) => host.close()))
    for (const store of new Set(this.#stores.values())) await store.close()
  }

  #withEffects(name: string): readonly Hosted[] {
    return [this.#host(name), this.#hosts.get(effectsName(name)) ?? []].flat()
  }

  #host(name: string): Hosted {
    const host = this.#hosts.get(name)
    if (host !== undefined) return host
    const known = [...this.#hosts.keys()].join(', ')
    throw fail('PROJECTOR_UNKNOWN', `there is no projector ${name}${known === '' ? '' : `, only ${known}`}`)
  }
}

function detachedStatus(projector: string): ProjectorStatus {
  const nothing = { version: undefined, generation: undefined, servingVersion: undefined, error: undefined }
  return { projector, ...nothing, state: 'detached', partitions: [], rebuild: undefined }
}
