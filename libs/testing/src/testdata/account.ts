import { aggregate, applies, defineCommand, defineEvent, handles, reject } from '@keyfold/eventsourcing'

/** A small aggregate for this library's own tests. */
export class Open extends defineCommand<{ id: string; owner: string }>({ name: 'test.Open', key: 'id' }) {}
export class Deposit extends defineCommand<{ id: string; amount: bigint }>({ name: 'test.Deposit', key: 'id' }) {}

export const Opened = defineEvent<
  'test.Opened',
  { owner: string; currency: string },
  { owner: string; currency?: string }
>({
  name: 'test.Opened',
  versions: [
    { version: 1, schema: record('Opened', [{ name: 'owner', type: 'string' }]) },
    {
      version: 2,
      schema: record('Opened', [
        { name: 'owner', type: 'string' },
        { name: 'currency', type: 'string', default: 'EUR' },
      ]),
    },
  ],
})

export const Deposited = defineEvent<'test.Deposited', { amount: bigint }>({
  name: 'test.Deposited',
  versions: [{ version: 1, schema: record('Deposited', [{ name: 'amount', type: 'long' }]) }],
})

export const Noticed = defineEvent<'test.Noticed', { at: Date; id: string }>({
  name: 'test.Noticed',
  versions: [
    {
      version: 1,
      schema: record('Noticed', [
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'id', type: 'string' },
      ]),
    },
  ],
})

interface State {
  readonly owner: string | undefined
  readonly currency: string | undefined
  readonly balance: bigint
}

export const Account = aggregate<State>({
  name: 'account',
  topic: 'test.account',
  initialState: () => ({ owner: undefined, currency: undefined, balance: 0n }),
  decide: [
    handles(Open, ({ owner }, state: State) =>
      state.owner === undefined ? Opened({ owner }) : reject('ALREADY_OPEN', undefined, { owner: state.owner }),
    ),
    handles(Deposit, ({ amount }, state: State, { now, newId }) => {
      if (state.owner === undefined) throw new RangeError('there is no account')
      if (amount === 0n) return undefined
      return amount > 1_000n ? [Deposited({ amount }), Noticed({ at: now, id: newId() })] : Deposited({ amount })
    }),
  ],
  evolve: [
    applies(Opened, (state: State, { owner, currency }) => ({ ...state, owner, currency })),
    applies(Deposited, (state: State, { amount }) => ({ ...state, balance: state.balance + amount })),
  ],
  emits: [Noticed],
})

function record(name: string, fields: readonly object[]): object {
  return { type: 'record', namespace: 'test', name, fields }
}
