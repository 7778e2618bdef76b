import type { History, Outcome, Position, SeenRecord, SentRecord } from './history.ts'

/** What is wrong with a history, one line each, beginning with the name of the check; nothing when it is as promised. */
export function violations(history: History): string[] {
  const context = { history, ...indexed(history) }
  return checks.flatMap((check) => check(context))
}

interface Context {
  readonly history: History
  readonly outcomes: ReadonlyMap<string, Outcome>
  readonly finalByValue: ReadonlyMap<string, readonly SeenRecord[]>
  readonly sentByValue: ReadonlyMap<string, SentRecord>
}

type Check = (context: Context) => string[]

function indexed(history: History): Omit<Context, 'history'> {
  return {
    outcomes: new Map(history.transactions.map(({ id, outcome }) => [id, outcome])),
    finalByValue: Map.groupBy(history.final, ({ value }) => value),
    sentByValue: new Map(history.records.map((record) => [record.value, record])),
  }
}

/** Every acknowledged record is there, at the offset that was acknowledged. */
const nothingLost: Check = (context) =>
  context.history.records.flatMap((record) => {
    if (outcomeOf(record, context) !== 'acknowledged') return []
    const stored = context.finalByValue.get(record.value) ?? []
    if (stored.length === 0) return [`lost: ${placeOf(record)} was acknowledged and is not there`]
    const { offset } = record
    const isThere = offset === undefined || stored.some((each) => each.offset === offset)
    return isThere ? [] : [`lost: ${placeOf(record)} was acknowledged at ${offset} and is at ${stored[0]?.offset}`]
  })

/** Nothing is there twice. */
const nothingTwice: Check = ({ finalByValue }) =>
  [...finalByValue].flatMap(([value, stored]) =>
    stored.length < 2 ? [] : [`duplicate: ${value} is at ${stored.map(({ offset }) => offset).join(' and ')}`],
  )

/** Nothing is there that nobody sent to this partition, or that was refused. */
const nothingMadeUp: Check = (context) =>
  context.history.final.flatMap((record) => {
    const sent = context.sentByValue.get(record.value)
    if (sent === undefined || sent.topic !== record.topic || sent.partition !== record.partition) {
      return [`made up: nobody sent ${placeOf(record)}`]
    }
    const isRefused = sent.transaction === undefined && outcomeOf(sent, context) === 'refused'
    return isRefused ? [`made up: ${placeOf(record)} was refused`] : []
  })

/** Records of one producer in one partition are in the order in which they were sent. */
const inOrder: Check = ({ history, sentByValue }) => {
  const order = new Map(history.records.map(({ value }, index) => [value, index]))
  const last = new Map<string, { order: number; value: string }>()
  return history.final.flatMap(({ topic, partition, value }) => {
    const key = `${sentByValue.get(value)?.producer} in ${topic}-${partition}`
    const before = last.get(key)
    const here = order.get(value) ?? -1
    if (before === undefined || here >= before.order) last.set(key, { order: here, value })
    return before === undefined || here >= before.order ? [] : [`reordered: ${value} behind ${before.value}, ${key}`]
  })
}

/** A read_committed reader never sees a record of an aborted transaction. */
const nothingAborted: Check = (context) =>
  [...context.history.seen, ...context.history.final].flatMap((record) => {
    const sent = context.sentByValue.get(record.value)
    if (record.isolation !== 'read_committed' || sent?.transaction === undefined) return []
    const isAborted = outcomeOf(sent, context) === 'refused'
    return isAborted ? [`aborted read: ${record.reader} saw ${placeOf(record)} of ${sent.transaction}`] : []
  })

/**
 * An offset holds one record for ever: what one reader saw there, all see, also after a crash. A read_uncommitted reader
 * may see what later turns out as aborted, but nobody else sees anything else in that place.
 */
const nothingVanishes: Check = ({ history }) => {
  const known = new Map<string, SeenRecord>()
  const atOffset = ({ topic, partition, offset }: SeenRecord): string => `${topic}-${partition}@${offset}`
  for (const record of history.final) known.set(atOffset(record), record)
  return history.seen.flatMap((record) => {
    const other = known.get(atOffset(record))
    if (other === undefined && record.isolation === 'read_uncommitted') {
      known.set(atOffset(record), record)
      return []
    }
    if (other?.value === record.value) return []
    return [`vanished: ${record.reader} saw ${placeOf(record)}; there is ${other?.value ?? 'nothing'} now`]
  })
}

/** The records of a transaction are all there or none, and so is the position it gave to a group. */
const wholeTransactions: Check = (context) => {
  const { history, finalByValue } = context
  const byTransaction = Map.groupBy(history.records, ({ transaction }) => transaction)
  return history.transactions.flatMap(({ id, position }) => {
    const sent = byTransaction.get(id) ?? []
    const there = sent.filter(({ value }) => finalByValue.has(value))
    if (there.length > 0 && there.length < sent.length) {
      const missing = sent.filter(({ value }) => !finalByValue.has(value)).map(placeOf)
      return [`torn: ${id} has ${there.length} of ${sent.length} records; missing ${missing.join(', ')}`]
    }
    if (position === undefined || there.length === 0) return []
    const stored = positionOf(history.finalPositions, position)
    return stored >= position.offset ? [] : [`torn: ${id} is there, but ${group(position)} is at ${stored}`]
  })
}

/** A group is where a transaction that is not there, or nobody, has put it. */
const noTornPositions: Check = ({ history, finalByValue, outcomes }) => {
  const byTransaction = Map.groupBy(history.records, ({ transaction }) => transaction)
  // One that wrote no records is there if it may have been committed.
  const isThere = (id: string): boolean =>
    byTransaction.get(id)?.some(({ value }) => finalByValue.has(value)) ?? outcomes.get(id) !== 'refused'
  return history.finalPositions.flatMap((stored) => {
    if (stored.offset < 0) return []
    const origins = history.positions.filter(
      (event) => event.kind === 'sent' && event.offset === stored.offset && group(event) === group(stored),
    )
    const isExplained = origins.some(({ transaction }) => transaction === undefined || isThere(transaction))
    return isExplained ? [] : [`torn: ${group(stored)} is at ${stored.offset}, from nothing that was committed`]
  })
}

/** A position that was acknowledged or seen is never followed by a smaller one (these groups only move forward). */
const onlyForward: Check = ({ history, outcomes }) => {
  const reached = new Map<string, number>()
  const events = [
    ...history.positions,
    ...history.finalPositions.map((each) => ({ ...each, kind: 'fetched' as const })),
  ]
  return events.flatMap((event) => {
    const key = group(event)
    const before = reached.get(key) ?? -1
    const isReached = event.kind === 'fetched' || (event.kind === 'acknowledged' && isCommitted(event, outcomes))
    if (isReached && event.offset > before) reached.set(key, event.offset)
    const wentBack = event.kind === 'fetched' && event.offset < before
    return wentBack ? [`offset back: ${key} was at ${before} and is at ${event.offset}`] : []
  })
}

const checks: readonly Check[] = [
  nothingLost,
  nothingTwice,
  nothingMadeUp,
  inOrder,
  nothingAborted,
  nothingVanishes,
  wholeTransactions,
  noTornPositions,
  onlyForward,
]

function outcomeOf({ transaction, outcome }: SentRecord, { outcomes }: Context): Outcome {
  return transaction === undefined ? outcome : (outcomes.get(transaction) ?? 'unknown')
}

function isCommitted({ transaction }: { transaction?: string }, outcomes: Context['outcomes']): boolean {
  return transaction === undefined || outcomes.get(transaction) === 'acknowledged'
}

function positionOf(positions: readonly Position[], wanted: Position): number {
  return positions.find((position) => group(position) === group(wanted))?.offset ?? -1
}

function group({ group, topic, partition }: Position): string {
  return `${group} in ${topic}-${partition}`
}

function placeOf({ value, topic, partition }: { value: string; topic: string; partition: number }): string {
  return `${value} (${topic}-${partition})`
}
