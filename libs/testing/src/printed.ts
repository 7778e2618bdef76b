/** A value on one line, for messages: bigints with their n, dates in ISO form, bytes in hexadecimal. */
export function printed(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString('hex')}>`
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`
  if (typeof value === 'function') return value.name === '' ? 'a function' : value.name
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Map) return `Map ${printed([...value])}`
  if (value instanceof Set) return `Set ${printed([...value])}`
  const members = Object.entries(value).map(([name, member]) => `${name}: ${printed(member)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

/** Whether two values print alike after their members are put in order: classes and prototypes do not matter. */
export function alike(left: unknown, right: unknown): boolean {
  return printed(ordered(left)) === printed(ordered(right))
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [ordered(key), ordered(member)]))
  const opaque = typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array
  if (opaque || value instanceof Set) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    members.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, ordered(member)]),
  )
}
