import type { SchemaReference } from '@keyfold/avro'

export const referencesFix = 'Write [{ "name": "bank.Money", "subject": "bank.Money", "version": 1 }, …]'

/** The text of a `v<n>.references.json`. Throws an `Error` that says what is wrong with it. */
export function referenceList(text: string): readonly SchemaReference[] {
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || !value.every(isReference)) throw new Error('it is no list of references')
  return value.map(({ name, subject, version }) => ({ name, subject, version }))
}

function isReference(value: unknown): value is SchemaReference {
  const { name, subject, version } = Object(value) as Partial<Record<keyof SchemaReference, unknown>>
  return typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version) && Number(version) > 0
}
