import { describe, expect, it } from 'vitest'
import { DESCRIPTOR, descriptorOf } from './descriptor.ts'
import { defineErrors } from './errors.ts'
import { defineEvent } from './event.ts'
import { on, projector } from './projector.ts'

const Happened = defineEvent<'demo.Happened', { readonly what: string }>({
  name: 'demo.Happened',
  versions: [{ version: 1, schema: 'string' }],
})
const options = { name: 'log', version: 1, from: ['demo.a', 'demo.a', 'demo.b'], store: 'memory', setup: () => {} }

describe('a projector as a plain value', () => {
  it('names each topic once and waits for nobody', () => {
    const described = projector({ ...options, on: [on(Happened, () => {})] })
    expect(described).toMatchObject({ kind: 'projector', topics: ['demo.a', 'demo.b'], start: 'auto' })
    expect([...described.handlers.keys()]).toEqual(['demo.Happened'])
  })

  it('refuses to read nothing, a version that is none, and an event that stands twice', () => {
    const row = on(Happened, () => {})
    expect(() => projector({ ...options, from: [], on: [] })).toThrow(/reads nothing/)
    expect(() => projector({ ...options, version: 0, on: [] })).toThrow(/version/)
    expect(() => projector({ ...options, on: [row, row] })).toThrow(/demo\.Happened twice/)
  })
})

describe('descriptorOf', () => {
  const described = projector({ ...options, on: [] })

  it('takes the value, or the class that carries it', () => {
    class Carrier {
      static readonly [DESCRIPTOR] = () => described
    }
    expect(descriptorOf(described, 'projector')).toBe(described)
    expect(descriptorOf(Carrier, 'projector')).toBe(described)
  })

  it('says what is wrong with anything else', () => {
    class Plain {}
    expect(() => descriptorOf(Plain, 'projector')).toThrow(/class Plain is no projector/)
    expect(() => descriptorOf(Plain, 'aggregate')).toThrow(/class Plain is no aggregate/)
  })
})

describe('an error table', () => {
  const fail = defineErrors({ DISK_FULL: { retriable: true, fix: 'make room' } })

  it('makes errors that say code, cause and fix in one line', () => {
    const error = fail('DISK_FULL', 'no room for 5 bytes', { cause: new Error('ENOSPC'), details: { bytes: 5 } })
    expect(String(error)).toBe('DISK_FULL: no room for 5 bytes. Fix: make room')
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      retriable: true,
      details: { bytes: 5 },
      cause: { message: 'ENOSPC' },
    })
  })
})
