import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { parsePrometheusText, unescapedLabel } from '../testing/prometheus-text.ts'
import { Exposition } from './exposition.ts'

it('any name of a group comes through, whatever it is made of', () => {
  const awkward = fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', '{', '}', ',', '=', ' ', 'ü', '🜁') })
  fc.assert(
    fc.property(fc.oneof(awkward, fc.string({ unit: 'binary' })), fc.double({ noNaN: true }), (group, value) => {
      const exposition = new Exposition(1)
      exposition.sample('keyfold_broker_group_members', value, group)
      const [[labels, read] = []] =
        parsePrometheusText(exposition.toString()).get('keyfold_broker_group_members')?.samples ?? []
      expect(unescapedLabel(/^group="(.*)"$/s.exec(labels ?? '')?.[1] ?? 'nothing')).toBe(group)
      expect(read).toBe(Object.is(value, -0) ? 0 : value)
    }),
  )
})
