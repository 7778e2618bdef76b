import { aggregate, applies, defineCommand, defineEvent, handles, reject } from '@keyfold/eventsourcing'

/** A small aggregate for tests of the event store: a counter that can be added to up to a limit. */

export const Added = defineEvent<'test.Added', { amount: number }>({
  name: 'test.Added',
  versions: [
    {
      version: 1,
      schema: { type: 'record', name: 'Added', namespace: 'test', fields: [{ name: 'amount', type: 'int' }] },
    },
  ],
})

export const Noted = defineEvent<'test.Noted', { text: string; lang: string }, { text: string; lang?: string }>({
  name: 'test.Noted',
  versions: [
    {
      version: 1,
      schema: { type: 'record', name: 'Noted', namespace: 'test', fields: [{ name: 'text', type: 'string' }] },
    },
    {
      version: 2,
      schema: {
        type: 'record',
        name: 'Noted',
        namespace: 'test',
        fields: [
          { name: 'text', type: 'string' },
          { name: 'lang', type: 'string', default: 'en' },
        ],
      },
    },
  ],
})

export const Unlisted = defineEvent<'test.Unlisted', object>({
  name: 'test.Unlisted',
  versions: [{ version: 1, schema: { type: 'record', name: 'Unlisted', namespace: 'test', fields: [] } }],
})

export class Add extends defineCommand<{ readonly id: string; readonly amount: number; readonly times?: number }>({
  name: 'test.Add',
  key: 'id',
}) {}
export class Note extends defineCommand<{ readonly id: string; readonly text: string; readonly lang?: string }>({
  name: 'test.Note',
  key: 'id',
}) {}
/** What goes wrong when it is handled. */
export class Misbehave extends defineCommand<{
  readonly id: string
  readonly how: 'throw' | 'misfit' | 'unlisted' | 'poison' | 'nothing' | 'promise' | 'huge'
}>({ name: 'test.Misbehave', key: 'id' }) {}

interface Counter {
  total: number
  notes: readonly string[]
}

export const limit = 1_000

/** The state is changed in place, as decorated aggregates do it. */
export function counterOn(topic: string) {
  return aggregate<Counter>({
    name: topic,
    topic,
    initialState: () => ({ total: 0, notes: [] }),
    decide: [
      handles(Add, ({ amount, times = 1 }, { total }: Counter) => {
        if (amount === 0) return undefined
        if (total + amount * times > limit) return reject('OVER_LIMIT', `${total} is near the limit`, { total })
        return Array.from({ length: times }, () => Added({ amount }))
      }),
      handles(Note, ({ text, lang }) => Noted(lang === undefined ? { text } : { text, lang })),
      handles(Misbehave, ({ how }) => misbehave(how)),
    ],
    evolve: [
      applies(Added, (state: Counter, { amount }) => {
        state.total += amount
        if (amount === -666) throw new Error('poisoned half-way')
        return state
      }),
      applies(Noted, (state: Counter, { text }) => ({ ...state, notes: [...state.notes, text] })),
    ],
  })
}

function misbehave(how: Misbehave['how']) {
  if (how === 'throw') throw new Error('a bug in the handler')
  if (how === 'misfit') return Added({ amount: 'many' as unknown as number })
  if (how === 'unlisted') return Unlisted({})
  if (how === 'poison') return Added({ amount: -666 })
  if (how === 'huge') return Noted({ text: 'x'.repeat(2_000_000) })
  if (how === 'promise') return Promise.resolve(undefined) as unknown as undefined
  return undefined
}
