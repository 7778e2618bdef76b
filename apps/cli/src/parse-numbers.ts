import { InvalidArgumentError } from 'commander'

/** A TCP port; 0 means "any free one". */
export function parsePort(text: string): number {
  return within(text, 0, 65_535)
}

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  return within(text, 1, Number.MAX_SAFE_INTEGER)
}

/** A whole number of at least 0. */
export function parseWhole(text: string): number {
  return within(text, 0, Number.MAX_SAFE_INTEGER)
}

/** Numbers between commas, such as partitions: `0,1,5`. */
export function parseNumbers(text: string): readonly number[] {
  return text.split(',').map((part) => within(part.trim(), 0, 2 ** 31 - 1))
}

function within(text: string, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const to = max === Number.MAX_SAFE_INTEGER ? 'up' : `to ${max}`
  throw new InvalidArgumentError(`Give a whole number from ${min} ${to}`)
}
