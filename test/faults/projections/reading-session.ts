import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../random.ts'
import type { Query } from './history.ts'
import type { Acknowledged, LedgerWriter } from './ledger-writer.ts'
import type { ProjectorProcess } from './projector-process.ts'

/** The wait inside the process, and how long the client has patience with the process. */
const DEADLINE_MS = 300
const PATIENCE_MS = 2_000
/** It asks after every acknowledgement, and now and then without one. */
const IDLE_MS = 25

/** Where a session finds whom to ask, and what is going on. */
export interface ReadingWorld {
  readonly writer: LedgerWriter
  readonly process: ProjectorProcess
  /** Where processes share a projector: any of them may be asked. */
  readonly members: readonly ProjectorProcess[]
  readonly isShared: boolean
  readonly during: string
  readonly history: { readonly queries: Query[] }
}

/** A client that goes on asking what was acknowledged to it, of whichever process projects, while everything happens. */
export class ReadingSession {
  readonly #world: ReadingWorld
  readonly #name: string
  readonly #random: () => number
  readonly #over = new AbortController()
  /** Per partition, the furthest position that was waited for: a session takes it along. */
  readonly #reached = new Map<number, number>()
  #running: Promise<void> = Promise.resolve()

  constructor(world: ReadingWorld, name: string, seed: number) {
    this.#world = world
    this.#name = name
    this.#random = seededRandom(seed)
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#running
  }

  /** One question to a process that need not be the one that projects. */
  async ask(process: ProjectorProcess): Promise<void> {
    const chosen = this.#choice()
    if (chosen !== undefined) await this.#put(process, chosen)
  }

  async #run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await Promise.race([this.#world.writer.nextAcknowledged, sleep(IDLE_MS)])
      await this.ask(this.#whom())
    }
  }

  #whom(): ProjectorProcess {
    const { process, members, isShared } = this.#world
    return (isShared ? members[Math.floor(this.#random() * members.length)] : undefined) ?? process
  }

  /** Mostly the newest of all, since rows are behind that first. */
  #choice(): Acknowledged | undefined {
    const all = [...this.#world.writer.acknowledged.values()]
    if (this.#random() < 0.7) return all.toSorted((left, right) => right.offset - left.offset)[0]
    return all[Math.floor(this.#random() * all.length)]
  }

  async #put(process: ProjectorProcess, { account, partition, offset, version }: Acknowledged): Promise<void> {
    const from = Math.max(offset, this.#reached.get(partition) ?? 0)
    this.#reached.set(partition, from)
    const token = { partition, offset: from, version: BigInt(version) }
    // After a switch processes may read the generation before for a moment: a session is one with one of them.
    const session = this.#world.isShared ? `${this.#name} at ${process.incarnation}` : this.#name
    const base = { session, during: this.#world.during, account, token }
    let isLate = false
    const question = { id: questions++, account, partition, offset: from, deadlineMs: DEADLINE_MS }
    const recorded = process.question(question).then((told) => {
      const { outcome = 'none', seen = 0, isParked = false, error } = told ?? {}
      this.#world.history.queries.push({ ...base, outcome, seen: BigInt(seen), isParked, isLate, error })
    })
    await Promise.race([recorded, sleep(PATIENCE_MS).then(() => (isLate = true))])
  }
}

let questions = 1
