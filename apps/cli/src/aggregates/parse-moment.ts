import { parseInstant } from '../parse-instant.ts'

/** Reads a version (`7`) or a time (`2026-01-01T00:00`, `-1h`). */
export function parseMoment(text: string): number | Date {
  return /^\d{1,10}$/.test(text) ? Number(text) : new Date(parseInstant(text))
}
