import { defineCommand, defineEvent, type DecisionContext, descriptorOf, reject } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { Aggregate, Applies, Handles } from './aggregate.decorator.ts'
import { describeProjector, Effect, On, Projector } from './projector.decorator.ts'

class Fill extends defineCommand<{ cupId: string; ml: number }>({ name: 'tea.Fill', key: 'cupId' }) {}

interface Filled {
  readonly ml: number
}
const Filled = defineEvent<'tea.Filled', Filled>({ name: 'tea.Filled', versions: [{ version: 1, schema: 'int' }] })

@Aggregate({ name: 'cup', topic: 'tea.cup' })
class Cup {
  ml = 0

  @Handles(Fill)
  fill({ ml }: Fill, { version }: DecisionContext) {
    return this.ml + ml > 250 ? reject('CUP_FULL', `at version ${version}`) : Filled({ ml })
  }

  @Applies(Filled)
  filled({ ml }: Filled) {
    this.ml += ml
  }
}

const context: DecisionContext = {
  key: 'c',
  version: 3,
  commandId: 'id',
  now: new Date(0),
  newId: () => '',
  stateOf: () => {
    throw new TypeError('no other aggregate is asked for here')
  },
}

describe('an aggregate as a class', () => {
  const cup = descriptorOf(Cup, 'aggregate')

  it('compiles to the same descriptor as a plain value', () => {
    expect(cup).toMatchObject({ kind: 'aggregate', name: 'cup', topic: 'tea.cup' })
    expect(cup.commands).toEqual([Fill])
    expect(cup.events).toEqual([Filled])
    expect(descriptorOf(Cup, 'aggregate')).toBe(cup)
  })

  it('has its instances as states, and its methods called on them', () => {
    const state = cup.initialState()
    const evolve = cup.evolve.get('tea.Filled')
    const decide = cup.decide.get('tea.Fill')
    expect(evolve?.(state, { ml: 200 }, { key: 'c', version: 1, time: new Date(0) })).toBe(state)
    expect(state).toMatchObject({ ml: 200 })
    expect(decide?.(new Fill({ cupId: 'c', ml: 50 }), state, context)).toEqual(Filled({ ml: 50 }))
    expect(decide?.(new Fill({ cupId: 'c', ml: 51 }), state, context)).toMatchObject({
      code: 'CUP_FULL',
      message: 'at version 3',
    })
    expect(cup.initialState()).toMatchObject({ ml: 0 })
  })
})

@Projector({ name: 'volumes', version: 2, from: [Cup], store: 'memory' })
class Volumes {
  readonly seen: number[] = []

  setup() {
    this.seen.push(-1)
  }

  @On(Filled)
  filled({ ml }: Filled) {
    this.seen.push(ml)
  }

  @Effect(Filled)
  ring({ ml }: Filled) {
    this.seen.push(-ml)
  }
}

describe('a projector as a class', () => {
  it('is described around the instance that is given', async () => {
    const instance = new Volumes()
    const described = describeProjector(Volumes, instance)
    expect(described).toMatchObject({
      kind: 'projector',
      name: 'volumes',
      version: 2,
      topics: ['tea.cup'],
      start: 'auto',
    })
    await described.setup(undefined)
    await described.handlers.get('tea.Filled')?.({ ml: 7 }, {} as never)
    await described.effects.get('tea.Filled')?.({ ml: 7 }, {} as never)
    expect(instance.seen).toEqual([-1, 7, -7])
  })

  it('describes itself for tests, too', () => {
    expect(descriptorOf(Volumes, 'projector')).toMatchObject({ name: 'volumes', version: 2 })
  })

  it('says what is missing on a class without the decorator', () => {
    class Plain {}
    expect(() => describeProjector(Plain, new Plain())).toThrow(/put @Projector/)
  })
})
