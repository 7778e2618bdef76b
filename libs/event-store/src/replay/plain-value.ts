/** A value of JSON. */
export type PlainValue =
  | null
  | boolean
  | number
  | string
  | readonly PlainValue[]
  | { readonly [member: string]: PlainValue }

/** States nested deeper than this are cut: they would not be looked through by anybody. */
const depthMax = 100

/**
 * A state as JSON that two runs agree on: members in order, no undefined ones, and what JSON has no form for under a
 * name of its own: `$bigint`, `$date`, `$bytes`, `$map`, `$set`, `$number` (NaN and the infinities). Instances of classes
 * are their own fields; functions and symbols are left out.
 */
export function plainValue(value: unknown, depth = 0): PlainValue {
  if (depth > depthMax) return { $cut: `deeper than ${depthMax} levels` }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) }
  if (typeof value === 'bigint') return { $bigint: String(value) }
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') }
  const plain = (inner: unknown) => plainValue(inner, depth + 1)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return { $map: sortedByText([...value].map((entry) => entry.map(plain))) }
  if (value instanceof Set) return { $set: sortedByText([...value].map(plain)) }
  if (typeof value !== 'object') return null
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined && typeof member !== 'function' && typeof member !== 'symbol')
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]))
}

function sortedByText(values: readonly PlainValue[]): readonly PlainValue[] {
  return values
    .map((value) => ({ value, text: JSON.stringify(value) }))
    .toSorted((left, right) => (left.text < right.text ? -1 : 1))
    .map(({ value }) => value)
}
