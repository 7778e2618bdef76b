import { aggregate, applies, defineCommand, defineEvent, handles, reject } from '@keyfold/eventsourcing'

/*
 * Aggregates that are easy to judge: a list to which unique numbers are appended, and accounts that must not go below
 * zero. `replica.ts` says the same again for the checker, in other words.
 */

function recordOf(name: string, field: string) {
  return { type: 'record', name, namespace: 'faults', fields: [{ name: field, type: 'int' }] } as const
}

const Appended = defineEvent<'faults.Appended', { value: number }>({
  name: 'faults.Appended',
  versions: [{ version: 1, schema: recordOf('Appended', 'value') }],
})
const Credited = defineEvent<'faults.Credited', { amount: number }>({
  name: 'faults.Credited',
  versions: [{ version: 1, schema: recordOf('Credited', 'amount') }],
})
const Debited = defineEvent<'faults.Debited', { amount: number }>({
  name: 'faults.Debited',
  versions: [{ version: 1, schema: recordOf('Debited', 'amount') }],
})

/** Appends every value, as an event each: all or nothing. A list whose length is a multiple of five takes one value only. */
export class Append extends defineCommand<{ readonly list: string; readonly values: readonly number[] }>({
  name: 'faults.Append',
  key: 'list',
}) {}
export class Credit extends defineCommand<{ readonly account: string; readonly amount: number }>({
  name: 'faults.Credit',
  key: 'account',
}) {}
export class Debit extends defineCommand<{ readonly account: string; readonly amount: number }>({
  name: 'faults.Debit',
  key: 'account',
}) {}

export const commandTypes = { Append, Credit, Debit } as const
export type CommandName = keyof typeof commandTypes

interface List {
  readonly length: number
}

const listIn = (topic: string) =>
  aggregate<List>({
    name: 'list',
    topic,
    initialState: () => ({ length: 0 }),
    decide: [
      handles(Append, ({ values }, { length }: List) => {
        if (length % 5 === 0 && values.length > 1) return reject('ONE_AT_A_TIME', 'one value is taken now', { length })
        return values.map((value) => Appended({ value }))
      }),
    ],
    evolve: [applies(Appended, ({ length }: List) => ({ length: length + 1 }))],
  })

interface Account {
  readonly balance: number
}

const accountIn = (topic: string) =>
  aggregate<Account>({
    name: 'account',
    topic,
    initialState: () => ({ balance: 0 }),
    decide: [
      handles(Credit, ({ amount }) => Credited({ amount })),
      handles(Debit, ({ amount }, { balance }: Account) =>
        amount > balance ? reject('NOT_ENOUGH', `${balance} is there`, { balance }) : Debited({ amount }),
      ),
    ],
    evolve: [
      applies(Credited, ({ balance }: Account, { amount }) => ({ balance: balance + amount })),
      applies(Debited, ({ balance }: Account, { amount }) => ({ balance: balance - amount })),
    ],
  })

/** Every run is an application of its own, so that one cluster can have many. */
export function topicsOf(application: string): readonly [list: string, account: string] {
  return [`${application}.list`, `${application}.account`]
}

export function aggregatesOf(application: string) {
  const [list, account] = topicsOf(application)
  return [listIn(list), accountIn(account)]
}
