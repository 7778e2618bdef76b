import type { Fate, MemoryFiles, PendingChange } from '@keyfold/storage'
import { problemsAfterCrash } from './after-recovery.ts'
import { recovering, watchRecoveries } from './recorded-states.ts'
import { Scene, type SceneShape, smallShape } from './scene.ts'
import type { Step } from './steps-logs.ts'

/** A script that is cut short at its file operations. */
export interface Workload {
  readonly name: string
  readonly steps: readonly Step[]
  readonly shape?: Partial<SceneShape>
}

export interface CrashLaneOptions {
  /** Only every so many file operations, from the first one that `seed` says, and only a few fates there. */
  readonly sample?: { readonly every: number; readonly seed: number }
  /** Ends the run at the first crash that does harm. */
  readonly stopsAtFirst?: boolean
}

export interface CrashLaneResult {
  /** File operations of the script. */
  readonly operations: number
  readonly crashes: number
  /** What went wrong, with the crash it followed. */
  readonly problems: readonly string[]
}

/**
 * Runs a script once. After each of its file operations the world stands still: power is cut on copies of the disk, with
 * every fate of what is pending (all kept, all lost, all torn, each one alone lost or torn), and what the next process
 * finds there is compared with what clients were told until then.
 */
export async function runCrashLane(workload: Workload, options: CrashLaneOptions = {}): Promise<CrashLaneResult> {
  const lane = new CrashLane(workload, options)
  const stopWatching = watchRecoveries()
  try {
    return await lane.run()
  } finally {
    stopWatching()
  }
}

class CrashLane {
  readonly #workload: Workload
  readonly #options: CrashLaneOptions
  readonly #problems: string[] = []
  #operations = 0
  #crashes = 0

  constructor(workload: Workload, options: CrashLaneOptions) {
    this.#workload = workload
    this.#options = options
  }

  async run(): Promise<CrashLaneResult> {
    const { steps, shape, name } = this.#workload
    const scene = new Scene({ ...smallShape, ...shape }, (files) => this.#watch(files, () => scene))
    await scene.open()
    for (const [index, step] of steps.entries()) {
      await step(scene).catch((cause: unknown) => {
        throw new Error(`${name}, step ${index + 1}: ${String(cause)}`, { cause })
      })
      if (this.#isOver) break
    }
    // What the last operation left, too.
    await scene.files.sizeOf('')
    if (!this.#isOver) await scene.broker.close()
    return { operations: this.#operations, crashes: this.#crashes, problems: this.#problems }
  }

  get #isOver(): boolean {
    return this.#options.stopsAtFirst === true && this.#problems.length > 0
  }

  get #isPoint(): boolean {
    const { sample } = this.#options
    return sample === undefined || (this.#operations + sample.seed) % sample.every === 0
  }

  /** One operation happens at a time, and in between everything comes to rest. */
  #watch(files: MemoryFiles, scene: () => Scene): void {
    let queue: Promise<void> = Promise.resolve()
    let seen = 0
    const visit = async (): Promise<void> => {
      await atRest()
      if (files.operations === seen) return
      seen = files.operations
      this.#operations += 1
      if (this.#isPoint && !this.#isOver) await this.#crashHere(files, scene())
    }
    files.pacedBy(() => {
      queue = queue.then(visit)
      return queue
    })
  }

  /** Of a sample all kept, all lost, and one of the others. */
  #fates(pending: readonly PendingChange[]): [string, FateOf][] {
    const { sample } = this.#options
    const [kept, lost, ...others] = fates(pending)
    if (sample === undefined || kept === undefined || lost === undefined) return fates(pending)
    const other = others[Math.floor((this.#operations + sample.seed) / sample.every) % Math.max(1, others.length)]
    return other === undefined ? [kept, lost] : [kept, lost, other]
  }

  async #crashHere(files: MemoryFiles, scene: Scene): Promise<void> {
    for (const [what, fate] of this.#fates(files.pending)) {
      this.#crashes += 1
      const disk = files.clone().crash(fate)
      // The script may be about to recover itself: what happens here is none of its business.
      const found = await recovering(
        () => {},
        () => problemsAfterCrash(disk, scene),
      ).catch((error: unknown) => [`recovery: ${error instanceof Error ? error.stack : String(error)}`])
      const where = `${this.#workload.name}, operation ${this.#operations}, ${what}`
      this.#problems.push(...found.map((problem) => `${problem}\n    (${where})`))
      if (this.#isOver) return
    }
  }
}

/** Until all that follows from the last operation has happened. */
function atRest(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

type FateOf = (change: PendingChange, index: number) => Fate

/** All kept, all lost, all torn; each pending change alone lost or torn. */
function fates(pending: readonly PendingChange[]): [string, FateOf][] {
  if (pending.length === 0) return [['nothing pending', () => 'keep']]
  const all: [string, FateOf][] = [
    ['all kept', () => 'keep'],
    ['all lost', () => 'drop'],
  ]
  const { length } = pending
  for (const [index, { kind }] of pending.entries()) {
    // With one change, to lose it alone is to lose all.
    if (length > 1) all.push([`change ${index} of ${length} lost`, (_change, at) => (at === index ? 'drop' : 'keep')])
    if (kind === 'write') {
      all.push([`change ${index} of ${length} torn`, (_change, at) => (at === index ? 'torn' : 'keep')])
    }
  }
  return all
}
