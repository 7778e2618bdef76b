import { hash } from 'node:crypto'

const WORD = 64

/**
 * The checksum of a set of rows that does not depend on their order: every row is hashed, and the hashes are added up
 * modulo 2^128. A sum and not XOR, so that a row that stands there twice does not cancel itself.
 */
export class RowChecksum {
  rows = 0
  #low = 0n
  #high = 0n

  /** `row` is a text from which the row's values can be told without doubt. */
  add(row: string): void {
    const digest = hash('sha256', row, 'buffer')
    this.#low = BigInt.asUintN(WORD, this.#low + digest.readBigUInt64LE(0))
    this.#high = BigInt.asUintN(WORD, this.#high + digest.readBigUInt64LE(8))
    this.rows += 1
  }

  get hex(): string {
    return [this.#high, this.#low].map((word) => word.toString(16).padStart(16, '0')).join('')
  }
}

/** A value as text with its type in front, so that 1, 1n, '1' and null all differ. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'n;'
  if (value instanceof Uint8Array) return `b${value.length}:${Buffer.from(value).toString('hex')};`
  if (value instanceof Date) return `d${value.getTime()};`
  if (typeof value === 'object') return objectText(value)
  const text = (value as string | number | bigint | boolean).toString()
  return `${TYPE_MARKS[typeof value] ?? 'x'}${text.length}:${text};`
}

const TYPE_MARKS: Readonly<Record<string, string>> = { string: 's', number: 'r', bigint: 'i', boolean: 't' }

function objectText(value: object): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join('')}]`
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `{${members.map(([name, member]) => valueText(name) + valueText(member)).join('')}}`
}
