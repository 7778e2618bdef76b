import { InvalidArgumentError } from 'commander'
import { parseDuration } from './parse-duration.ts'

/**
 * Reads a point in time into milliseconds since 1970: `2026-01-01T00:00` (in UTC unless it names a zone),
 * `2026-01-01`, `-1h` (so long ago), or the milliseconds themselves.
 */
export function parseInstant(text: string): number {
  if (text.startsWith('-')) return Date.now() - parseDuration(text.slice(1))
  if (/^\d{11,}$/.test(text)) return Number(text)
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)
  const hasZone = /T.*(Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes('T')
  const instant = isIso ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN
  if (Number.isNaN(instant)) throw new InvalidArgumentError('Give a time: 2026-01-01T00:00, or how long ago: -1h')
  return instant
}
