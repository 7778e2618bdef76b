import type { Asked, LogEvent } from './history.ts'

/** What the aggregates of `aggregates.ts` should do, said again without them. */
export interface Replica {
  readonly count: number
  readonly sum: number
}

export const empty: Replica = { count: 0, sum: 0 }

export function after({ count, sum }: Replica, { type, data }: Pick<LogEvent, 'type' | 'data'>): Replica {
  const { amount = 0 } = data as { readonly amount?: number }
  const sign = type === 'faults.Credited' ? 1 : type === 'faults.Debited' ? -1 : 0
  return { count: count + 1, sum: sum + sign * amount }
}

export type Judgement =
  | { readonly code: string; readonly details: unknown }
  | { readonly events: readonly { readonly type: string; readonly data: unknown }[] }

export function judge({ count, sum }: Replica, { name, payload }: Pick<Asked, 'name' | 'payload'>): Judgement {
  const { amount, values } = payload as { readonly amount: number; readonly values: readonly number[] }
  if (name === 'Credit') return { events: [{ type: 'faults.Credited', data: { amount } }] }
  if (name === 'Debit')
    return sum < amount
      ? { code: 'NOT_ENOUGH', details: { balance: sum } }
      : { events: [{ type: 'faults.Debited', data: { amount } }] }
  if (count % 5 === 0 && values.length > 1) return { code: 'ONE_AT_A_TIME', details: { length: count } }
  return { events: values.map((value) => ({ type: 'faults.Appended', data: { value } })) }
}
