import type { RecordConstructor, Tap, WireType } from './avsc-types.ts'
import { ORDINARY } from './container-types.ts'
import { inWords, Misfit, rethrowFrom } from './misfit.ts'

interface RecordField {
  readonly name: string
  /** The value of a field that the writer did not have, or that a value to be written has not. */
  readonly makeDefault: (() => unknown) | undefined
}

/**
 * What avsc calls with the values of all fields to make a record: a plain object, though made by a constructor, because an
 * object that gets all members in one go is several times faster than one put together by name.
 */
export function recordConstructor(fields: readonly RecordField[]): RecordConstructor {
  const lines = fields.map(({ name, makeDefault }, index) => {
    const value = makeDefault ? `v${index} === undefined ? default${index}() : v${index}` : `v${index}`
    return isPlainName(name) ? `this["${name}"] = ${value}` : `define(this, ${index}, ${value})`
  })
  const define = (record: object, index: number, value: unknown) =>
    Object.defineProperty(record, fields[index]?.name ?? '', { value, ...ORDINARY })
  const values = fields.map((_, index) => `v${index}`)
  const make = compiled(
    ['define', ...fields.map((_, index) => `default${index}`)],
    `return function (${values.join(', ')}) { ${lines.join('\n')} }`,
  )
  const Record = make(define, ...fields.map(({ makeDefault }) => makeDefault)) as RecordConstructor
  Record.prototype = Object.prototype
  return Record
}

/**
 * Writes the fields of a record in their order, and the default for one that is missing. Strict in both directions: a
 * field the schema does not know is refused just like one that is missing. avsc's own would not say which one it was.
 */
export function recordWriter(
  record: string,
  fields: readonly RecordField[],
  types: readonly WireType[],
): (tap: Tap, value: unknown) => void {
  const writeFields = fieldsWriter(fields, types)
  const known = new Set(fields.map(({ name }) => name))
  return (tap, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Misfit(`record ${record}`, inWords(value))
    }
    const given = value as Record<string, unknown>
    const present = writeFields(tap, given)
    const names = Object.keys(given)
    if (names.length === present) return
    const unknown = names.find((name) => !known.has(name))
    if (unknown === undefined) return
    const hint = `${record} has the fields ${[...known].join(', ') || '(none)'}.`
    rethrowFrom(new Misfit('no such field', inWords(given[unknown]), hint), unknown)
  }
}

/** Tells how many of the fields the value has. */
type WriteFields = (tap: Tap, given: Record<string, unknown>) => number

function fieldsWriter(fields: readonly RecordField[], types: readonly WireType[]): WriteFields {
  const steps = fields.map(({ name, makeDefault }, index) => {
    const value = isPlainName(name) ? `given["${name}"]` : `member(given, ${index})`
    const fallback = makeDefault ? `value = default${index}()` : ''
    return `at = ${index}; value = ${value}; if (value === undefined) { ${fallback} } else present++; type${index}._write(tap, value)`
  })
  const code = `return (tap, given) => {
    let at = 0, present = 0, value
    try { ${steps.join('\n')} } catch (error) { rethrow(error, at) }
    return present
  }`
  const rethrow = (error: unknown, at: number) => rethrowFrom(error, fields[at]?.name ?? '')
  const member = (given: Record<string, unknown>, index: number) => {
    const name = fields[index]?.name ?? ''
    return name in Object.prototype && !Object.hasOwn(given, name) ? undefined : given[name]
  }
  const names = fields.flatMap((_, index) => [`type${index}`, `default${index}`])
  const make = compiled(['rethrow', 'member', ...names], code)
  return make(
    rethrow,
    member,
    ...fields.flatMap(({ makeDefault }, index) => [types[index], makeDefault]),
  ) as WriteFields
}

/** Names that may stand in code: letters, digits and `_`, and nothing that every object has already. */
function isPlainName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !(name in Object.prototype)
}

function compiled(parameters: readonly string[], code: string): (...values: unknown[]) => unknown {
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- only names made here and plain identifiers are in it
  return new Function(...parameters, code) as (...values: unknown[]) => unknown
}
