/**
 * States as text and back: JSON, and what JSON has no form for as `{"$": [kind, value]}`: undefined, bigint, NaN and
 * the infinities, minus zero, Date, bytes, Map, Set, and objects that have a member called `$`. A state is a tree of
 * such values. At its top it may be an instance of a class; the class is that of the aggregate's initial state.
 */

/** Nested deeper, a state is taken for one that contains itself. */
const depthMax = 200

/** A state that text cannot hold: with functions, symbols, circles, or instances of classes below its top. */
export class StateNotStorable extends Error {
  override readonly name = 'StateNotStorable'
}

/** Errors: `StateNotStorable`. */
export function textOfState(state: unknown): string {
  const isOfClass = isInstance(state) && !builtIn.has(Object.getPrototypeOf(state) as object)
  return JSON.stringify(isOfClass ? membersOf(state, 0) : packed(state, 0))
}

/** `prototype` is that of the aggregate's initial state. Without its constructor being run. */
export function stateOfText(text: string, prototype: object | null): unknown {
  const state = unpacked(JSON.parse(text) as unknown)
  const isOfClass = prototype !== null && prototype !== Object.prototype && !builtIn.has(prototype)
  if (!isOfClass || !isPlain(state)) return state
  return Object.assign(Object.create(prototype) as object, state)
}

/**
 * The prototype of a class whose instances can be stored. Errors: `StateNotStorable` for a class with private fields
 * (`#name`): nobody but itself can read them, so that a state without them would look whole.
 */
export function storablePrototype(initialState: unknown): object | null {
  if (typeof initialState !== 'object' || initialState === null || !isInstance(initialState)) return Object.prototype
  const prototype = Object.getPrototypeOf(initialState) as object | null
  for (let each = prototype; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each) as object) {
    const { constructor } = each
    if (/(^|[^\w'"`])#[A-Za-z_$]/.test(Function.prototype.toString.call(constructor)))
      throw new StateNotStorable(`class ${constructor.name} has private fields (#…), which nobody else can store`)
  }
  return prototype
}

const builtIn: ReadonlySet<object> = new Set([
  Date.prototype,
  Map.prototype,
  Set.prototype,
  Buffer.prototype,
  Uint8Array.prototype,
])

function packed(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value
    return { $: ['number', Object.is(value, -0) ? '-0' : String(value)] }
  }
  if (value === undefined) return { $: ['undefined'] }
  if (typeof value === 'bigint') return { $: ['bigint', String(value)] }
  if (typeof value !== 'object') throw new StateNotStorable(`a state holds a ${typeof value}`)
  if (depth > depthMax) throw new StateNotStorable(`a state contains itself, or more than ${depthMax} levels`)
  if (Array.isArray(value)) return value.map((item) => packed(item, depth + 1))
  if (isInstance(value)) return packedInstance(value, depth)
  return membersOf(value, depth)
}

function packedInstance(value: object, depth: number): unknown {
  const within = (inner: unknown) => packed(inner, depth + 1)
  const kind = Object.getPrototypeOf(value) as object
  if (kind === Date.prototype) return { $: ['date', (value as Date).getTime()] }
  if (kind === Map.prototype)
    return { $: ['map', [...(value as Map<unknown, unknown>)].map((pair) => pair.map(within))] }
  if (kind === Set.prototype) return { $: ['set', [...(value as Set<unknown>)].map(within)] }
  if (kind === Buffer.prototype) return { $: ['buffer', (value as Buffer).toString('base64')] }
  if (kind === Uint8Array.prototype) return { $: ['bytes', Buffer.from(value as Uint8Array).toString('base64')] }
  throw new StateNotStorable(`a state holds an instance of ${value.constructor.name}: keep plain values in it`)
}

function membersOf(value: object, depth: number): unknown {
  const members: Record<string, unknown> = {}
  const source = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(value)) {
    const member = packed(source[name], depth + 1)
    if (name === '__proto__') Object.defineProperty(members, name, { value: member, enumerable: true })
    else members[name] = member
  }
  return '$' in members ? { $: ['object', members] } : members
}

function unpacked(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(unpacked)
  const { $: special } = value as { readonly $?: readonly [string, unknown] }
  return special === undefined ? unpackedMembers(value) : unpackedSpecial(special)
}

function unpackedMembers(value: object): unknown {
  const members = value as Record<string, unknown>
  // In place: it was parsed a moment ago and belongs to nobody.
  for (const name of Object.keys(members)) {
    const member = members[name]
    if (typeof member !== 'object' || member === null) continue
    // Assigning to a member of this name would set the prototype.
    if (name === '__proto__') Object.defineProperty(members, name, { value: unpacked(member) })
    else members[name] = unpacked(member)
  }
  return members
}

function unpackedSpecial([kind, value]: readonly [string, unknown]): unknown {
  const row = kinds[kind]
  if (row === undefined) throw new TypeError(`a stored state has a value of the unknown kind ${kind}`)
  return row(value)
}

const kinds: Readonly<Record<string, (value: unknown) => unknown>> = {
  undefined: () => undefined,
  number: (value) => Number(value),
  bigint: (value) => BigInt(value as string),
  date: (value) => new Date(value === null ? Number.NaN : (value as number)),
  buffer: (value) => Buffer.from(value as string, 'base64'),
  bytes: (value) => new Uint8Array(Buffer.from(value as string, 'base64')),
  map: (value) => new Map((value as unknown[][]).map((pair) => pair.map(unpacked) as [unknown, unknown])),
  set: (value) => new Set((value as unknown[]).map(unpacked)),
  object: (value) => unpackedMembers(value as object),
}

function isInstance(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isPlain(value)
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
