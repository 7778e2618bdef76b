import type { FoldedState } from './fold-partition.ts'
import { type PathDifference, stateDifference } from './state-difference.ts'

export interface ReplayReport {
  /** No state differs, none is missing on one side, and none failed. */
  readonly same: boolean
  readonly aggregates: readonly AggregateCounts[]
  readonly differences: readonly AggregateDifference[]
  /** How many more there are. */
  readonly differencesOmitted: number
  readonly failures: readonly ReplayFailure[]
  readonly failuresOmitted: number
}

export interface AggregateCounts {
  readonly name: string
  readonly topic: string
  /** Keys that both sides have a state of. */
  readonly compared: number
  readonly same: number
  readonly different: number
  /** Keys that only one side has a state of. */
  readonly onlyBefore: number
  readonly onlyAfter: number
  /** Stored events that the later side folded. */
  readonly events: number
}

export interface AggregateDifference {
  readonly aggregate: string
  readonly key: string
  /** The aggregate's version; undefined where it has no state. */
  readonly version: { readonly before: number | undefined; readonly after: number | undefined }
  readonly paths: readonly PathDifference[]
  readonly pathsOmitted: number
}

/** A state that could not be made on one side. */
export interface ReplayFailure {
  readonly side: 'before' | 'after'
  readonly aggregate: string
  readonly partition: number
  readonly key: string
  readonly error: string
}

export interface ReportLimits {
  /** Differences and failures that are kept; the others are counted. Default 100. */
  readonly differencesMax?: number
  /** Places kept of each difference. Default 20. */
  readonly pathsMax?: number
}

/** Where a state stands. */
export interface StatePlace {
  readonly aggregate: string
  readonly partition: number
  readonly key: string
}

/** Collects a report, bounded however much differs. */
export class ReportBuilder {
  readonly #differencesMax: number
  readonly #pathsMax: number
  readonly #counts = new Map<string, { -readonly [Member in keyof AggregateCounts]: AggregateCounts[Member] }>()
  readonly #differences: AggregateDifference[] = []
  readonly #failures: ReplayFailure[] = []
  #different = 0
  #failed = 0

  constructor({ differencesMax = 100, pathsMax = 20 }: ReportLimits) {
    this.#differencesMax = differencesMax
    this.#pathsMax = pathsMax
  }

  aggregate(name: string, topic: string): void {
    const none = { compared: 0, same: 0, different: 0, onlyBefore: 0, onlyAfter: 0, events: 0 }
    this.#counts.set(name, { name, topic, ...none })
  }

  events(aggregate: string, events: number): void {
    this.#count(aggregate).events += events
  }

  compare(place: StatePlace, before: FoldedState | undefined, after: FoldedState | undefined): void {
    this.#noteFailure('before', place, before)
    this.#noteFailure('after', place, after)
    const counts = this.#count(place.aggregate)
    const [left, right] = [stateOf(before), stateOf(after)]
    if (left === undefined || right === undefined) {
      if (left !== undefined) counts.onlyBefore += 1
      if (right !== undefined) counts.onlyAfter += 1
      return
    }
    counts.compared += 1
    const { paths, omitted } = stateDifference(left.state, right.state, this.#pathsMax)
    if (paths.length === 0) counts.same += 1
    else {
      counts.different += 1
      this.#different += 1
      if (this.#differences.length >= this.#differencesMax) return
      const { aggregate, key } = place
      const version = { before: left.version, after: right.version }
      this.#differences.push({ aggregate, key, version, paths, pathsOmitted: omitted })
    }
  }

  build(): ReplayReport {
    const aggregates = [...this.#counts.values()]
    const isWhole = aggregates.every(({ onlyBefore, onlyAfter }) => onlyBefore + onlyAfter === 0)
    return {
      same: this.#different === 0 && this.#failed === 0 && isWhole,
      aggregates,
      differences: this.#differences,
      differencesOmitted: this.#different - this.#differences.length,
      failures: this.#failures,
      failuresOmitted: this.#failed - this.#failures.length,
    }
  }

  #count(aggregate: string) {
    const counts = this.#counts.get(aggregate)
    if (counts === undefined) throw new TypeError(`the aggregate ${aggregate} was not announced`)
    return counts
  }

  #noteFailure(
    side: ReplayFailure['side'],
    { aggregate, partition, key }: StatePlace,
    folded: FoldedState | undefined,
  ) {
    if (folded === undefined || !('error' in folded)) return
    this.#failed += 1
    if (this.#failures.length < this.#differencesMax)
      this.#failures.push({ side, aggregate, partition, key, error: folded.error })
  }
}

function stateOf(folded: FoldedState | undefined) {
  return folded !== undefined && 'state' in folded ? folded : undefined
}
