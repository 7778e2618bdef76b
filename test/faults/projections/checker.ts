import { isQuietRebuild } from './coverage.ts'
import {
  type AuditRow,
  type BalanceRow,
  type History,
  type LogEvent,
  type Query,
  type SeenEffect,
  type Snapshot,
} from './history.ts'
import { ASKS, causeOf, POISON } from './ledger.ts'

/** What a recorded run shows that must never be: by the names of the invariants P1 to P12, each with its place. */
export function violations(history: History): readonly string[] {
  const found = [
    ...history.stuck.map((what) => `P10 stuck: ${what}`),
    ...history.restless.map((what) => `P12 in the quiet checkpoints go from hand to hand: ${what}`),
    ...history.snapshots.flatMap((snapshot, index) =>
      ofSnapshot(snapshot, history.log).map((text) => `${text} (snapshot ${index}, generation ${snapshot.generation})`),
    ),
    ...ofSequence(history.snapshots),
    ...ofEnd(history),
    ...ofEffects(history),
    ...ofQueries(history),
    ...ofCauses(history),
  ]
  return boundedByName([...new Set(found)])
}

const EACH_MAX = 15

/** So that the many findings of one invariant do not hide those of another. */
function boundedByName(found: readonly string[]): readonly string[] {
  const groups = Map.groupBy(found, (text) => text.slice(0, text.indexOf(' ')))
  return [...groups.values()].flatMap((group) => group.slice(0, EACH_MAX))
}

function place({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`
}

function ofSnapshot(snapshot: Snapshot, log: readonly LogEvent[]): readonly string[] {
  const { positions, audit, parked } = snapshot
  const passed = log.filter(({ partition, offset }) => offset < (positions[partition] ?? 0))
  const waiting = new Set(parked.map(place))
  const applied = new Map<string, number>()
  for (const row of audit) applied.set(place(row), (applied.get(place(row)) ?? 0) + 1)
  const expected = passed.filter((event) => !waiting.has(place(event)))
  const wanted = new Set(expected.map(place))
  return [
    ...differences(fold(expected), snapshot.rows).map((text) => `P1 rows are not the fold: ${text}`),
    ...[...applied].filter(([, times]) => times > 1).map(([at, times]) => `P2 applied ${times} times: ${at}`),
    ...[...wanted].filter((at) => !applied.has(at)).map((at) => `P2 not applied: ${at}`),
    ...[...applied.keys()].filter((at) => !wanted.has(at)).map((at) => `P2 applied although it should not be: ${at}`),
    ...ofOrder(audit),
    ...ofParking(snapshot, passed),
  ]
}

/** The model, written anew: an account is the sum of its amounts and the version of its last event. */
function fold(events: readonly LogEvent[]): readonly BalanceRow[] {
  const rows = new Map<string, BalanceRow>()
  for (const { key: account, amount, version } of events)
    rows.set(account, { account, cents: (rows.get(account)?.cents ?? 0n) + amount, version })
  return [...rows.values()]
}

function differences(expected: readonly BalanceRow[], actual: readonly BalanceRow[]): readonly string[] {
  const textsOf = (rows: readonly BalanceRow[]) =>
    rows.map(({ account, cents, version }) => `${account}=${cents} at version ${version}`)
  const [wanted, got] = [new Set(textsOf(expected)), new Set(textsOf(actual))]
  const missing = [...wanted].filter((text) => !got.has(text)).map((text) => `missing ${text}`)
  return [...missing, ...[...got].filter((text) => !wanted.has(text)).map((text) => `wrong ${text}`)]
}

function ofOrder(audit: readonly AuditRow[]): readonly string[] {
  const offsets = new Map<string, number>()
  const incarnations = new Map<number, number>()
  const found: string[] = []
  for (const row of audit) {
    const { key, partition, offset, incarnation } = row
    if (offset < (offsets.get(key) ?? -1)) found.push(`P4 ${key} out of order at ${place(row)}`)
    offsets.set(key, offset)
    if (incarnation < (incarnations.get(partition) ?? 0)) found.push(`P5 a replaced process wrote ${place(row)}`)
    incarnations.set(partition, Math.max(incarnation, incarnations.get(partition) ?? 0))
  }
  return found
}

/** Poison at the head of each parked key, everything later of the key behind it, in the read model nothing of that. */
function ofParking({ parked, audit }: Snapshot, passed: readonly LogEvent[]): readonly string[] {
  const events = new Map(passed.map((event) => [place(event), event]))
  const heads = new Map<string, number>()
  const found: string[] = []
  if (new Set(parked.map(place)).size < parked.length) found.push('P9 an event is parked twice')
  for (const row of parked.toSorted((left, right) => left.offset - right.offset)) {
    if (!events.has(place(row))) found.push(`P9 parked, but not passed: ${place(row)}`)
    if (row.error !== null && events.get(place(row))?.note !== POISON)
      found.push(`P9 parked without poison: ${place(row)}`)
    if (row.error === null && !heads.has(row.key)) found.push(`P9 waits behind nothing: ${place(row)}`)
    if (!heads.has(row.key)) heads.set(row.key, row.offset)
  }
  for (const row of audit)
    if (row.offset > (heads.get(row.key) ?? Infinity))
      found.push(`P9 ${row.key} went on past a parked event: ${place(row)}`)
  return found
}

/** What readers see goes forward, also over a switch. */
function ofSequence(snapshots: readonly Snapshot[]): readonly string[] {
  return snapshots.flatMap((snapshot, index) => {
    const before = snapshots[index - 1]
    if (before === undefined) return []
    const backwards = snapshot.positions.filter((position, partition) => position < (before.positions[partition] ?? 0))
    const rule = before.generation === snapshot.generation ? 'P3 the checkpoint' : 'P6 the switch'
    return backwards.length === 0
      ? []
      : [`${rule} went back from ${before.positions.join()} to ${snapshot.positions.join()}`]
  })
}

/** When all faults are over, everything is applied. */
function ofEnd({ snapshots, ends, log }: History): readonly string[] {
  const last = snapshots.at(-1)
  const found: string[] = []
  if (log.length === 0 || last === undefined) found.push('nothing was recorded')
  if (ends.some((end, partition) => last?.positions[partition] !== end))
    found.push(`P10 the end is ${ends.join()}, the checkpoint ${last?.positions.join()}`)
  if ((last?.parked.length ?? 0) > 0) found.push(`P9 still parked when everything is mended: ${last?.parked.length}`)
  return found
}

function ofEffects({ effects, firstEnds, log }: History): readonly string[] {
  const seen = new Set(effects.map(place))
  const isPast = ({ partition, offset }: SeenEffect | LogEvent): boolean => offset < (firstEnds[partition] ?? 0)
  return [
    ...effects.filter(isPast).map((each) => `P11 an effect of the past: ${place(each)}`),
    ...log
      .filter((event) => !isPast(event) && !seen.has(place(event)))
      .map((event) => `P11 no effect of ${place(event)}`),
    ...repeatedEffects(effects),
  ]
}

/** Only the last one before a fault may be there again; a replaced process has at most one left that it does not know of. */
function repeatedEffects(effects: readonly SeenEffect[]): readonly string[] {
  const reached = new Map<number, { incarnation: number; offset: number }>()
  const late = new Map<string, number>()
  return effects.flatMap((each) => {
    const { incarnation, partition, offset } = each
    const at = reached.get(partition) ?? { incarnation, offset }
    reached.set(partition, at)
    if (incarnation < at.incarnation) {
      const who = `${incarnation} ${partition}`
      late.set(who, (late.get(who) ?? 0) + 1)
      return (late.get(who) ?? 0) > 2 ? [`P11 effects of a replaced process: ${place(each)}`] : []
    }
    const isBehind = offset < at.offset
    reached.set(partition, { incarnation, offset: Math.max(offset, at.offset) })
    return isBehind ? [`P11 the effect of ${place(each)} ran again after that of ${partition}/${at.offset}`] : []
  })
}

/** Read your writes; a session never goes back; nobody notices a rebuild. */
function ofQueries({ queries, log }: History): readonly string[] {
  const newest = new Map<string, bigint>()
  return queries.flatMap((query) => {
    const { session, during, account, token, outcome, seen, isLate, error } = query
    const where = `${account} at version ${seen} to session ${session} (${during})`
    if (outcome === 'error' && isQuietRebuild(during)) return [`P6 a reader got an error in a rebuild: ${error}`]
    if (outcome !== 'visible') return []
    const found: string[] = []
    if (seen < token.version && !isHeldBack(query, log))
      found.push(`P7 shown ${where}, although version ${token.version} was acknowledged and waited for`)
    const before = newest.get(`${session} ${account}`) ?? 0n
    if (!isLate && seen < before) found.push(`P7 shown ${where}, after version ${before}: the session went back`)
    if (!isLate && seen > before) newest.set(`${session} ${account}`, seen)
    return found
  })
}

/** A parked event is passed, and the rows of its key are older. */
function isHeldBack({ account, token, isParked }: Query, log: readonly LogEvent[]): boolean {
  return isParked && log.some(({ key, note, offset }) => key === account && note === POISON && offset <= token.offset)
}

/** Cause before effect, across partitions: where a process manager writes what follows from what it has seen. */
function ofCauses({ effects, log, firstEnds }: History): readonly string[] {
  const events = new Map(log.map((event) => [place(event), event]))
  const sighted = new Map<string, number>()
  for (const [index, each] of effects.entries()) if (!sighted.has(place(each))) sighted.set(place(each), index)
  const sightingOf = (at: string): number => sighted.get(at) ?? Infinity
  const answered = new Set<string>()
  const answers = log.flatMap((event) => {
    const cause = causeOf(event.note)
    if (cause === undefined) return []
    answered.add(place(cause))
    if (events.get(place(cause))?.note !== ASKS)
      return [`P8 ${place(event)} answers ${place(cause)}, which never asked`]
    const isAfter = sightingOf(place(cause)) < sightingOf(place(event))
    return isAfter ? [] : [`P8 the effect of ${place(event)} was seen before that of its cause ${place(cause)}`]
  })
  const asking = log.filter((event) => event.note === ASKS && event.offset >= (firstEnds[event.partition] ?? 0))
  return [
    ...[...sighted.keys()].filter((at) => !events.has(at)).map((at) => `P8 an effect of what never happened: ${at}`),
    ...answers,
    ...asking.filter((event) => !answered.has(place(event))).map((event) => `P11 nothing answers ${place(event)}`),
  ]
}
