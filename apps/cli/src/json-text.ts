/**
 * JSON for results: a `bigint` keeps all its digits as a JSON number, bytes are base64 text, dates ISO text.
 * JSON has no limit for numbers; readers that only know doubles should treat 64-bit fields as text before parsing.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, exact, indent)
}

function exact(this: unknown, key: string, value: unknown): unknown {
  // Buffer.toJSON and Date.toJSON have run already: the value as it was is still in its holder.
  const original = isHolder(this) ? this[key] : value
  if (typeof original === 'bigint') return JSON.rawJSON(String(original))
  if (original instanceof Uint8Array) return Buffer.from(original).toString('base64')
  return value
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Reads JSON; whole numbers that a double cannot hold become `bigint`. Throws `SyntaxError`. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }) =>
    typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value)
      ? BigInt(source)
      : value,
  )
}
