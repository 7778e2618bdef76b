import { isDeepStrictEqual } from 'node:util'
import type { Call, LogClaim, LogEvent, Recorded, Told } from './history.ts'
import { after, empty, judge, type Replica } from './replica.ts'

/** What is wrong with a recorded run, one line each; nothing when all promises were kept. */
export function violations(recorded: Recorded): readonly string[] {
  const index = indexOf(recorded)
  return Object.entries(checks).flatMap(([name, check]) => check(index).map((what) => `${name}: ${what}`))
}

interface Aggregate {
  readonly events: readonly LogEvent[]
  /** By version: the state after so many events. */
  readonly states: readonly Replica[]
}

interface Index extends Recorded {
  readonly byKey: ReadonlyMap<string, Aggregate>
  readonly groups: ReadonlyMap<string, readonly LogEvent[]>
  readonly callsById: ReadonlyMap<string, readonly Call[]>
  readonly bounds: VersionBounds
}

type Check = (index: Index) => readonly string[]
type Committed = Extract<Told, { readonly kind: 'committed' }>
type Rejected = Extract<Told, { readonly kind: 'rejected' }>

/** The names are those of the invariants that the write side promises (see README.md here). */
const checks: Readonly<Record<string, Check>> = {
  'E1 versions': ({ byKey }) =>
    [...byKey].flatMap(([key, { events }]) =>
      events.flatMap(({ version, topic, partition, offset }, at) => {
        const stays = topic === events[0]?.topic && partition === events[0]?.partition
        return version === at + 1 && stays
          ? []
          : [`${key} has version ${version} as number ${at + 1} at ${partition}/${offset}`]
      }),
    ),

  'E2 lost': ({ calls, groups }) =>
    calls.flatMap(({ commandId, told }) => {
      if (told?.kind !== 'committed' || told.events.length === 0) return []
      const group = groups.get(commandId) ?? []
      const last = group.at(-1)
      if (last === undefined) return [`${commandId} was acknowledged and is not in the log`]
      const stored = group.map(({ type, data }) => ({ type, data }))
      const same = last.version === told.version && last.offset === told.offset && last.partition === told.partition
      return same && isDeepStrictEqual(stored, told.events)
        ? []
        : [
            `${commandId} was acknowledged as ${told.version} at ${told.offset}, stored as ${last.version} at ${last.offset}`,
          ]
    }),

  'E3 phantom': ({ groups, callsById }) =>
    [...groups].flatMap(([commandId, group]) => {
      const calls = callsById.get(commandId) ?? []
      if (calls.length === 0) return [`${commandId} is in the log, and nobody sent it`]
      if (calls.some(({ told }) => told?.kind === 'rejected')) return [`${commandId} was rejected and is in the log`]
      if (calls.every(({ end }) => end === 'fail')) return [`${commandId} failed each time and is in the log`]
      const firstAt = Math.min(...calls.map(({ invokedAt }) => invokedAt))
      return (group[0]?.timestampMs ?? 0) < firstAt - clockSlackMs ? [`${commandId} is older than its first call`] : []
    }),

  'E4 torn': ({ groups }) =>
    [...groups].flatMap(([commandId, group]) => {
      const [first] = group
      const whole = group.every(
        ({ index, size, offset, version }, at) =>
          index === at &&
          size === group.length &&
          offset === (first?.offset ?? 0) + at &&
          version === (first?.version ?? 0) + at,
      )
      return whole ? [] : [`${commandId} has ${group.length} of ${first?.size} events, or not next to each other`]
    }),

  'E5 twice': ({ groups, callsById }) =>
    [...callsById].flatMap(([commandId, calls]) => {
      const heads = (groups.get(commandId) ?? []).filter(({ index }) => index === 0)
      const answers = calls.flatMap(({ told }) => told ?? [])
      const differs = answers.some((answer) => !isDeepStrictEqual(answer, answers[0]))
      return [
        ...(heads.length > 1 ? [`${commandId} happened ${heads.length} times`] : []),
        ...(differs ? [`${commandId} has answers that differ: ${JSON.stringify(answers)}`] : []),
      ]
    }),

  'E6 illegal': ({ groups, callsById, byKey }) =>
    [...groups].flatMap(([commandId, group]) => {
      const [first] = group
      const asked = callsById.get(commandId)?.[0]
      const state = first === undefined ? undefined : byKey.get(first.key)?.states[first.version - 1]
      if (first === undefined || asked === undefined || state === undefined) return []
      const events = group.map(({ type, data }) => ({ type, data }))
      return isDeepStrictEqual(judge(state, asked), { events }) && first.key === asked.key
        ? []
        : [`${commandId} should not have had these events on version ${first.version - 1} of ${first.key}`]
    }),

  'E7 stale': ({ calls, bounds, groups, byKey }) =>
    calls.flatMap((call) => {
      const { told, commandId } = call
      if (told?.kind === 'committed') return staleCommit(call, told, groups.get(commandId), bounds)
      return told?.kind === 'rejected' && call.duplicate !== true
        ? staleRejection(call, told, byKey.get(call.key), bounds)
        : []
    }),

  'E8 expected version': ({ calls, bounds, groups }) =>
    calls.flatMap((call) => {
      const { expectedVersion, commandId, actualVersion, told } = call
      if (expectedVersion === undefined) return []
      if (told?.kind === 'committed') {
        const from = (groups.get(commandId)?.[0]?.version ?? 0) - 1
        return from === expectedVersion ? [] : [`${commandId} expected ${expectedVersion} and was decided on ${from}`]
      }
      if (actualVersion === undefined) return []
      const possible = actualVersion >= bounds.toldBefore(call) && actualVersion <= bounds.possibleAt(call)
      return possible && actualVersion !== expectedVersion
        ? []
        : [`${commandId} was told a conflict of ${expectedVersion} with ${actualVersion}, which was never there then`]
    }),

  'E9 fencing': ({ events }) =>
    perPartition(events).flatMap((inOrder) => {
      let newest = 0
      return inOrder.flatMap(({ generation, topic, partition, offset }) => {
        if (generation < newest)
          return [`${topic}/${partition}/${offset} is of owner ${generation}, after one of ${newest}`]
        newest = generation
        return []
      })
    }),

  'E10 zombie reply': ({ calls, claims, groups }) =>
    calls.flatMap(({ told, commandId }) => {
      const last = groups.get(commandId)?.at(-1)
      if (told?.kind !== 'committed' || last === undefined) return []
      const later = claimsOf(claims, last).find(
        ({ generation, endOffset }) => generation > last.generation && told.offset >= endOffset,
      )
      return later === undefined
        ? []
        : [`${commandId} was acknowledged at ${told.offset}, after claim ${later.generation}`]
    }),

  'E11 cause': ({ events, groups }) =>
    events.flatMap(({ causationId, commandId, topic, partition, offset, timestampMs }) => {
      if (causationId === undefined) return []
      const cause = groups.get(causationId)?.at(-1)
      const isBefore =
        cause !== undefined &&
        (cause.topic === topic && cause.partition === partition
          ? cause.offset < offset
          : cause.timestampMs <= timestampMs + clockSlackMs)
      return isBefore ? [] : [`${commandId} stands before its cause ${causationId}`]
    }),

  'E12 changed': ({ events, earlier }) => {
    const now = new Map(events.map((event) => [`${event.topic}/${event.partition}/${event.offset}`, event]))
    return earlier.flatMap((event) => {
      const place = `${event.topic}/${event.partition}/${event.offset}`
      return isDeepStrictEqual(now.get(place), event) ? [] : [`${place} is not what was read there before`]
    })
  },

  'E13 barrier': ({ events, claims }) =>
    claims.flatMap((claim) => {
      const { generation, endOffset, topic, partition } = claim
      const own = events.filter((event) => event.topic === topic && event.partition === partition)
      const late = own.find((event) => event.offset >= endOffset && event.generation < generation)
      const early = own.find((event) => event.offset < endOffset && event.generation >= generation)
      const twice = claimsOf(claims, claim).filter((other) => other.generation === generation).length > 1
      return [
        ...(late === undefined ? [] : [`claim ${generation} of ${topic}/${partition} did not see ${late.offset}`]),
        ...(early === undefined
          ? []
          : [`claim ${generation} of ${topic}/${partition} came after its own ${early.offset}`]),
        ...(twice ? [`claim ${generation} of ${topic}/${partition} was made twice`] : []),
      ]
    }),

  money: ({ events, callsById }) => {
    const isTransfer = ({ commandId }: LogEvent) => commandId.startsWith('t')
    const total = (list: readonly LogEvent[]) => list.reduce((state, event) => after(state, event), empty).sum
    const moved = total(events.filter(isTransfer))
    const halves = [...callsById.keys()].filter((id) => id.startsWith('t'))
    return moved === 0 ? [] : [`${halves.length} halves of transfers add up to ${moved}`]
  },
}

/** Two clocks of one machine, in milliseconds. */
const clockSlackMs = 2

function staleCommit(call: Call, told: Committed, group: readonly LogEvent[] | undefined, bounds: VersionBounds) {
  const from = told.version - (group?.length ?? told.events.length)
  // A repeat may be older than itself: what counts is the first call with its id.
  const atLeast = call.duplicate === true ? bounds.toldBeforeFirst(call) : bounds.toldBefore(call)
  return from >= atLeast
    ? []
    : [`${call.commandId} was decided on version ${from}, but ${atLeast} had been told before`]
}

function staleRejection(call: Call, told: Rejected, aggregate: Aggregate | undefined, bounds: VersionBounds) {
  const { version, code, details } = told
  const { commandId } = call
  const [from, to] = [bounds.toldBefore(call), bounds.possibleAt(call)]
  if (version < from || version > to)
    return [`${commandId} was rejected on version ${version}, not one of ${from} to ${to}`]
  const state = version === 0 ? empty : aggregate?.states[version]
  if (state === undefined) return [`${commandId} was rejected on version ${version}, which is not there`]
  return isDeepStrictEqual(judge(state, call), { code, details })
    ? []
    : [`${commandId} was rejected on version ${version} as ${code}, which was not so`]
}

/** What a call could and must have seen: versions are ordered, so nothing has to be searched. */
class VersionBounds {
  readonly #told = new Map<string, Steps>()
  readonly #possible = new Map<string, Steps>()
  readonly #firstCalls = new Map<string, Call>()

  constructor({ calls }: Recorded, groups: ReadonlyMap<string, readonly LogEvent[]>) {
    for (const call of calls) {
      const { commandId, key, told, endedMs, invokedMs } = call
      if (told !== undefined) stepsOf(this.#told, key).add(endedMs, told.version)
      if (this.#firstCalls.has(commandId)) continue
      this.#firstCalls.set(commandId, call)
      const last = groups.get(commandId)?.at(-1)
      if (last !== undefined) stepsOf(this.#possible, key).add(invokedMs, last.version)
    }
  }

  /** The newest version of the aggregate that anybody had been told of when the call was made. */
  toldBefore({ key, invokedMs }: Call): number {
    return this.#told.get(key)?.before(invokedMs) ?? 0
  }

  toldBeforeFirst(call: Call): number {
    return this.toldBefore(this.#firstCalls.get(call.commandId) ?? call)
  }

  /** The newest version that could be there when the call ended: everything in it had been asked for by then. */
  possibleAt({ key, endedMs }: Call): number {
    return this.#possible.get(key)?.before(endedMs) ?? 0
  }
}

/** The largest of the versions up to a moment. */
class Steps {
  readonly #steps: { readonly atMs: number; version: number }[] = []
  #isSorted = true

  add(atMs: number, version: number): void {
    this.#steps.push({ atMs, version })
    this.#isSorted = false
  }

  before(atMs: number): number {
    if (!this.#isSorted) {
      this.#steps.sort((left, right) => left.atMs - right.atMs)
      let newest = 0
      for (const step of this.#steps) step.version = newest = Math.max(newest, step.version)
      this.#isSorted = true
    }
    let [low, high] = [0, this.#steps.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#steps[middle]?.atMs ?? 0) < atMs) low = middle + 1
      else high = middle
    }
    return this.#steps[low - 1]?.version ?? 0
  }
}

function stepsOf(byKey: Map<string, Steps>, key: string): Steps {
  const steps = byKey.get(key) ?? new Steps()
  byKey.set(key, steps)
  return steps
}

function indexOf(recorded: Recorded): Index {
  const groups = Map.groupBy(recorded.events, ({ commandId }) => commandId)
  const byKey = new Map<string, Aggregate>()
  for (const [key, events] of Map.groupBy(recorded.events, ({ key }) => key)) {
    const states = [empty]
    for (const event of events) states.push(after(states.at(-1) ?? empty, event))
    byKey.set(key, { events, states })
  }
  const callsById = Map.groupBy(recorded.calls, ({ commandId }) => commandId)
  return { ...recorded, groups, byKey, callsById, bounds: new VersionBounds(recorded, groups) }
}

function perPartition(events: readonly LogEvent[]): readonly (readonly LogEvent[])[] {
  return [...Map.groupBy(events, ({ topic, partition }) => `${topic}/${partition}`).values()]
}

function claimsOf(claims: readonly LogClaim[], place: { readonly topic: string; readonly partition: number }) {
  return claims.filter(({ topic, partition }) => topic === place.topic && partition === place.partition)
}
