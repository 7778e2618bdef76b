import type { LogEvent } from './log-reader.ts'
import type { Operation } from './workload.ts'

export interface Recorded {
  /** The events of the account topic. */
  readonly events: readonly LogEvent[]
  readonly history: ReadonlyMap<string, Operation>
  /** The bank's own balances, in cents by account. */
  readonly balances: ReadonlyMap<string, bigint>
}

/** What is wrong with a recorded run, one line each; nothing when it is as promised. */
export function violations(recorded: Recorded): readonly string[] {
  return CHECKS.flatMap((check) => check(recorded))
}

type Check = (recorded: Recorded) => readonly string[]

/** Versions of every account are 1, 2, 3 … in log order, and an account stays in its partition. */
const gapless: Check = ({ events }) => {
  const last = new Map<string, { version: number; partition: number }>()
  return events.flatMap(({ key, version, partition, offset }) => {
    const before = last.get(key)
    last.set(key, { version, partition })
    const fits = version === (before?.version ?? 0) + 1 && partition === (before?.partition ?? partition)
    return fits ? [] : [`gapless: ${key} has version ${version} after ${before?.version} at ${partition}/${offset}`]
  })
}

/** Every command id has one group of events, whole and contiguous. */
const onceAndWhole: Check = ({ events }) => {
  const groups = Map.groupBy(events, ({ commandId }) => commandId)
  return [...groups].flatMap(([commandId, group]) => {
    const whole = group.length === group[0]?.size && group.every(({ index }, place) => index === place)
    return whole ? [] : [`once: ${commandId} has ${group.length} of ${group[0]?.size} events`]
  })
}

/** What was acknowledged is there, with the version that was acknowledged. */
const nothingLost: Check = ({ events, history }) => {
  const byCommand = Map.groupBy(events, ({ commandId }) => commandId)
  return [...history.values()].flatMap(({ commandId, kind, outcome, version }) => {
    if (outcome !== 'committed') return []
    const expected = kind === 'payment' ? [`${commandId}:withdraw`, `${commandId}:deposit`] : [commandId]
    return expected.flatMap((id) => {
      const stored = byCommand.get(id)?.at(-1)
      if (stored === undefined) return [`lost: ${id} was acknowledged and is not in the log`]
      const same = kind === 'payment' || stored.version === version
      return same ? [] : [`lost: ${id} was acknowledged with version ${version} and is stored with ${stored.version}`]
    })
  })
}

/** Nothing is in the log that nobody sent, or that was refused. */
const nothingMadeUp: Check = ({ events, history }) =>
  events.flatMap(({ commandId }) => {
    const operation = history.get(commandId.split(':')[0] ?? '')
    const refused = operation?.outcome === 'rejected' && operation.kind !== 'payment'
    return operation === undefined || refused
      ? [`made up: ${commandId} is in the log, but was ${operation?.outcome}`]
      : []
  })

/** No account goes below zero; the read model equals the fold of the log. */
const folded: Check = ({ events, balances }) => {
  const fold = new Map<string, bigint>()
  const below: string[] = []
  for (const event of events) {
    const balance = (fold.get(event.key) ?? 0n) + centsOf(event)
    if (balance < 0n) below.push(`overdrawn: ${event.key} at ${event.partition}/${event.offset}`)
    fold.set(event.key, balance)
  }
  const keys = new Set([...fold.keys(), ...balances.keys()])
  const different = [...keys].filter((key) => fold.get(key) !== balances.get(key))
  return [
    ...below,
    ...different.map((key) => `read model: ${key} shows ${balances.get(key)}, the log says ${fold.get(key)}`),
  ]
}

/** Payments move money and make none: all that is there came in by deposits and did not go out by withdrawals. */
const conserved: Check = ({ events, balances }) => {
  const isPayment = ({ commandId }: LogEvent) => commandId.includes(':')
  const sum = (list: readonly bigint[]) => list.reduce((total, cents) => total + cents, 0n)
  const moved = sum(events.filter(isPayment).map(centsOf))
  const paid = sum(events.filter((event) => !isPayment(event)).map(centsOf))
  const held = sum([...balances.values()])
  return moved === 0n && paid === held
    ? []
    : [`conserved: payments add up to ${moved}; ${paid} came in, ${held} is held`]
}

const CHECKS: readonly Check[] = [gapless, onceAndWhole, nothingLost, nothingMadeUp, folded, conserved]

function centsOf({ type, data }: LogEvent): bigint {
  const { amountCents = 0 } = data as { amountCents?: number | string }
  const cents = BigInt(amountCents)
  return type === 'bank.MoneyWithdrawn' ? -cents : cents
}
