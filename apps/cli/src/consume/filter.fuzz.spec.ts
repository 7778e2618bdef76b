import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CliError } from '../cli-error.ts'
import { compileFilter } from './filter.ts'

const words = ['key', 'value.a', 'headers', '(', ')', '&&', '||', '!', '==', '<', "'x'", '1', 'null', '.', '['] as const
const sentence = fc.array(fc.constantFrom(...words)).map((chosen) => chosen.join(' '))

describe('a filter', () => {
  it('answers yes or no, or is refused; whatever it is made of', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), sentence), (text) => {
        try {
          expect(compileFilter(text)({ key: 'x', value: { a: 1 }, headers: {} })).toBeTypeOf('boolean')
        } catch (error) {
          if (!(error instanceof CliError)) throw error
          expect(error.code).toBe('FILTER_INVALID')
        }
      }),
    )
  })
})
