import { aggregate, defineCommand, handles, projector } from '@keyfold/eventsourcing'
import { describe, expect, it } from 'vitest'
import { KeyfoldFeatures } from './features.ts'

class Do extends defineCommand<{ id: string }>({ name: 'x.Do', key: 'id' }) {}

const make = (name: string, topic: string, decide = [handles(Do, () => undefined)]) =>
  aggregate({ name, topic, initialState: () => ({}), decide, evolve: [] })

describe('the features of an application', () => {
  it('may be asked for twice by the same module', () => {
    const features = new KeyfoldFeatures()
    const cup = make('cup', 't')
    features.addAggregate(cup)
    features.addAggregate(cup)
    expect(features.aggregates).toEqual([cup])
  })

  it('may not share a name', () => {
    const features = new KeyfoldFeatures()
    features.addAggregate(make('cup', 't'))
    expect(() => features.addAggregate(make('cup', 'other'))).toThrow(/two aggregates are called cup/)
    const rows = () => projector({ name: 'rows', version: 1, from: ['t'], store: 's', setup: () => {}, on: [] })
    features.addProjector(rows())
    expect(() => features.addProjector(rows())).toThrow(/two projectors are called rows/)
  })

  it('may not share a topic or a command', () => {
    const topics = new KeyfoldFeatures()
    topics.addAggregate(make('cup', 't', []))
    topics.addAggregate(make('pot', 't', []))
    expect(() => topics.check()).toThrow(/cup and pot share the topic t/)
    const commands = new KeyfoldFeatures()
    commands.addAggregate(make('cup', 't'))
    commands.addAggregate(make('pot', 'u'))
    expect(() => commands.check()).toThrow(/share the command x\.Do/)
  })
})
