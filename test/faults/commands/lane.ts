import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../kafka/free-ports.ts'
import { seededRandom } from '../random.ts'
import { RegistryProcess } from '../registry/registry-process.ts'
import { topicsOf } from './aggregates.ts'
import type { AppSettings } from './app-main.ts'
import { AppProcess, type Said } from './app-process.ts'
import { Clients } from './clients.ts'
import type { FaultsCluster } from './clusters.ts'
import { FrameProxy } from './frame-proxy.ts'
import { History, type Recorded } from './history.ts'
import { readLog } from './log-reader.ts'

export const faults = [
  'kill',
  'pause',
  'cut request',
  'cut answer',
  'cut all',
  'hold end',
  'rebalance storm',
  'restart broker',
] as const

export type Fault = (typeof faults)[number]

export interface LaneOptions {
  readonly cluster: FaultsCluster
  readonly seed: number
  /** How many faults; each is one of `faults`, all of them in turn, in an order that the seed decides. */
  readonly rounds: number
  readonly processes: number
  readonly clients: number
  /** The name of a planted bug. */
  readonly plant?: string
  readonly faults?: readonly Fault[]
}

/** What happened in a run: a fault that never bit proves nothing. */
export type Coverage = Record<
  | 'commands told'
  | 'rejected'
  | 'calls without an answer'
  | 'unknown outcomes'
  | 'repeats recognised'
  | 'version conflicts'
  | 'batches fenced'
  | 'batches unknown'
  | 'claims'
  | 'take-overs'
  | 'killed'
  | 'paused'
  | 'frames cut'
  | 'ends held back'
  | 'late ends refused'
  | 'rebalance storms'
  | 'broker restarts',
  number
>

export interface LaneResult {
  readonly recorded: Recorded
  readonly coverage: Coverage
  /** What processes said went wrong inside. */
  readonly errors: readonly string[]
}

const sessionTimeoutMs = 1_500
const partitions = 4

/** A run: processes of the application behind proxies, clients, faults; then peace, and everything is read. */
export async function runCommandsLane(options: LaneOptions): Promise<LaneResult> {
  const lane = new Lane(options, await mkdtemp(join(tmpdir(), 'keyfold-commands-')))
  try {
    return await lane.run()
  } finally {
    await lane.end()
  }
}

interface Slot {
  readonly proxy: FrameProxy
  readonly settings: AppSettings
  app: AppProcess | undefined
}

class Lane {
  readonly #options: LaneOptions
  readonly #directory: string
  readonly #application: string
  readonly #random: () => number
  readonly #history = new History()
  readonly #slots: Slot[] = []
  readonly #said: Said[] = []
  readonly #counts = { killed: 0, paused: 0, storms: 0, restarts: 0 }
  #registry: RegistryProcess | undefined
  #isDone = false

  constructor(options: LaneOptions, directory: string) {
    this.#options = options
    this.#directory = directory
    this.#application = `faults-${options.seed}`
    this.#random = seededRandom(options.seed)
  }

  async run(): Promise<LaneResult> {
    const { cluster, clients: count, rounds } = this.#options
    const broker = `127.0.0.1:${cluster.port}`
    this.#registry = await RegistryProcess.start({ brokers: broker, port: await freePort() })
    const { url: registryUrl } = this.#registry
    const log = { port: cluster.port, registryUrl, topics: topicsOf(this.#application), partitions }
    await this.#startSlots(registryUrl)
    // The order of the clients' calls is not the seed's: they have a generator of their own.
    const random = seededRandom(this.#options.seed ^ 0x5bd1e995)
    const clients = new Clients({ history: this.#history, random, doors: () => this.#doors(), clients: count })
    const running = clients.run(() => this.#isDone)
    await this.#untilTold(count * 4)
    const earlier: Recorded['earlier'][number][] = []
    try {
      for (let round = 0; round < rounds; round++) {
        await this.#strike(this.#faultOf(round))
        // Between two faults there is always progress, so that each meets a system at work.
        await this.#untilTold(20)
        if (round === rounds >> 1) earlier.push(...(await readLog(log)).events)
      }
    } finally {
      this.#isDone = true
      await running
    }
    await clients.settle().catch((error: unknown) => {
      throw new Error(`${String(error)}: ${this.#lastWords()}`, { cause: error })
    })
    const { events, claims } = await readLog(log)
    const recorded = { calls: this.#history.calls, events, claims, earlier }
    const errors = this.#said.flatMap(({ kind, message = '' }) => (kind === 'error' ? [message] : []))
    return { recorded, coverage: this.#coverage(recorded), errors }
  }

  async end(): Promise<void> {
    this.#isDone = true
    await Promise.all(this.#slots.flatMap(({ app }) => app?.kill() ?? []))
    await Promise.all(this.#slots.map(({ proxy }) => proxy.close()))
    await this.#registry?.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #startSlots(registryUrl: string): Promise<void> {
    for (let index = 0; index < this.#options.processes; index++) {
      const proxy = await FrameProxy.start(this.#options.cluster.port)
      const settings = {
        application: this.#application,
        broker: proxy.address,
        registryUrl,
        slot: `slot-${index}`,
        dataDirectory: join(this.#directory, `slot-${index}`),
        partitions,
        sessionTimeoutMs,
        plant: this.#options.plant ?? '',
      }
      this.#slots.push({ proxy, settings, app: undefined })
    }
    // The first one makes topics and schemas; the others come when they are there.
    for (const slot of this.#slots) await this.#start(slot)
  }

  async #start(slot: Slot): Promise<void> {
    slot.app = await AppProcess.start(slot.settings, (said) => this.#said.push(said))
  }

  #doors(): readonly string[] {
    return this.#slots.flatMap(({ app }) => app?.url ?? [])
  }

  #faultOf(round: number): Fault {
    const { faults: chosen = faults } = this.#options
    return chosen[round % chosen.length] ?? 'kill'
  }

  async #strike(fault: Fault): Promise<void> {
    const slot = this.#slots[Math.floor(this.#random() * this.#slots.length)]
    if (slot === undefined) return
    await sleep(this.#random() * 100)
    await this.#blows[fault](slot)
  }

  readonly #blows: Readonly<Record<Fault, (slot: Slot) => Promise<void>>> = {
    kill: async (slot) => {
      const { app } = slot
      slot.app = undefined
      await app?.kill()
      this.#counts.killed += 1
      await this.#start(slot)
    },
    // Longer than the session: the others take its partitions, and it wakes up believing that they are its own.
    pause: async ({ app }) => {
      app?.pause()
      this.#counts.paused += 1
      await sleep(sessionTimeoutMs * (1.4 + this.#random()))
      app?.goOn()
    },
    'cut request': async ({ proxy }) => proxy.cutMidFrame('request'),
    'cut answer': async ({ proxy }) => proxy.cutMidFrame('answer'),
    'cut all': async ({ proxy }) => proxy.cutAll(),
    // Released after the claim that follows, when other transactions are under way.
    'hold end': async ({ proxy }) => proxy.holdNextEnd(300 + this.#random() * 1_500),
    'rebalance storm': async (slot) => {
      this.#counts.storms += 1
      const settings = { ...slot.settings, slot: 'guest', dataDirectory: join(this.#directory, 'guest') }
      for (let times = 0; times < 2; times++) {
        const guest = await AppProcess.start(settings, (said) => this.#said.push(said))
        await sleep(this.#random() * 300)
        if (times === 0) await guest.stop()
        else await guest.kill()
      }
    },
    'restart broker': async () => {
      this.#counts.restarts += 1
      await this.#options.cluster.restart()
    },
  }

  /** Waits for so many more commands whose outcome is told. */
  async #untilTold(more: number): Promise<void> {
    const enough = this.#history.told + more
    const deadline = performance.now() + 60_000
    while (this.#history.told < enough) {
      if (performance.now() > deadline) throw new Error(`no progress for a minute: ${this.#lastWords()}`)
      await sleep(20)
    }
  }

  #lastWords(): string {
    const codes = this.#history.calls.slice(-50).map(({ end, code = '' }) => `${end} ${code}`)
    const counts = [...Map.groupBy(codes, (code) => code)].map(([code, calls]) => `${calls.length} ${code}`)
    return `${counts.join(', ')}; ${this.#said
      .slice(-12)
      .map((said) => JSON.stringify(said))
      .join(' ')}`
  }

  #coverage({ calls }: Recorded): Coverage {
    const said = (test: (said: Said) => boolean) => this.#said.filter(test).length
    const counted = (test: (call: (typeof calls)[number]) => boolean) => calls.filter(test).length
    const proxied = (name: keyof FrameProxy['counts']) =>
      this.#slots.reduce((sum, { proxy }) => sum + proxy.counts[name], 0)
    return {
      'commands told': counted(({ end }) => end === 'told'),
      rejected: counted(({ told }) => told?.kind === 'rejected'),
      'calls without an answer': counted(({ end, code }) => end === 'info' && code === undefined),
      'unknown outcomes': counted(({ end, code }) => end === 'info' && code !== undefined),
      'repeats recognised': counted(({ duplicate }) => duplicate === true),
      'version conflicts': counted(({ code }) => code === 'EXPECTED_VERSION_CONFLICT'),
      'batches fenced': said(({ kind, why }) => kind === 'notCommitted' && why === 'fenced'),
      'batches unknown': said(({ kind, why }) => kind === 'notCommitted' && why === 'unknown'),
      claims: said(({ kind }) => kind === 'claimed'),
      'take-overs': said(({ kind, isTakeOver }) => kind === 'claimed' && isTakeOver === true),
      killed: this.#counts.killed,
      paused: this.#counts.paused,
      'frames cut': proxied('cutFrames'),
      'ends held back': proxied('heldEnds'),
      'late ends refused': proxied('lateEndsRefused'),
      'rebalance storms': this.#counts.storms,
      'broker restarts': this.#counts.restarts,
    }
  }
}
