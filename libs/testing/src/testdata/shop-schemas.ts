import type { SchemaFile, SchemaReference } from '@keyfold/avro'

/** A context whose schemas have everything in them that Avro has, for tests of generated code and random values. */

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })

function file(
  event: string,
  version: number,
  name: string,
  fields: readonly object[],
  references: readonly SchemaReference[] = [],
): SchemaFile {
  const doc = `${name}, as version ${version} says it.`
  const schema = JSON.stringify({ type: 'record', name, namespace: 'shop', doc, fields })
  return { context: 'shop', event, version, schema, references }
}

const line = {
  type: 'record',
  name: 'Line',
  doc: 'One thing that was ordered.',
  fields: [
    field('sku', 'string', { doc: "The shop's own \"number\" of it." }),
    field('count', 'int', { default: 1 }),
    field('kind', { type: 'enum', name: 'Kind', symbols: ['GOODS', 'SERVICE'], default: 'GOODS' }, { default: 'GOODS' }),
  ],
}
const card = { type: 'record', name: 'Card', fields: [field('digits', { type: 'fixed', name: 'Digits', size: 4 })] }
const voucher = { type: 'record', name: 'Voucher', fields: [field('codes', { type: 'array', items: 'string' }, { default: [] })] }
const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })

const placed = [
  field('lines', { type: 'array', items: line }),
  field('total', logical('bytes', 'decimal', { precision: 12, scale: 2 })),
  field('paidWith', ['null', card, voucher], { default: null, doc: 'Cash when it is null.' }),
]
const placedLater = [
  ...placed,
  field('at', logical('long', 'timestamp-millis'), { default: 0 }),
  field('due', logical('int', 'date'), { default: 0 }),
  field('localTime', logical('long', 'local-timestamp-micros'), { default: 0 }),
  field('opens', logical('long', 'time-micros'), { default: 0 }),
  field('warranty', { type: 'fixed', name: 'Warranty', size: 12, logicalType: 'duration' }, { default: '\u0000'.repeat(12) }),
  field('id', logical('string', 'uuid'), { default: '00000000-0000-0000-0000-000000000000' }),
  field('limits', { type: 'map', values: ['long', 'double', 'null'] }, { default: {} }),
  field('notes', { type: 'map', values: { type: 'array', items: ['null', 'string', 'boolean'] } }, { default: {} }),
  field('aRatherLongNameForTheCurrencyOfThePricesOfTheLines', ['string', 'bytes', 'int', 'null'], { default: 'EUR' }),
  field('weights', { type: 'array', items: 'float' }, { default: [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5] }),
]
const category = {
  type: 'record',
  name: 'Category',
  fields: [field('title', 'string'), field('children', { type: 'array', items: 'Category' }, { default: [] })],
}

/** Types that events share: `Money` of another context, which uses `Currency`, and `Discount` of this one. */
const used = (name: string, version: number) => ({ name, subject: name, version })
const shared = (event: string, version: number, json: object, references: readonly SchemaReference[] = []): SchemaFile => {
  return { context: 'common', event, version, schema: JSON.stringify({ namespace: 'common', ...json }), references }
}
const currency = { type: 'enum', name: 'Currency', doc: 'ISO 4217.', symbols: ['EUR', 'CHF'], default: 'EUR' }
const money = [field('cents', 'long'), field('currency', 'Currency', { default: 'EUR' })]
const rounding = { type: 'enum', name: 'Rounding', symbols: ['NONE', 'CENTS_5'], default: 'NONE' }

export const commonSchemas: readonly SchemaFile[] = [
  shared('currency', 1, currency),
  shared('currency', 2, { ...currency, symbols: ['EUR', 'CHF', 'DKK'] }),
  shared('money', 1, { type: 'record', name: 'Money', fields: money }, [used('common.Currency', 1)]),
  shared(
    'money',
    2,
    { type: 'record', name: 'Money', doc: 'An amount.', fields: [...money, field('rounding', rounding, { default: 'NONE' })] },
    [used('common.Currency', 2)],
  ),
  shared('iban-digits', 1, { type: 'fixed', name: 'IbanDigits', size: 34 }),
]

export const shopSchemas: readonly SchemaFile[] = [
  file('placed', 1, 'Placed', placed),
  file('placed', 2, 'Placed', placedLater),
  file('cancelled', 1, 'Cancelled', []),
  file('categorised', 1, 'Categorised', [field('category', category), field('parent', ['null', 'Category'], { default: null })]),
  file('discount', 1, 'Discount', [field('off', 'common.Money'), field('code', 'string', { default: '' })], [used('common.Money', 2)]),
  file('refunded', 1, 'Refunded', [field('amount', 'common.Money')], [used('common.Money', 1)]),
  file(
    'refunded',
    2,
    'Refunded',
    [
      field('amount', 'common.Money'),
      field('discounts', { type: 'array', items: 'Discount' }, { default: [] }),
      field('to', ['null', 'common.IbanDigits'], { default: null }),
    ],
    [used('common.Money', 2), used('shop.Discount', 1), used('common.IbanDigits', 1)],
  ),
]

export const shopTopics = [
  { context: 'shop', topic: 'shop.order', events: ['Placed', 'Cancelled', 'Refunded'] },
  { context: 'shop', topic: 'shop.catalogue', events: ['Categorised'] },
]
