import { createHash, type Hash } from 'node:crypto'
import { CreateTopics } from '@keyfold/protocol'
import {
  type Fate,
  MemoryFiles,
  type PendingChange,
  type SectorFate,
  type SectorFates,
  type StorageLimits,
} from '@keyfold/storage'
import { HandClock } from '../../../../libs/broker/src/testing/broker-rehearsal.ts'
import { verifyFiles } from '../../../../libs/broker/src/verification/verify-data-directory.ts'
import { seededRandom } from '../../random.ts'
import { violations as historyViolations } from '../checker.ts'
import { History } from '../history.ts'
import { commitOffsets, join, keep, keyOf, produce, read, type Stage, transact } from './sim-actors.ts'
import { consume } from './sim-consumers.ts'
import { digestOf } from './sim-digest.ts'
import { ProcessGone, SimBroker, type SimWorld } from './sim-broker.ts'
import { type Place, requests } from './sim-requests.ts'
import { compact, compactedConfigs, compactedPlace, type KeyedWrite, putKeys, tableProblems } from './sim-keeper.ts'
import { SimTurns } from './sim-turns.ts'

export interface SimulationResult {
  readonly violations: readonly string[]
  /** Of everything that happened: equal for equal seeds. */
  readonly traceHash: string
  readonly history: History
  readonly crashes: number
  /** Logs that were compacted. */
  readonly compactions: number
}

/** What a seed draws before it begins: sizes, faults and how much happens. */
interface Shape {
  readonly limits: Partial<StorageLimits>
  readonly segmentBytes: number
  readonly lives: number
  readonly stepsMax: number
  readonly syncFailures: number
  readonly powerCuts: number
}

const places: readonly Place[] = [
  { topic: 'plain', partition: 0 },
  { topic: 'plain', partition: 1 },
  { topic: 'other', partition: 0 },
]

/**
 * Storage, partitions, transactions and groups on a disk of memory, under clients that are simulated too. A seed decides
 * who goes on when, which file operation happens when, when the process is killed or the power cut, and what becomes of
 * each write that was not synced.
 */
export async function simulate(seed: number): Promise<SimulationResult> {
  return new Simulation(seed).run()
}

class Simulation {
  readonly #random: () => number
  readonly #turns: SimTurns
  readonly #shape: Shape
  readonly #trace: Hash = createHash('sha256')
  readonly #history = new History()
  readonly #stage: Stage
  readonly #keyed: KeyedWrite[] = []
  /** Of the offline check, after each crash. */
  readonly #findings: string[] = []
  #files = new MemoryFiles()
  #clock = new HandClock()
  #life: { broker: SimBroker; end: () => void } | undefined
  #hasFailed = false
  #isDone = false
  #crashes = 0
  #compactions = 0

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#turns = new SimTurns(this.#random)
    this.#shape = shapeOf(this.#random)
    this.#stage = {
      random: this.#random,
      history: this.#history,
      violations: [],
      places,
      isDone: () => this.#isDone,
      broker: () => this.#nextTurn(),
      producerIds: new Map(),
      topics: new Set(),
    }
  }

  async run(): Promise<SimulationResult> {
    this.#files.pacedBy(() => this.#turns.wait(this.#files))
    await this.#open()
    await this.#drive(this.#createTopics())
    const actors = Promise.all(this.#actors())
    // A failure of theirs comes out when they are waited for.
    actors.catch(() => {})
    for (let life = 1; life < this.#shape.lives; life++) {
      await this.#live()
      await this.#crash()
      await this.#open()
    }
    await this.#live()
    this.#isDone = true
    await this.#drive(actors)
    await this.#crash()
    await this.#open()
    await this.#drive(this.#finish())
    const violations = [...this.#stage.violations, ...historyViolations(this.#history), ...this.#findings]
    for (const line of [...this.#history.toLines(), ...violations]) this.#trace.update(line)
    return {
      violations,
      traceHash: this.#trace.digest('hex'),
      history: this.#history,
      crashes: this.#crashes,
      compactions: this.#compactions,
    }
  }

  #actors(): Promise<void>[] {
    const stage = this.#stage
    const holdings = { byMember: new Map(), epochs: new Map() }
    return [
      produce(stage, 'p1'),
      produce(stage, 'p2'),
      transact(stage, 't1'),
      transact(stage, 't2'),
      transact(stage, 't3', 2),
      commitOffsets(stage, 'simple'),
      read(stage, 'stable', 'read_committed'),
      read(stage, 'eager', 'read_uncommitted'),
      join(stage, 'members'),
      consume(stage, 'consumers', 'c1', holdings),
      consume(stage, 'consumers', 'c2', holdings),
      putKeys(stage, 'k1', this.#keyed),
      putKeys(stage, 'k2', this.#keyed),
      compact(stage, this.#keyed, (count) => (this.#compactions += count)),
      keep(stage),
    ]
  }

  /** Lets things happen until it is time for a crash, or the broker's disk has failed. */
  async #live(): Promise<void> {
    const steps = Math.floor(this.#random() * this.#shape.stepsMax)
    for (let step = 0; step < steps && !this.#hasFailed; step++) {
      if (this.#random() < this.#shape.syncFailures) {
        this.#files.failNext('fdatasync', Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }), 'journal')
      }
      await this.#step()
    }
  }

  async #step(): Promise<void> {
    // Most of the time goes by in small pieces; now and then a transaction runs out of its two seconds.
    if (this.#random() < 0.1) this.#clock.pass(this.#random() < 0.02 ? 12_000 : Math.floor(this.#random() * 30))
    const waiting = this.#turns.count
    const at = await this.#turns.step()
    this.#trace.update(`${at}/${waiting} ${this.#files.operations};`)
    // Nobody waits for a turn but time: a simulated client waits for the journal's idle flush, say.
    if (at < 0) this.#clock.pass(20)
  }

  async #drive<T>(work: Promise<T>): Promise<T> {
    const state = { isSettled: false }
    const settled = work.finally(() => {
      state.isSettled = true
    })
    settled.catch(() => {})
    for (let step = 0; !state.isSettled; step++) {
      if (step > 200_000) throw new Error('the simulation stands still')
      await this.#step()
      if (this.#hasFailed) {
        await this.#crash()
        await this.#open()
      }
    }
    return settled
  }

  /** The process ends; its disk stays, without what the fates of its unsynced writes take. */
  async #crash(): Promise<void> {
    this.#crashes += 1
    const files = this.#files
    const isPowerCut = this.#random() < this.#shape.powerCuts
    this.#trace.update(`crash ${isPowerCut} ${files.pending.length};`)
    this.#turns.forget(files)
    this.#files = isPowerCut ? files.crash(this.#fates()) : files.kill()
    this.#life?.end()
    this.#life = undefined
    this.#hasFailed = false
    await this.#recoversTwice(this.#files.clone())
    const next = this.#files
    next.pacedBy(() => this.#turns.wait(next))
  }

  /** Opens the broker; sometimes that is interrupted, and has to work the next time. */
  async #open(): Promise<void> {
    for (;;) {
      const gone = Promise.withResolvers<never>()
      gone.promise.catch(() => {})
      const end = () => gone.reject(new ProcessGone('the broker was killed'))
      const clock = new HandClock()
      clock.pass(this.#clock.wall() - clock.wall())
      this.#clock = clock
      const opening = SimBroker.open(this.#files, this.#world(), { gone: gone.promise, onFatal: () => this.#fail() })
      const outcome: { opened?: SimBroker; failure?: unknown } = {}
      opening.then(
        (broker) => (outcome.opened = broker),
        (error: unknown) => (outcome.failure = error),
      )
      const interruptedAfter = this.#random() < 0.15 ? Math.floor(this.#random() * 60) : Number.POSITIVE_INFINITY
      for (let steps = 0; Object.keys(outcome).length === 0 && steps < interruptedAfter; steps++) await this.#step()
      if ('failure' in outcome) throw outcome.failure
      if (outcome.opened !== undefined) {
        this.#life = { broker: outcome.opened, end }
        return
      }
      this.#life = undefined
      await this.#crash()
    }
  }

  #fail(): void {
    this.#hasFailed = true
  }

  #world(clock = this.#clock): SimWorld {
    const { limits, segmentBytes } = this.#shape
    return { clock, random: this.#random, limits, segmentBytes }
  }

  /** What one recovery finds, the next one finds too, even when the first is lost with the power; and all is sound. */
  async #recoversTwice(disk: MemoryFiles): Promise<void> {
    const atOnce = () => Promise.resolve()
    const open = async (files: MemoryFiles) => {
      const life = { gone: new Promise<never>(() => {}), onFatal: () => {} }
      const clock = new HandClock()
      clock.pass(this.#clock.wall() - clock.wall())
      const { broker } = await SimBroker.open(files.pacedBy(atOnce), this.#world(clock), life)
      return digestOf(broker)
    }
    const { findings } = await verifyFiles(disk.clone().pacedBy(atOnce), false)
    for (const { place, what } of findings) this.#findings.push(`verify: ${place}: ${what}`)
    const first = await open(disk)
    const second = await open(disk.crash(this.#fates()))
    this.#trace.update(JSON.stringify(first))
    for (const [part, found] of Object.entries(second)) {
      const before = first[part]
      if (before !== found) this.#stage.violations.push(`recovery: a second one finds ${part} ${found}, not ${before}`)
    }
  }

  #fates(): (change: PendingChange, index: number) => Fate | SectorFates {
    const random = this.#random
    const sectors: readonly SectorFate[] = ['new', 'old', 'zero', 'garbage']
    return () => {
      const chance = random()
      if (chance < 0.35) return 'keep'
      if (chance < 0.7) return 'drop'
      return () => sectors[Math.floor(random() * (chance < 0.85 ? 2 : 4))] ?? 'old'
    }
  }

  async #nextTurn(): Promise<SimBroker> {
    do await this.#turns.wait(this)
    while (this.#life === undefined)
    return this.#life.broker
  }

  async #createTopics(): Promise<void> {
    const broker = await this.#nextTurn()
    const names = [...new Set(places.map(({ topic }) => topic)), 'source']
    const topics = names.map((name) => {
      const numPartitions = Math.max(1, places.filter(({ topic }) => topic === name).length)
      return { name, numPartitions, replicationFactor: 1, assignments: [], configs: noConfigs }
    })
    const compacted = { name: compactedPlace.topic, numPartitions: 1, replicationFactor: 1, assignments: [] }
    topics.push({ ...compacted, configs: compactedConfigs })
    const created = await broker.call(CreateTopics, 4, { topics, timeoutMs: 1000 })
    if (created.topics.some(({ errorCode }) => errorCode !== 0)) throw new Error('the topics cannot be created')
    broker.shrink()
  }

  /** Looks at everything that there is in the end. */
  async #finish(): Promise<void> {
    const broker = await this.#nextTurn()
    const isolation = 'read_committed'
    for (const place of places) {
      const end = await requests.endOffset(broker, place, isolation)
      const whole = await requests.endOffset(broker, place, 'read_uncommitted')
      if (end !== whole) this.#stage.violations.push(`torn: ${keyOf(place)} is undecided from ${end} to ${whole}`)
      for (let offset = 0; offset < end;) {
        const { records, nextOffset } = await requests.fetch(broker, place, { offset, isolation })
        if (nextOffset <= offset) throw new Error(`${keyOf(place)} cannot be read at ${offset}`)
        offset = nextOffset
        for (const record of records) this.#history.final.push({ reader: 'final', isolation, ...place, ...record })
      }
    }
    const table = await requests.table(broker, compactedPlace)
    this.#stage.violations.push(...tableProblems(table, this.#keyed))
    for (const group of ['t1-group', 't2-group', 't3-group', 'simple']) {
      const place = { topic: 'source', partition: 0 }
      const offset = (await requests.fetchOffset(broker, group, place)) ?? -1
      this.#history.finalPositions.push({ group, ...place, offset })
    }
    for (const topic of this.#stage.topics) {
      if (broker.broker.catalog.get(topic) === undefined) this.#stage.violations.push(`lost: topic ${topic}`)
    }
  }
}

const noConfigs: { name: string; value: string }[] = []

function shapeOf(random: () => number): Shape {
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least))
  const fileBytes = 4096 * between(4, 20)
  return {
    limits: {
      journalFileBytes: fileBytes,
      firstJournalFileBytes: fileBytes,
      checkpointJournalBytes: between(30_000, 400_000),
      flushBytes: between(1000, 50_000),
      tailBytesMax: between(1000, 100_000),
      openFilesMax: between(2, 50),
      idleFlushMs: between(1, 20),
    },
    segmentBytes: between(500, 20_000),
    lives: between(2, 6),
    stepsMax: between(100, 1200),
    syncFailures: random() < 0.3 ? 0.002 : 0,
    powerCuts: random(),
  }
}
