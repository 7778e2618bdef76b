import { pauseFor } from '../clock.ts'
import type { HostedProjector } from '../effects.ts'
import { fail, textOf } from '../errors.ts'
import { ProjectorHost } from '../projector-host.ts'
import type { ReadModelStore } from '../read-model-store.ts'
import type { Progress, ProgressListener } from '../rebuild/progress.ts'
import type { Surroundings } from '../runner/surroundings.ts'
import { RebuildNotes } from './rebuild-notes.ts'
import type { SharedReadModel, Sight } from './shared-read-model.ts'
import type { SharingSettings } from './sharing-options.ts'

export interface LeadershipOptions {
  readonly surroundings: Surroundings
  readonly store: ReadModelStore
  readonly model: SharedReadModel
  readonly descriptor: HostedProjector
  readonly listener: ProgressListener
  readonly settings: SharingSettings
}

/**
 * What concerns a projector as a whole: takes everything over as a process does that shares with nobody, does the work,
 * gives it back. Meanwhile it shows how far a rebuild is, and does what other processes ask of it.
 */
export class Leadership {
  readonly #options: LeadershipOptions
  #host: ProjectorHost | undefined
  #work: { readonly whole: Promise<unknown>; readonly stopping: AbortController } | undefined
  #isObeying = false

  constructor(options: LeadershipOptions) {
    this.#options = options
  }

  /** The projector as a whole, while this process has it. */
  get host(): ProjectorHost | undefined {
    return this.#host
  }

  /** Errors: `PROJECTOR_LED`, those of the work. */
  async lead<Result>(work: (host: ProjectorHost) => Promise<Result>): Promise<Result> {
    const { instanceId } = this.#options.settings
    if (this.#work !== undefined) throw this.#led(instanceId)
    const stopping = new AbortController()
    const whole = this.#lead(work, stopping.signal)
    this.#work = { whole: whole.catch(() => {}), stopping }
    try {
      return await whole
    } finally {
      this.#work = undefined
    }
  }

  /** Does what another process has asked of the one that rebuilds, if it is this one. */
  obey({ leader, rebuild }: Sight): void {
    const { model, settings, surroundings, descriptor } = this.#options
    const host = this.#host
    if (host === undefined || leader !== settings.instanceId || rebuild?.asked === undefined || this.#isObeying) return
    this.#isObeying = true
    const order = rebuild.asked
    const { log } = surroundings
    const say = (what: string) => (error: unknown) =>
      log('warn', what, { projector: descriptor.name, order, error: textOf(error) })
    void (order === 'swap' ? host.swap() : host.cancelRebuild())
      .catch(say('what another process asked of a rebuild cannot be done'))
      .then(() => model.answered(settings.instanceId))
      .catch(say('another process cannot be told that a rebuild has done what it asked'))
      .finally(() => (this.#isObeying = false))
  }

  /** Ends what is under way; a rebuild is gone on with at the next start. */
  async stop(): Promise<void> {
    this.#work?.stopping.abort()
    await this.#host?.close()
    await this.#work?.whole
  }

  async #lead<Result>(work: (host: ProjectorHost) => Promise<Result>, stopping: AbortSignal): Promise<Result> {
    const { model, surroundings, settings, store, descriptor, listener } = this.#options
    const { instanceId, sessionTimeoutMs, lookEveryMs: everyMs } = settings
    if (!(await model.lead(instanceId, sessionTimeoutMs))) throw this.#led((await model.look())?.leader)
    const write = (progress: Progress): Promise<void> => model.showRebuild(instanceId, progress)
    const notes = new RebuildNotes({ clock: surroundings.clock, everyMs, write })
    const host = new ProjectorHost(surroundings, store, descriptor, (progress) => {
      // A first start makes progress, too, and is no rebuild.
      if (host.status.rebuild === progress) notes.note(progress)
      listener(progress)
    })
    this.#host = host
    const ended = new AbortController()
    const renewing = this.#renew(host, ended.signal)
    try {
      await host.start({ asked: true })
      const { error } = host.status
      if (error !== undefined) throw error
      if (stopping.aborted) throw fail('PROJECTIONS_CLOSED', `projector ${descriptor.name} was closed`)
      return await work(host)
    } finally {
      ended.abort()
      await Promise.all([renewing, notes.end()])
      await host.close()
      await model.resign(instanceId).catch(() => {})
      this.#host = undefined
    }
  }

  /** A lead that could not be renewed is over: the rows refuse what comes late. */
  async #renew(host: ProjectorHost, ended: AbortSignal): Promise<void> {
    const { model, surroundings, settings } = this.#options
    while (!ended.aborted) {
      await pauseFor(surroundings.clock, settings.sessionTimeoutMs / 4, ended)
      if (ended.aborted) return
      const isKept = await model.lead(settings.instanceId, settings.sessionTimeoutMs).catch(() => true)
      if (!isKept) return void host.stop()
    }
  }

  #led(leader: string | undefined): Error {
    const { name: projector } = this.#options.descriptor
    const who = leader === undefined ? 'another process' : `the process ${leader}`
    return fail('PROJECTOR_LED', `${who} has projector ${projector} as a whole`, { details: { projector, leader } })
  }
}
