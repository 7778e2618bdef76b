import { CliError } from '../cli-error.ts'
import { type FilterToken, filterTokens } from './filter-tokens.ts'

/** Names that a filter may begin a path with, and what they stand for. */
export type FilterScope = Readonly<Record<string, unknown>>

export type Filter = (scope: FilterScope) => boolean

type Value = (scope: FilterScope) => unknown

/** Deeper nesting than this is a mistake, or an attempt to exhaust the stack. */
const DEPTH_MAX = 64

/**
 * Compiles a filter into a function. The language has paths (`value.amount`, `headers['ce-type']`, `lines[0].sku`),
 * literals (numbers, texts in quotes, true, false, null), `== != < <= > >=`, `contains`, `startsWith`, `! && ||` and
 * parentheses. It computes nothing and calls nothing. A path that leads nowhere is null. Errors: `FILTER_INVALID`.
 */
export function compileFilter(text: string): Filter {
  const parser = new FilterParser(text)
  const value = parser.whole()
  return (scope) => isTrue(value(scope))
}

class FilterParser {
  readonly #text: string
  readonly #tokens: readonly FilterToken[]
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = filterTokens(text)
  }

  whole(): Value {
    const value = this.#or()
    if (this.#peek() !== undefined) throw this.#unexpected()
    return value
  }

  #or(): Value {
    let left = this.#and()
    while (this.#takes('||')) {
      const first = left
      const second = this.#and()
      left = (scope) => isTrue(first(scope)) || isTrue(second(scope))
    }
    return left
  }

  #and(): Value {
    let left = this.#not()
    while (this.#takes('&&')) {
      const first = left
      const second = this.#not()
      left = (scope) => isTrue(first(scope)) && isTrue(second(scope))
    }
    return left
  }

  #not(): Value {
    if (++this.#depth > DEPTH_MAX) throw invalid(this.#text, 'it is nested too deeply')
    let value: Value
    if (this.#takes('!')) {
      const inner = this.#not()
      value = (scope) => !isTrue(inner(scope))
    } else value = this.#comparison()
    this.#depth--
    return value
  }

  #comparison(): Value {
    const left = this.#operand()
    const operator = this.#peek()
    const compare = operator?.kind === 'operator' ? COMPARISONS[operator.text] : undefined
    if (compare === undefined) return left
    this.#at++
    const right = this.#operand()
    return (scope) => compare(left(scope), right(scope))
  }

  #operand(): Value {
    const token = this.#peek()
    if (token === undefined) throw invalid(this.#text, 'it ends too early')
    this.#at++
    if (token.kind === 'literal') return () => token.value
    if (token.kind === 'path') return this.#path(token.steps)
    if (token.text !== '(') {
      this.#at--
      throw this.#unexpected()
    }
    const value = this.#or()
    if (!this.#takes(')')) throw invalid(this.#text, 'a closing parenthesis is missing')
    return value
  }

  #path(steps: readonly (string | number)[]): Value {
    const [root = '', ...rest] = steps
    if (!ROOTS.includes(String(root)))
      throw invalid(this.#text, `${String(root)} is not known; paths begin with ${ROOTS.join(', ')}`)
    return (scope) => rest.reduce<unknown>(memberOf, scope[root])
  }

  #takes(operator: string): boolean {
    const token = this.#peek()
    if (token?.kind !== 'operator' || token.text !== operator) return false
    this.#at++
    return true
  }

  #peek(): FilterToken | undefined {
    return this.#tokens[this.#at]
  }

  #unexpected(): CliError {
    return invalid(this.#text, `character ${(this.#peek()?.at ?? this.#text.length) + 1} is not expected there`)
  }
}

/** What a path may begin with. */
export const ROOTS: readonly string[] = ['topic', 'partition', 'offset', 'timestamp', 'key', 'value', 'headers']

const COMPARISONS: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': isEqual,
  '!=': (left, right) => !isEqual(left, right),
  '<': (left, right) => order(left, right) < 0,
  '<=': (left, right) => order(left, right) <= 0,
  '>': (left, right) => order(left, right) > 0,
  '>=': (left, right) => order(left, right) >= 0,
  contains: (left, right) =>
    Array.isArray(left)
      ? left.some((item) => isEqual(item, right))
      : typeof left === 'string' && typeof right === 'string' && left.includes(right),
  startsWith: (left, right) => typeof left === 'string' && typeof right === 'string' && left.startsWith(right),
}

function isEqual(left: unknown, right: unknown): boolean {
  return comparable(left) === comparable(right) || order(left, right) === 0
}

/** Not a number where the two cannot be compared, which makes every comparison false. */
function order(left: unknown, right: unknown): number {
  const [a, b] = [comparable(left), comparable(right)]
  const areNumbers = isNumeric(a) && isNumeric(b)
  if (!areNumbers && !(typeof a === 'string' && typeof b === 'string')) return Number.NaN
  return a < b ? -1 : a > b ? 1 : 0
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** A date compares as its ISO text, nothing as null. */
function comparable(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : (value ?? null)
}

function memberOf(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null
  return (value as Readonly<Record<string | number, unknown>>)[step]
}

function isTrue(value: unknown): boolean {
  return value === true
}

export function invalid(text: string, reason: string): CliError {
  return new CliError('FILTER_INVALID', `the filter ${text}: ${reason}`)
}
