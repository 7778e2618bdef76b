import type { Tree } from './json-tree.ts'
import type { Random } from './random.ts'

/** What names may look like, mostly good ones. */
export const NAMES = ['A', 'B', 'C', 'D', 'a', 'b', 'x.A', 'x.B', 'x.y.C', 'y.A', 'record', 'x.int', 'Order', '_1']
export const ODD_NAMES = [
  '',
  '.A',
  'x..B',
  'a-b',
  '1a',
  'é',
  'Größe',
  'int',
  'x.int',
  'A.',
  ' A',
  'a b',
  '"q"',
  'ſ',
  '日本',
]
export const NAMESPACES = ['', 'x', 'y', 'x.y', 'a-b', '.', 'x.', '1']
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const NUMBERS = (
  '0 -0 1 -1 127 2147483647 -2147483648 2147483648 9007199254740993 9223372036854775807 -9223372036854775808 ' +
  '9223372036854775808 123456789012345678901234567890 0.0 -0.0 1.0 1.5 0.001 0.0001 1e3 1E+3 1e7 1e-5 123456.789 ' +
  '1e21 1e400 -1e400 1.10 3.14 100.0'
).split(' ')
const TEXTS = [
  '',
  'a',
  'A',
  'B',
  'NaN',
  'Infinity',
  '-Infinity',
  '1',
  ' 1.5 ',
  '1f',
  '0x1p3',
  '\u00ff',
  'ä日\u2028',
  '\u007f\u0080',
]
const ODD_TEXTS = ['\u0000\u001f', '\ud83d\ude00', '\ud800', '"\\/', '\b\f\n\r\t', '</script>', 'null']
const LOGICAL = (
  'decimal big-decimal uuid date time-millis time-micros timestamp-millis timestamp-micros timestamp-nanos ' +
  'local-timestamp-millis duration unknown '
).split(' ')
const PROPERTIES = [
  'zeta',
  'alpha',
  'logicalType',
  'precision',
  'scale',
  'order',
  'default',
  'aliases',
  'java-class',
  'doc',
  '10',
  '2',
]

export class SchemaMaker {
  readonly #random: Random
  #depth = 0

  constructor(random: Random) {
    this.#random = random
  }

  name(): string {
    return this.#random.pick(this.#random.oneIn(25) ? ODD_NAMES : NAMES)
  }

  schema(): Tree {
    const random = this.#random
    if (this.#depth > 3 || random.oneIn(3)) return random.oneIn(4) ? this.name() : random.pick(PRIMITIVES)
    this.#depth++
    const schema = this.#compound()
    this.#depth--
    return schema
  }

  #compound(): Tree {
    const random = this.#random
    switch (random.below(9)) {
      case 0:
        return random.some(4, () => this.schema())
      case 1:
        return this.#object(['array', ['items', this.schema()]])
      case 2:
        return this.#object(['map', ['values', this.schema()]])
      case 3: {
        const symbols: Tree = random.some(3, () =>
          random.pick(['A', 'B', 'C', 'D', 'a', random.oneIn(20) ? 'a-b' : 'E']),
        )
        const fallback: [string, Tree][] = random.oneIn(3) ? [['default', random.pick(['A', 'B', null])]] : []
        return this.#named('enum', ['symbols', symbols], ...fallback)
      }
      case 4:
        return this.#named('fixed', [
          'size',
          { raw: random.pick(['0', '1', '4', '12', '16', '-1', '1.0', '2147483647']) },
        ])
      case 5:
        return this.#object([random.pick(PRIMITIVES)])
      default:
        return this.#named(random.oneIn(12) ? 'error' : 'record', ['fields', random.some(4, () => this.#field())])
    }
  }

  #named(type: string, ...members: [string, Tree][]): Tree {
    const random = this.#random
    const named: [string, Tree][] = [['name', this.name()]]
    if (random.oneIn(4)) named.push(['namespace', random.pick(NAMESPACES)])
    if (random.oneIn(6)) named.push(['doc', random.pick(TEXTS)])
    if (random.oneIn(6)) named.push(['aliases', random.some(3, () => this.name())])
    return this.#object([type, ...named, ...members])
  }

  #object([type, ...members]: [string, ...[string, Tree][]]): Tree {
    const random = this.#random
    const all: [string, Tree][] = [['type', type], ...members]
    if (random.oneIn(5)) all.push(['logicalType', random.pick(LOGICAL)])
    if (random.oneIn(10)) all.push(['precision', { raw: random.pick(['4', '0', '2.0']) }], ['scale', { raw: '2' }])
    if (random.oneIn(6)) all.push([random.pick(PROPERTIES), this.json()])
    if (random.oneIn(8)) all.sort(() => random.below(3) - 1)
    return { members: all }
  }

  #field(): Tree {
    const random = this.#random
    const type = this.schema()
    const members: [string, Tree][] = [
      ['name', random.pick(random.oneIn(30) ? ODD_NAMES : ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])],
      ['type', type],
    ]
    if (random.oneIn(3)) members.push(['default', random.oneIn(3) ? this.json() : defaultFor(type, random)])
    if (random.oneIn(8)) members.push(['doc', random.pick(TEXTS)])
    if (random.oneIn(8))
      members.push(['order', random.pick(['ascending', 'descending', 'ignore', 'IGNORE', 'Ascending'])])
    if (random.oneIn(8)) members.push(['aliases', random.some(2, () => random.pick(['a', 'b', 'z', 'x.y']))])
    if (random.oneIn(8)) members.push([random.pick(PROPERTIES), this.json()])
    return { members }
  }

  json(): Tree {
    const random = this.#random
    switch (random.below(this.#depth > 4 ? 5 : 8)) {
      case 0:
        return null
      case 1:
        return random.oneIn(2)
      case 2:
        return { raw: random.pick(NUMBERS) }
      case 3:
      case 4:
        return random.pick(random.oneIn(6) ? ODD_TEXTS : TEXTS)
      case 5:
        return []
      case 6:
        this.#depth++
        try {
          return random.some(2, () => this.json())
        } finally {
          this.#depth--
        }
      default:
        this.#depth++
        try {
          return { members: random.some(2, () => [random.pick(['a', 'b', 'x']), this.json()] as [string, Tree]) }
        } finally {
          this.#depth--
        }
    }
  }
}

/** A default that often suits the type, as far as that can be told without knowing what names stand for. */
function defaultFor(type: Tree, random: Random): Tree {
  if (Array.isArray(type)) return type.length === 0 ? null : defaultFor(random.pick(type), random)
  if (typeof type === 'string') return DEFAULTS[type]?.(random) ?? (random.oneIn(3) ? 'A' : { members: [] })
  if (typeof type !== 'object' || type === null || 'raw' in type) return null
  const member = (name: string): Tree => type.members.findLast(([other]) => other === name)?.[1] ?? null
  const kind = member('type')
  if (kind === 'array') return random.some(2, () => defaultFor(member('items'), random))
  if (kind === 'map') return { members: [['k', defaultFor(member('values'), random)]] }
  if (kind === 'enum' || kind === 'fixed') return 'A'
  const fields = member('fields')
  if (!Array.isArray(fields)) return defaultFor(kind, random)
  const given = fields.flatMap((field): [string, Tree][] => {
    if (typeof field !== 'object' || field === null || !('members' in field) || random.oneIn(4)) return []
    const [name, inner] = ['name', 'type'].map((wanted) => field.members.find(([other]) => other === wanted)?.[1])
    return typeof name === 'string' ? [[name, defaultFor(inner ?? null, random)]] : []
  })
  return { members: given }
}

const DEFAULTS: Readonly<Record<string, (random: Random) => Tree>> = {
  null: () => null,
  boolean: (random) => random.oneIn(2),
  int: (random) => ({ raw: random.pick(['0', '-1', '2147483647', '2147483648']) }),
  long: (random) => ({ raw: random.pick(['0', '-1', '9223372036854775807', '9223372036854775808']) }),
  float: (random) => random.pick<Tree>([{ raw: '1.5' }, { raw: '1' }, 'NaN', '-Infinity', ' 1e3 ', 'x', '']),
  double: (random) => random.pick<Tree>([{ raw: '1e-7' }, { raw: '1' }, 'NaN', 'Infinity', '.5d', '0x1.8p1', '1_0']),
  bytes: (random) => random.pick(['', '\u00ff', 'ä']),
  string: (random) => random.pick(TEXTS),
}
