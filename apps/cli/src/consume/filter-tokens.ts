import { CliError } from '../cli-error.ts'

export type FilterToken = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'path'; readonly steps: readonly (string | number)[] }
  | { readonly kind: 'operator'; readonly text: string }
)

const LENGTH_MAX = 4_000

/** One token each, tried in this order; sticky, so that they match where they are asked to only. */
const BLANKS = /\s+/y
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?(?![\w.])/y
const TEXT = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/y
const OPERATOR = /==|!=|<=|>=|&&|\|\||[<>!()]|(?:contains|startsWith)\b/y
const WORD = /(?:true|false|null)\b/y
const NAME = /[A-Za-z_][\w-]*/y
const STEP = /\.([A-Za-z_][\w-]*)|\[(\d{1,9})\]|\[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]/y

/** The words of a filter. Errors: `FILTER_INVALID` with the place. */
export function filterTokens(text: string): readonly FilterToken[] {
  if (text.length > LENGTH_MAX)
    throw new CliError('FILTER_INVALID', `the filter is longer than ${LENGTH_MAX} characters`)
  const tokens: FilterToken[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  while (at < text.length) {
    if (take(BLANKS)) continue
    const start = at
    const token = (value: Omit<Extract<FilterToken, { kind: 'literal' }>, 'at'>): void =>
      void tokens.push({ ...value, at: start })
    const number = take(NUMBER)
    if (number) {
      token({ kind: 'literal', value: numberOf(number[0]) })
      continue
    }
    const quoted = take(TEXT)
    if (quoted) {
      token({ kind: 'literal', value: unquoted(quoted[0]) })
      continue
    }
    const operator = take(OPERATOR)
    if (operator) {
      tokens.push({ kind: 'operator', text: operator[0], at: start })
      continue
    }
    const word = take(WORD)
    if (word) {
      token({ kind: 'literal', value: JSON.parse(word[0]) as unknown })
      continue
    }
    const name = take(NAME)
    if (!name)
      throw new CliError('FILTER_INVALID', `the filter ${text}: character ${at + 1} (${text[at]}) is not known`)
    const steps: (string | number)[] = [name[0]]
    for (let step = take(STEP); step; step = take(STEP))
      steps.push(step[1] ?? (step[2] === undefined ? unquoted(step[3] ?? '') : Number(step[2])))
    tokens.push({ kind: 'path', steps, at: start })
  }
  return tokens
}

/** Whole numbers keep all their digits. */
function numberOf(text: string): number | bigint {
  const value = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
