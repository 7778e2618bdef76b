import { avroType, branchName, type LogicalType, logicalTypeOf, type SchemaNode, unionShape } from '@keyfold/avro'
import * as fc from 'fast-check'

/** Records inside records go this deep; further down lists are empty and unions take their lowest branch. */
const depthMax = 3

/**
 * Random values of an Avro schema, as the codec takes them: every branch, every logical type, recursion up to a depth.
 * Numbers are finite, for a NaN is nothing that an event should say.
 */
export function avroArbitrary(schema: string | object): fc.Arbitrary<unknown> {
  return new Arbitraries().of(avroType(schema).parsed.root, 0)
}

class Arbitraries {
  readonly #made = new Map<SchemaNode, Map<number, fc.Arbitrary<unknown>>>()

  of(node: SchemaNode, depth: number): fc.Arbitrary<unknown> {
    const known = this.#made.get(node)?.get(depth)
    if (known !== undefined) return known
    const made = this.#make(node, depth)
    const byDepth = this.#made.get(node) ?? new Map<number, fc.Arbitrary<unknown>>()
    this.#made.set(node, byDepth.set(depth, made))
    return made
  }

  #make(node: SchemaNode, depth: number): fc.Arbitrary<unknown> {
    const logical = logicalTypeOf(node)
    if (logical !== undefined && logical.name in LOGICAL) return logicalArbitrary(logical)
    switch (node.kind) {
      case 'record': {
        const fields = node.fields.map(({ name, type }) => [name, this.of(type, depth + 1)] as const)
        return fc.tuple(...fields.map(([, value]) => value)).map((values) => {
          // Assigning to a field called __proto__ would set the prototype.
          return Object.fromEntries(fields.map(([name], index) => [name, values[index]]))
        })
      }
      case 'enum':
        return fc.constantFrom(...node.symbols)
      case 'fixed':
        return fc.uint8Array({ minLength: node.size, maxLength: node.size })
      case 'array':
        return depth >= depthMax ? fc.constant([]) : fc.array(this.of(node.items, depth), { maxLength: 3 })
      case 'map':
        return depth >= depthMax
          ? fc.constant({})
          : fc.dictionary(fc.string(), this.of(node.values, depth), { maxKeys: 3 })
      case 'union': {
        const lowest = Math.min(...node.branches.map((branch) => height(branch, [])))
        const branches = node.branches.filter((branch) => depth < depthMax || height(branch, []) === lowest)
        const isPlain = unionShape(node) === 'plain'
        return fc.oneof(
          ...branches.map((branch) => {
            const value = this.of(branch, depth)
            return isPlain || branch.kind === 'null' ? value : value.map((inner) => ({ [branchName(branch)]: inner }))
          }),
        )
      }
      default:
        return PRIMITIVES[node.kind]()
    }
  }
}

/** How deep a value must at least be: the way out of recursion. */
function height(node: SchemaNode, above: readonly SchemaNode[]): number {
  if (node.kind === 'union') return Math.min(...node.branches.map((branch) => height(branch, above)))
  if (node.kind !== 'record') return 0
  if (above.includes(node)) return Number.POSITIVE_INFINITY
  return 1 + Math.max(0, ...node.fields.map(({ type }) => height(type, [...above, node])))
}

const PRIMITIVES = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  int: () => fc.integer(),
  long: () => fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float: () => fc.float({ noNaN: true, noDefaultInfinity: true }),
  double: () => fc.double({ noNaN: true, noDefaultInfinity: true }),
  string: () => fc.string({ unit: 'grapheme' }),
  bytes: () => fc.uint8Array({ maxLength: 16 }),
} as const

function logicalArbitrary(logical: LogicalType): fc.Arbitrary<unknown> {
  if (logical.name !== 'decimal') return LOGICAL[logical.name]?.() ?? fc.constant(undefined)
  const { precision, scale } = logical
  const limit = 10n ** BigInt(precision) - 1n
  return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
    const point = digits.length - scale
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
  })
}

/** Those whose values are not the stored ones; the others are numbers like any. */
const LOGICAL: Readonly<Partial<Record<LogicalType['name'], () => fc.Arbitrary<unknown>>>> = {
  decimal: () => fc.constant(undefined),
  uuid: () => fc.uuid(),
  'timestamp-millis': () => fc.date({ noInvalidDate: true }),
  date: () => writtenDate().map((text) => text.slice(0, 10)),
  'time-millis': () => fc.integer({ min: 0, max: 86_399_999 }),
  'time-micros': () => fc.bigInt({ min: 0n, max: 86_399_999_999n }),
  'local-timestamp-millis': () => writtenDate().map((text) => text.slice(0, 23)),
  'local-timestamp-micros': () => writtenDate().map((text) => `${text.slice(0, 23)}456`),
  'local-timestamp-nanos': () =>
    writtenDate(new Date('1700-01-01'), new Date('2250-01-01')).map((text) => `${text.slice(0, 23)}456789`),
  duration: () => fc.record({ months: uint32(), days: uint32(), millis: uint32() }),
}

/** `2026-01-31T12:00:00.000Z`, in years of four digits. */
function writtenDate(min = new Date('0001-01-01T00:00:00Z'), max = new Date('9999-12-31T23:59:59Z')) {
  return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString())
}

function uint32() {
  return fc.integer({ min: 0, max: 2 ** 32 - 1 })
}
