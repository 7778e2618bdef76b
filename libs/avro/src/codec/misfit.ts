/** A value that is not what the schema asks for. Collects the way to it while it travels up. */
export class Misfit extends Error {
  readonly expected: string
  readonly got: string
  readonly hint: string | undefined
  path = ''

  constructor(expected: string, got: string, hint?: string) {
    super(`expected ${expected}, got ${got}`)
    this.expected = expected
    this.got = got
    this.hint = hint
  }
}

/** Notes that the value lies inside a field, an item (`[3]`) or an entry (`["key"]`) and throws again. */
export function rethrowFrom(error: unknown, step: string): never {
  if (error instanceof Misfit) error.path = joined(step, error.path)
  throw error
}

function joined(step: string, rest: string): string {
  return rest === '' || rest.startsWith('[') ? step + rest : `${step}.${rest}`
}

export function refuse(expected: string, value: unknown): never {
  throw new Misfit(expected, inWords(value))
}

/** A value in a few words, never longer than a line. */
export function inWords(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'bigint') return `bigint ${value}n`
  if (typeof value === 'string') return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${String(value)}`
  if (Array.isArray(value)) return `array of ${value.length}`
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'Date that is invalid' : `Date ${value.toISOString()}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value !== 'object') return typeof value
  const names = Object.keys(value)
  const shown = names.slice(0, 5).join(', ')
  return names.length === 0 ? 'empty object' : `object with ${shown}${names.length > 5 ? ', …' : ''}`
}
