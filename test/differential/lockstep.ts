import { type Difference, differences } from './compare.ts'
import type { Operation, Outcome } from './operation.ts'
import type { Side } from './side.ts'

/** What both brokers did with an operation. */
export interface Step {
  readonly index: number
  readonly operation: Operation
  readonly kafka: Outcome
  readonly ours: Outcome
  readonly differences: readonly Difference[]
  /** Names of the topics that the script has deleted by then. */
  readonly deletedTopics: ReadonlySet<string>
}

interface Parked {
  readonly index: number
  readonly operation: Operation
  readonly kafka: Pending
  readonly ours: Pending
}

/** What both brokers did, in their own words. */
interface Outcomes {
  readonly index: number
  readonly operation: Operation
  readonly kafka: Outcome
  readonly ours: Outcome
}

interface Pending {
  readonly outcome: Promise<Outcome>
  isDone: boolean
}

/** The same for those that have been parked a while: something else may just have let them go. */
const QUIET_MS = 60
/** How long one broker may answer after the other before that is a difference. */
const PATIENCE_MS = 20_000
/** How long a request may take that is answered at once. Settling belongs to it. */
const ANSWER_MS = 40_000
/** The same for both to start anew before. */
const RESTART_MS = 300_000

/** Runs operations on both brokers, one after the other, and compares. */
export class Lockstep {
  readonly #kafka: Side
  readonly #ours: Side
  readonly #deletedTopics = new Set<string>()
  readonly #newQuietMs: number
  #parked: Parked[] = []
  #count = 0

  /**
   * `newQuietMs`: how long a request that may park is given before it counts as parked; the next one must find it there,
   * on both brokers.
   */
  constructor(kafka: Side, ours: Side, newQuietMs: number) {
    this.#kafka = kafka
    this.#ours = ours
    this.#newQuietMs = newQuietMs
  }

  /** The step, and the steps of earlier operations that were answered meanwhile. */
  async run(operation: Operation): Promise<readonly Step[]> {
    const index = this.#count
    this.#count += 1
    // Whatever waits there is lost with its connection, on both sides.
    if (operation.restart !== undefined) this.#parked = []
    const kafka = pending(this.#kafka.run(operation))
    const ours = pending(this.#ours.run(operation))
    if (operation.answer === 'parks') {
      this.#parked.push({ index, operation, kafka, ours })
      return this.#answered(this.#newQuietMs)
    }
    for (const each of operation.settle ?? []) if (each.kind === 'no topic') this.#deletedTopics.add(each.topic)
    const patienceMs = operation.restart === undefined ? ANSWER_MS : RESTART_MS
    const own = await this.#together({ index, operation, kafka, ours }, patienceMs)
    const woken = await this.#woken(operation.wakes ?? [])
    return [this.#step(own), ...woken.map((each) => this.#step(each)), ...(await this.#answered())]
  }

  /** Parked requests that have to be answered now. */
  async #woken(connections: readonly string[]): Promise<readonly Outcomes[]> {
    const wanted = this.#parked.filter(({ operation }) => connections.includes(operation.connection))
    this.#parked = this.#parked.filter((each) => !wanted.includes(each))
    const outcomes: Outcomes[] = []
    for (const each of wanted) outcomes.push(await this.#together(each, PATIENCE_MS))
    return outcomes
  }

  /** Parked requests that at least one broker has answered by now. */
  async #answered(quietMs = QUIET_MS): Promise<readonly Step[]> {
    if (this.#parked.length === 0) return []
    await this.#quiet(quietMs)
    const answered: Outcomes[] = []
    const still: Parked[] = []
    for (const each of this.#parked) {
      if (!each.kafka.isDone && !each.ours.isDone) {
        still.push(each)
        continue
      }
      answered.push(await this.#together(each, PATIENCE_MS))
    }
    this.#parked = still
    // Only now: one member's answer names others, whose own answers tell what they are called.
    return answered.map((each) => this.#step(each))
  }

  /** Both outcomes; a broker that has not answered by then has no answer, and the connection begins anew. */
  async #together(parked: Parked, patienceMs: number): Promise<Outcomes> {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<Outcome>((resolve) => {
      timer = setTimeout(() => resolve({ parked: true }), patienceMs)
    })
    const inTime = ({ outcome }: Pending) => Promise.race([outcome, patience])
    const outcomes = Promise.all([inTime(parked.kafka), inTime(parked.ours)])
    const [kafka, ours] = await outcomes.finally(() => clearTimeout(timer))
    const both = { ...parked, kafka, ours }
    if ('parked' in both.kafka || 'parked' in both.ours) {
      this.#kafka.drop(parked.operation.connection)
      this.#ours.drop(parked.operation.connection)
    }
    return both
  }

  #step({ index, operation, ...outcomes }: Outcomes): Step {
    const kafka = this.#kafka.named(outcomes.kafka)
    const ours = this.#ours.named(outcomes.ours)
    const deletedTopics = this.#deletedTopics
    return { index, operation, kafka, ours, differences: differences(kafka, ours), deletedTopics }
  }

  async #quiet(quietMs: number): Promise<void> {
    const deadline = Date.now() + quietMs
    while (Date.now() < deadline && this.#parked.some(({ kafka, ours }) => !kafka.isDone || !ours.isDone)) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function pending(outcome: Promise<Outcome>): Pending {
  const entry: Pending = { outcome, isDone: false }
  const done = () => {
    entry.isDone = true
  }
  void outcome.then(done, done)
  return entry
}
