import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../kafka/free-ports.ts'
import { seededRandom, shuffled } from '../random.ts'
import { RegistryProcess } from '../registry/registry-process.ts'
import { topicsOf } from './aggregates.ts'
import type { AppSettings } from './app-main.ts'
import { AppProcess, type Said } from './app-process.ts'
import { violations } from './checker.ts'
import { Clients } from './clients.ts'
import { ClusterLine } from './cluster-line.ts'
import type { FaultsCluster } from './clusters.ts'
import type { Coverage } from './coverage.ts'
import { History, type LogEvent, type Recorded } from './history.ts'
import { type LogToRead, readLog } from './log-reader.ts'

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
  /** How often all of `faults` strike, each time in an order that the seed decides. */
  readonly rounds: number
  readonly processes: number
  readonly clients: number
  /** The name of a planted bug. */
  readonly plant?: string
  readonly faults: readonly Fault[]
  /** How long nothing at all may get an outcome until the run is stuck, in milliseconds. */
  readonly patienceMs: number
}

export interface LaneResult {
  readonly recorded: Recorded
  readonly coverage: Coverage
  /** What processes said went wrong inside. */
  readonly errors: readonly string[]
  /** Processes that ended without having been told to, and why. */
  readonly died: readonly string[]
  /** What did not go on, if something did not. The run ended there, and what it left is recorded all the same. */
  readonly stuck: string | undefined
}

/** Everything that is wrong with a run. */
export function findingsOf({ recorded, died, stuck }: LaneResult): readonly string[] {
  const deaths = died.map((why) => `died: ${why}`)
  return [...violations(recorded), ...deaths, ...(stuck === undefined ? [] : [`stuck: ${stuck}`])]
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
  readonly line: ClusterLine
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
    const { cluster, clients: count, patienceMs } = this.#options
    const brokers = cluster.ports.map((port) => `127.0.0.1:${port}`).join()
    this.#registry = await RegistryProcess.start({ brokers, port: await freePort() })
    const { url: registryUrl } = this.#registry
    const log = { ports: cluster.ports, registryUrl, topics: topicsOf(this.#application), partitions }
    await this.#startSlots(registryUrl)
    // The order of the clients' calls is not the seed's: they have a generator of their own.
    const random = seededRandom(this.#options.seed ^ 0x5bd1e995)
    const clients = new Clients({ history: this.#history, random, doors: () => this.#doors(), clients: count })
    const running = clients.run(() => this.#isDone)
    const earlier: LogEvent[] = []
    let stuck: string | undefined
    try {
      stuck = await this.#throughFaults(log, earlier)
    } finally {
      this.#isDone = true
      await running
    }
    const open = stuck === undefined ? await clients.settle(patienceMs) : []
    if (open.length > 0) stuck = `no outcome after the faults: ${open.join(', ')}; ${this.#lastWords()}`
    const { events, claims } = await readLog(log)
    const recorded = { calls: this.#history.calls, events, claims, earlier }
    const messages = (of: string) => this.#said.flatMap(({ kind, message = '' }) => (kind === of ? [message] : []))
    return { recorded, coverage: this.#coverage(recorded), errors: messages('error'), died: messages('died'), stuck }
  }

  async end(): Promise<void> {
    this.#isDone = true
    await Promise.all(this.#slots.flatMap(({ app }) => app?.kill() ?? []))
    await Promise.all(this.#slots.map(({ line }) => line.close()))
    await this.#registry?.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** All faults, one after the other; half-way the log is read once. Resolves with what stopped it, if something did. */
  async #throughFaults(log: LogToRead, earlier: LogEvent[]): Promise<string | undefined> {
    const { clients, rounds, faults: chosen } = this.#options
    if (!(await this.#untilTold(clients * 4))) return `at the start: ${this.#lastWords()}`
    const order = Array.from({ length: rounds }, () => shuffled(chosen, this.#random)).flat()
    for (const [index, fault] of order.entries()) {
      await this.#strike(fault)
      // Between two faults there is always progress, so that each meets a system at work.
      if (!(await this.#untilTold(20))) return `after "${fault}": ${this.#lastWords()}`
      if (index === order.length >> 1) earlier.push(...(await readLog(log)).events)
    }
    return undefined
  }

  async #startSlots(registryUrl: string): Promise<void> {
    for (let index = 0; index < this.#options.processes; index++) {
      const line = await ClusterLine.start(this.#options.cluster.ports)
      const settings = {
        application: this.#application,
        brokers: line.addresses,
        registryUrl,
        slot: `slot-${index}`,
        dataDirectory: join(this.#directory, `slot-${index}`),
        partitions,
        sessionTimeoutMs,
        plant: this.#options.plant ?? '',
      }
      this.#slots.push({ line, settings, app: undefined })
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

  async #strike(fault: Fault): Promise<void> {
    const slot = this.#slots[Math.floor(this.#random() * this.#slots.length)]
    if (slot === undefined) return
    await sleep(this.#random() * 100)
    await this.#blows[fault](slot)
  }

  readonly #blows: Readonly<Record<Fault, (slot: Slot) => Promise<void>>> = {
    kill: async (slot) => {
      const { app } = slot
      await this.#untilAtWork(slot)
      slot.app = undefined
      await app?.kill()
      this.#counts.killed += 1
      await this.#start(slot)
    },
    // Longer than the session: the others take its partitions, and it wakes up believing that they are its own.
    pause: async (slot) => {
      const { app } = slot
      await this.#untilAtWork(slot)
      app?.pause()
      this.#counts.paused += 1
      await sleep(sessionTimeoutMs * (1.4 + this.#random()))
      app?.goOn()
    },
    'cut request': async ({ line }) => line.cutMidFrame('request'),
    'cut answer': async ({ line }) => line.cutMidFrame('answer'),
    'cut all': async ({ line }) => line.cutAll(),
    // Released after the claim that follows, when other transactions are under way.
    'hold end': async ({ line }) => line.holdNextEnd(300 + this.#random() * 1_500),
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

  /** The process has sent records and the transaction is under way; or it owns nothing, and is struck all the same. */
  async #untilAtWork({ line }: Slot): Promise<void> {
    await Promise.race([line.nextProduce(), sleep(1_000)])
    // The next step of the transaction, or one of those after it.
    if (this.#random() < 0.5) await sleep(this.#random() * 10)
  }

  /** Waits for so many more commands whose outcome is told; false when for too long none was. */
  async #untilTold(more: number): Promise<boolean> {
    const enough = this.#history.told + more
    let [told, since] = [this.#history.told, performance.now()]
    while (this.#history.told < enough) {
      if (this.#history.told > told) [told, since] = [this.#history.told, performance.now()]
      if (performance.now() - since > this.#options.patienceMs) return false
      await sleep(20)
    }
    return true
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
    const onLines = (name: keyof ClusterLine['counts']) =>
      this.#slots.reduce((sum, { line }) => sum + line.counts[name], 0)
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
      'frames cut': onLines('cutFrames'),
      'ends held back': onLines('heldEnds'),
      'late ends refused': onLines('lateEndsRefused'),
      'rebalance storms': this.#counts.storms,
      'broker restarts': this.#counts.restarts,
    }
  }
}
