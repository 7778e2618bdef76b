import { alike } from '../printed.ts'

/** What Vitest and Jest make by `expect.any(…)` and its like: it says itself what it matches. */
interface Matcher {
  asymmetricMatch(actual: unknown): boolean
}

/** Whether a matcher stands anywhere in a value. */
export function holdsMatcher(value: unknown): boolean {
  if (isMatcher(value)) return true
  if (value instanceof Date || value instanceof Uint8Array || typeof value !== 'object' || value === null) return false
  return Object.values(value).some(holdsMatcher)
}

/** Whether a value is what is expected, where matchers decide for themselves; members left out are not looked at. */
export function matches(actual: unknown, expected: unknown): boolean {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual)
  if (!holdsMatcher(expected)) return alike(actual, expected)
  if (typeof actual !== 'object' || actual === null || typeof expected !== 'object' || expected === null) return false
  const isWhole = !Array.isArray(expected) || (Array.isArray(actual) && actual.length === expected.length)
  const members = actual as Readonly<Record<string, unknown>>
  return isWhole && Object.entries(expected).every(([name, value]) => matches(members[name], value))
}

function isMatcher(value: unknown): value is Matcher {
  return typeof value === 'object' && value !== null && 'asymmetricMatch' in value
}
