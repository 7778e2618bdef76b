import { describe, expect, it } from 'vitest'
import { withoutLint } from './ignores.ts'
import { lintEvolution, lintSchema, lintVersion } from './lint.ts'
import { LINT_RULES } from './lint-rules.ts'

interface Options {
  readonly name?: string
  readonly namespace?: string
  readonly [member: string]: unknown
}

function record(fields: readonly object[], options: Options = {}) {
  return { text: JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', ...options, fields }, null, 2) }
}

const field = (name: string, type: unknown, rest: object = {}) => ({ name, type, ...rest })

function stepFindings(old: readonly object[], now: readonly object[], options: Options = {}): string[] {
  return lintEvolution(record(old), record(now, options)).findings.map(({ rule, path }) => `${rule} ${path}`)
}

describe('one step of evolution', () => {
  it.each([
    [
      'a renamed field without alias',
      [field('sku', 'string')],
      [field('code', 'string', { default: '' })],
      'AVRO_FIELD_RENAMED_WITHOUT_ALIAS Order.code',
    ],
    ['a new field without default', [], [field('sku', 'string')], 'AVRO_FIELD_ADDED_WITHOUT_DEFAULT Order.sku'],
    [
      'milliseconds that became microseconds',
      [field('at', { type: 'long', logicalType: 'timestamp-millis' })],
      [field('at', { type: 'long', logicalType: 'timestamp-micros' })],
      'AVRO_LOGICAL_TYPE_CHANGED Order.at',
    ],
    [
      'a number that became a day, inside an array',
      [field('days', { type: 'array', items: 'int' })],
      [field('days', { type: 'array', items: { type: 'int', logicalType: 'date' } })],
      'AVRO_LOGICAL_TYPE_CHANGED Order.days[]',
    ],
    [
      'another scale',
      [field('sum', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 })],
      [field('sum', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 4 })],
      'AVRO_DECIMAL_SCALE_CHANGED Order.sum',
    ],
    [
      'a symbol that is gone',
      [field('kind', { type: 'enum', name: 'Kind', symbols: ['A', 'B'], default: 'A' })],
      [field('kind', { type: 'enum', name: 'Kind', symbols: ['A'], default: 'A' })],
      'AVRO_ENUM_SYMBOL_REMOVED Order.kind',
    ],
    [
      'a branch before the one that reads the same data',
      [field('id', ['null', 'string'])],
      [field('id', ['null', 'bytes', 'string'])],
      'AVRO_UNION_BRANCH_SHADOWED Order.id',
    ],
    [
      'another default',
      [field('count', 'int', { default: 0 })],
      [field('count', 'int', { default: 1 })],
      'AVRO_DEFAULT_CHANGED Order.count',
    ],
    [
      'a default that is gone',
      [field('count', 'int', { default: 0 })],
      [field('count', 'int')],
      'AVRO_DEFAULT_CHANGED Order.count',
    ],
    [
      'null that is gone',
      [field('memo', ['null', 'string'], { default: null })],
      [field('memo', 'string', { default: '' })],
      'AVRO_NULLABLE_TO_REQUIRED Order.memo',
    ],
    [
      'text that became bytes',
      [field('memo', 'string')],
      [field('memo', 'bytes')],
      'AVRO_TEXT_BYTES_CHANGED Order.memo',
    ],
  ])('reports %s', (_, old, now, finding) => {
    expect(stepFindings(old, now)).toContain(finding)
    expect(stepFindings(now, now)).toEqual([])
  })

  it('reports another namespace and another name, unless there is an alias', () => {
    expect(stepFindings([], [], { namespace: 'store' })).toEqual(['AVRO_NAMESPACE_CHANGED Order'])
    expect(stepFindings([], [], { name: 'Purchase' })).toEqual(['AVRO_RECORD_RENAMED_WITHOUT_ALIAS Purchase'])
    expect(stepFindings([], [], { name: 'Purchase', aliases: ['shop.Order'] })).toEqual([])
  })

  it('finds nothing wrong with an alias, a default, a wider type or a branch at the end', () => {
    const old = [field('sku', 'string'), field('count', 'int'), field('id', ['null', 'string'])]
    const now = [
      field('code', 'string', { aliases: ['sku'] }),
      field('count', 'long'),
      field('id', ['null', 'string', 'bytes']),
      field('memo', ['null', 'string'], { default: null }),
    ]
    expect(stepFindings(old, now)).toEqual([])
  })

  it('goes into nested records, and ends in recursive ones', () => {
    const lines = (name: string, rest = {}) => [
      field('lines', {
        type: 'array',
        items: { type: 'record', name: 'Line', fields: [field(name, 'string', rest), field('next', ['null', 'Line'])] },
      }),
    ]
    expect(stepFindings(lines('sku'), lines('code', { default: '' }))).toEqual([
      'AVRO_FIELD_RENAMED_WITHOUT_ALIAS Order.lines[].code',
    ])
  })

  it('says where in both texts, what is wrong and how to make it right', () => {
    const [finding] = lintEvolution(
      record([field('sku', 'string')]),
      record([field('code', 'string', { default: '' })]),
    ).findings
    expect(finding).toEqual({
      rule: 'AVRO_FIELD_RENAMED_WITHOUT_ALIAS',
      severity: 'error',
      path: 'Order.code',
      message: 'code looks like sku renamed: old values are lost, and it is always ""',
      fix: 'Add "aliases": ["sku"] to code, or say why they have nothing in common.',
      at: { pointer: '/fields/0', line: 6, column: 5 },
      previousAt: { pointer: '/fields/0', line: 6, column: 5 },
    })
  })
})

describe('one version by itself', () => {
  it.each([
    ['an enum without default', { type: 'enum', name: 'Kind', symbols: ['A'] }, 'AVRO_ENUM_NO_DEFAULT'],
    ['money in a float', 'double', 'AVRO_FLOAT_FOR_MONEY'],
    ['money in a float that may be null', ['null', 'float'], 'AVRO_FLOAT_FOR_MONEY'],
    ['a logical type that does not exist', { type: 'long', logicalType: 'timestamp' }, 'AVRO_LOGICAL_TYPE_IGNORED'],
    ['a logical type on the wrong type', { type: 'int', logicalType: 'time-micros' }, 'AVRO_LOGICAL_TYPE_IGNORED'],
    ['an enum that the codec cannot write', { type: 'enum', name: 'E', symbols: [] }, 'AVRO_CODEC_UNREADABLE'],
  ])('reports %s', (_, type, rule) => {
    const rules = lintSchema(record([field('totalAmount', type)])).findings.map((finding) => finding.rule)
    expect(rules).toContain(rule)
  })

  it('reports a logical type that stands beside the type', () => {
    const { findings } = lintSchema(record([field('at', 'long', { logicalType: 'timestamp-millis' })]))
    expect(findings.map(({ rule, at }) => [rule, at.pointer])).toEqual([
      ['AVRO_LOGICAL_TYPE_IGNORED', '/fields/0/logicalType'],
    ])
  })

  it('does not take every number for money', () => {
    const names = ['taxRate', 'latitude', 'priceIndex', 'weight']
    expect(lintSchema(record(names.map((name) => field(name, 'double')))).findings).toEqual([])
  })

  it('takes other severities', () => {
    const schema = record([field('price', 'double')])
    expect(lintSchema(schema, { severities: { AVRO_FLOAT_FOR_MONEY: 'warning' } }).findings[0]?.severity).toBe(
      'warning',
    )
    expect(lintSchema(schema, { severities: { AVRO_FLOAT_FOR_MONEY: 'off' } }).findings).toEqual([])
  })
})

describe('exceptions in the schema', () => {
  const ignoring = (...ignore: readonly object[]) =>
    record([field('count', 'int', { default: 1 })], { 'keyfold.lint': { ignore } })
  const previous = record([field('count', 'int', { default: 0 })])
  const rule = 'AVRO_DEFAULT_CHANGED'
  const reason = 'nothing was written yet'

  it('with a reason keep a finding out, and are shown as such', () => {
    const report = lintVersion(ignoring({ rule, path: 'Order.count', reason }), previous)
    expect(report.findings).toEqual([])
    expect(report.ignored).toMatchObject([{ rule, path: 'Order.count', reason }])
    expect(lintVersion(ignoring({ rule, reason }), previous).findings).toEqual([])
  })

  it.each([
    ['without reason', { rule, path: 'Order.count' }, `The exception from ${rule} has no reason`],
    ['with an empty reason', { rule, reason: ' ' }, `The exception from ${rule} has no reason`],
    ['from a rule that does not exist', { rule: 'AVRO_X', reason }, 'There is no rule "AVRO_X"'],
    ['with a path that is none', { rule, reason, path: 1 }, 'The path of an exception is text'],
  ])('%s count for nothing and are reported', (_, entry, message) => {
    const { findings, ignored } = lintVersion(ignoring(entry), previous)
    expect(ignored).toEqual([])
    expect(findings.map((finding) => finding.rule)).toEqual(['AVRO_LINT_IGNORE_INVALID', rule])
    const invalid = findings.find((finding) => finding.rule === 'AVRO_LINT_IGNORE_INVALID')
    expect(invalid).toMatchObject({ message, at: { pointer: '/keyfold.lint/ignore/0' } })
  })

  it('that match nothing are reported', () => {
    const { findings } = lintVersion(ignoring({ rule, path: 'Order.other', reason }), previous)
    expect(findings.map((finding) => finding.rule)).toContain('AVRO_LINT_IGNORE_UNUSED')
    expect(lintVersion(ignoring({ rule, reason }), undefined).findings.map((finding) => finding.rule)).toEqual([
      'AVRO_LINT_IGNORE_UNUSED',
    ])
  })

  it('do not belong to what is registered', () => {
    const plain = JSON.stringify(JSON.parse(record([]).text))
    expect(withoutLint(plain)).toBe(plain)
    expect(withoutLint('{"keyfold.lint": {"ignore": []}, "type": "string"}')).toBe('{"type": "string"}')
    expect(withoutLint('{"type": "string" , "keyfold.lint": {} }')).toBe('{"type": "string" }')
    expect(withoutLint('{"a": 1, "keyfold.lint": {}, "b": 2}')).toBe('{"a": 1, "b": 2}')
  })
})

it('every rule says what it is about, why, and what to do', () => {
  for (const { about, why, fix } of Object.values(LINT_RULES)) {
    for (const text of [about, why, fix]) expect(text).toMatch(/^[A-Z].*\.$/)
  }
})
