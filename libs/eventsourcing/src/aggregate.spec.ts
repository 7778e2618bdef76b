import { describe, expect, it } from 'vitest'
import { aggregate, applies, type DecisionContext, handles } from './aggregate.ts'
import { commandDefinitionOf, defineCommand } from './command.ts'
import { defineEvent } from './event.ts'
import { isRejection, reject } from './rejection.ts'

class Increment extends defineCommand<{ counterId: string; by: number }>({
  name: 'demo.Increment',
  key: 'counterId',
}) {}

interface Incremented {
  readonly by: number
}
const Incremented = defineEvent<'demo.Incremented', Incremented>({
  name: 'demo.Incremented',
  versions: [{ version: 1, schema: 'int' }],
})

interface Count {
  readonly count: number
}
const rows = {
  decide: [handles(Increment, ({ by }, _state: Count) => (by > 0 ? Incremented({ by }) : reject('NOT_POSITIVE')))],
  evolve: [applies(Incremented, ({ count }: Count, { by }) => ({ count: count + by }))],
}
const Counter = aggregate<Count>({
  name: 'counter',
  topic: 'demo.counter',
  initialState: () => ({ count: 0 }),
  ...rows,
})

const context: DecisionContext = {
  key: 'c-1',
  version: 0,
  commandId: 'id',
  now: new Date(0),
  newId: () => 'new',
  stateOf: () => {
    throw new TypeError('no other aggregate is asked for here')
  },
}

describe('an aggregate as a plain value', () => {
  it('finds decisions by command name and steps by event name', () => {
    const decide = Counter.decide.get('demo.Increment')
    expect(decide?.(new Increment({ counterId: 'c-1', by: 2 }), Counter.initialState(), context)).toEqual({
      type: 'demo.Incremented',
      data: { by: 2 },
    })
    const evolve = Counter.evolve.get('demo.Incremented')
    expect(evolve?.({ count: 1 }, { by: 2 }, { key: 'c-1', version: 1, time: new Date(0) })).toEqual({ count: 3 })
  })

  it('refuses a command or an event that stands twice', () => {
    const { decide, evolve } = rows
    const make = (more: Partial<typeof rows>) =>
      aggregate<Count>({ name: 'counter', topic: 't', initialState: () => ({ count: 0 }), decide, evolve, ...more })
    expect(() => make({ decide: [...decide, ...decide] })).toThrow(/demo\.Increment twice/)
    expect(() => make({ evolve: [...evolve, ...evolve] })).toThrow(/demo\.Incremented twice/)
  })

  it('refuses to be nameless', () => {
    expect(() => aggregate<Count>({ name: '', topic: 't', initialState: () => ({ count: 0 }), ...rows })).toThrow(
      /name/,
    )
  })
})

describe('a command', () => {
  it('carries its payload, frozen, and its definition', () => {
    const command = new Increment({ counterId: 'c-1', by: 2 })
    expect(command).toMatchObject({ counterId: 'c-1', by: 2 })
    expect(Object.isFrozen(command)).toBe(true)
    expect(commandDefinitionOf(command)).toMatchObject({ name: 'demo.Increment', key: 'counterId' })
    expect(commandDefinitionOf({})).toBeUndefined()
  })
})

describe('an event type', () => {
  it('makes events and knows its versions', () => {
    expect(Incremented({ by: 1 })).toEqual({ type: 'demo.Incremented', data: { by: 1 } })
    expect(Incremented.eventName).toBe('demo.Incremented')
    expect(Incremented.name).toBe('demo.Incremented')
  })

  it('refuses versions with gaps', () => {
    const define = (versions: readonly number[]) =>
      defineEvent({ name: 'demo.E', versions: versions.map((version) => ({ version, schema: 'int' })) })
    expect(() => define([])).toThrow(/without gaps/)
    expect(() => define([1, 3])).toThrow(/without gaps/)
    expect(() => define([2])).toThrow(/without gaps/)
  })
})

describe('a rejection', () => {
  it('is a value with a code and words', () => {
    expect(reject('NOT_POSITIVE')).toEqual({
      kind: 'rejection',
      code: 'NOT_POSITIVE',
      message: 'not positive',
      details: {},
    })
    expect(isRejection(reject('NO'))).toBe(true)
    expect(isRejection(Incremented({ by: 1 }))).toBe(false)
    expect(isRejection(undefined)).toBe(false)
  })
})
