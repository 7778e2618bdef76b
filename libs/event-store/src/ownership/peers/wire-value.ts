/**
 * Values of commands and events as JSON and back, exactly: bigints, dates, bytes, maps, sets, and numbers that JSON does
 * not have travel in an object with the one member `$`. Instances of classes arrive as plain objects; members that are
 * undefined do not arrive.
 */
export function toWire(value: unknown): unknown {
  if (typeof value === 'bigint') return tagged('bigint', value.toString())
  if (typeof value === 'number') return isPlainNumber(value) ? value : tagged('number', oddNumber(value))
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return tagged('undefined', 0)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return tagged('date', toWire(value.getTime()))
  if (Buffer.isBuffer(value)) return tagged('buffer', value.toString('base64'))
  if (value instanceof Uint8Array) return tagged('bytes', Buffer.from(value).toString('base64'))
  if (Array.isArray(value)) return value.map(toWire)
  if (value instanceof Map) return tagged('map', toWire([...value]))
  if (value instanceof Set) return tagged('set', toWire([...value]))
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const plain = Object.fromEntries(members.map(([name, member]) => [name, toWire(member)]))
  return '$' in plain
    ? tagged(
        'object',
        members.map(([name, member]) => [name, toWire(member)]),
      )
    : plain
}

/** @throws {TypeError} for what `toWire` does not make. */
export function fromWire(wire: unknown): unknown {
  if (typeof wire !== 'object' || wire === null) return wire
  if (Array.isArray(wire)) return wire.map(fromWire)
  if (!('$' in wire)) return Object.fromEntries(Object.entries(wire).map(([name, member]) => [name, fromWire(member)]))
  const [kind, content] = wire.$ as readonly [string, unknown]
  const read = readers[kind]
  if (read === undefined) throw new TypeError(`a value of the unknown kind ${kind}`)
  return read(content)
}

const readers: Readonly<Record<string, (content: unknown) => unknown>> = {
  bigint: (text) => BigInt(text as string),
  number: (text) => (text === '-0' ? -0 : Number(text)),
  undefined: () => undefined,
  date: (ms) => new Date(fromWire(ms) as number),
  buffer: (text) => Buffer.from(text as string, 'base64'),
  bytes: (text) => new Uint8Array(Buffer.from(text as string, 'base64')),
  map: (entries) => new Map(fromWire(entries) as [unknown, unknown][]),
  set: (members) => new Set(fromWire(members) as unknown[]),
  object: (entries) =>
    Object.fromEntries((entries as [string, unknown][]).map(([name, member]) => [name, fromWire(member)])),
}

function tagged(kind: string, content: unknown): { readonly $: readonly [string, unknown] } {
  return { $: [kind, content] }
}

function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0)
}

function oddNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
