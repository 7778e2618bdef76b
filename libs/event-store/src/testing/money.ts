import { defineEvent, type SharedType, type TypeReference } from '@keyfold/eventsourcing'

/** Events that share the type `bank.Money`, in as many versions as a test needs. */

interface Money extends SharedType {
  readonly subject: string
}

const currency = { name: 'currency', type: 'string', default: 'EUR' }
const note = { name: 'note', type: 'string', default: '' }

/** The first `count` versions: each has a field more than the one before. `second` is the field of version 2. */
export function moneyOf(count: number, subject: string, second: object = currency): Money {
  const fields = [{ name: 'cents', type: 'long' }, second, note]
  const versions = Array.from({ length: count }, (_, index) => ({
    version: index + 1,
    schema: { type: 'record', name: 'Money', namespace: 'bank', fields: fields.slice(0, index + 1) },
  }))
  return { name: 'bank.Money', subject, versions }
}

/** `bank.Deposited`: its versions use these versions of the type. */
export const Deposited = (money: Money, ...versions: readonly number[]) => using('Deposited', money, versions)

/** `bank.Withdrawn`, likewise. */
export const Withdrawn = (money: Money, ...versions: readonly number[]) => using('Withdrawn', money, versions)

function using(name: string, money: Money, versions: readonly number[]) {
  return defineEvent<string, object>({
    name: `bank.${name}`,
    versions: versions.map((version, index) => ({
      version: index + 1,
      schema: { type: 'record', name, namespace: 'bank', fields: [{ name: 'amount', type: 'Money' }] },
      references: [{ type: money, subject: money.subject, version }],
    })),
  })
}

/** A type that itself uses `bank.Money`. */
export function Price(money: SharedType, subjects: { readonly money: string }): SharedType {
  const references: readonly TypeReference[] = [{ type: money, subject: subjects.money, version: 1 }]
  const fields = [
    { name: 'net', type: 'Money' },
    { name: 'taxRate', type: 'int' },
  ]
  const schema = { type: 'record', name: 'Price', namespace: 'bank', fields }
  return { name: 'bank.Price', versions: [{ version: 1, schema, references }] }
}

/** An event with a price. */
export function paidWith(name: string, price: SharedType, subjects: { readonly price: string }) {
  const schema = { type: 'record', name, namespace: 'bank', fields: [{ name: 'price', type: 'Price' }] }
  const references = [{ type: price, subject: subjects.price, version: 1 }]
  return defineEvent<string, object>({ name: `bank.${name}`, versions: [{ version: 1, schema, references }] })
}
