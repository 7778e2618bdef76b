import { printed } from './printed.ts'

/**
 * A failed expectation. Test runners recognise it by its name and print the difference between `actual` and `expected`
 * themselves; the message says the same for those that do not.
 */
export class ExpectationFailed extends Error {
  override readonly name = 'AssertionError'
  readonly code = 'ERR_ASSERTION'
  readonly generatedMessage = false
  readonly operator = 'deepStrictEqual'
  readonly showDiff: boolean
  readonly actual: unknown
  readonly expected: unknown

  constructor(what: string, difference?: { readonly actual: unknown; readonly expected: unknown }) {
    const lines = difference && [
      `  expected: ${printed(difference.expected)}`,
      `  but got:  ${printed(difference.actual)}`,
    ]
    super([what, ...(lines ?? [])].join('\n'))
    this.showDiff = difference !== undefined
    this.actual = difference?.actual
    this.expected = difference?.expected
  }
}
