import { InvalidArgumentError } from 'commander'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads `500ms`, `30s`, `5m`, `2h`, `7d`, or ISO 8601 such as `PT30M`, into milliseconds. */
export function parseDuration(text: string): number {
  const simple = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (simple) return Math.round(Number(simple[1]) * (UNIT_MS[simple[2] ?? ''] ?? Number.NaN))
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text)
  if (!iso || /[PT]$/.test(text)) throw new InvalidArgumentError('Give a number and a unit: 500ms, 30s, 5m, 2h, 7d')
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = iso
  return Math.round(
    Number(days) * 86_400_000 + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1_000,
  )
}
