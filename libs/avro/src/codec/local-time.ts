/** Ticks since 1970-01-01T00:00 on a clock without zone, as ISO text without zone. */
export function localTimeFromTicks(ticks: bigint, fractionDigits: number): string {
  const perSecond = 10n ** BigInt(fractionDigits)
  const fraction = ((ticks % perSecond) + perSecond) % perSecond
  const seconds = (ticks - fraction) / perSecond
  const text = new Date(Number(seconds) * 1000).toISOString().replace(/\.\d+Z$/, '')
  return `${text}.${fraction.toString().padStart(fractionDigits, '0')}`
}

/** Nothing when the text is no such time or has more digits than can be stored. */
export function localTimeToTicks(text: string, fractionDigits: number): bigint | undefined {
  const match = /^((?:[+-]\d{6}|\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?$/.exec(text)
  const [, whole = '', fraction = ''] = match ?? []
  const ms = Date.parse(`${whole}Z`)
  if (!match || Number.isNaN(ms) || fraction.length > fractionDigits) return undefined
  if (new Date(ms).toISOString().replace(/\.\d+Z$/, '') !== whole) return undefined
  return BigInt(ms / 1000) * 10n ** BigInt(fractionDigits) + BigInt(fraction.padEnd(fractionDigits, '0'))
}
