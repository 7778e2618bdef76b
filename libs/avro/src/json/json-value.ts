/**
 * JSON as Avro Java sees it. `JSON.parse` is not enough for a schema: it forgets whether a number was written `1` or
 * `1.0`, loses digits of large longs and moves integer-like members to the front, and all three change the identity
 * of a schema.
 */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/** Members in the order of their first appearance; a repeated member keeps its place and takes the last value. */
export type JsonObject = ReadonlyMap<string, JsonValue>

export type JsonNumber =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isJsonNumber(value: JsonValue | undefined): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'kind' in value
}

/** Prints without spaces, non-ASCII text as it is, doubles in Java's notation. */
export function printJson(value: JsonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'string') return printString(value)
  if (isJsonArray(value)) return `[${value.map(printJson).join(',')}]`
  if (isJsonNumber(value)) return value.kind === 'integer' ? value.value.toString() : printDouble(value.value)
  return `{${Array.from(value, ([name, member]) => `${printString(name)}:${printJson(member)}`).join(',')}}`
}

/** As Jackson escapes: quotes, backslash and controls; never `/`, never non-ASCII. */
export function printString(text: string): string {
  // JSON.stringify writes controls in lower-case hex, Jackson in capitals; of surrogates only the first escapes lone ones.
  const escaped = /(?<!\\)((?:\\\\)*)(\\u[0-9a-f]{4})/g
  return JSON.stringify(text).replaceAll(escaped, (_, before: string, escape: string) =>
    escape.startsWith('\\ud')
      ? `${before}${JSON.parse(`"${escape}"`)}`
      : `${before}\\u${escape.slice(2).toUpperCase()}`,
  )
}

/** What Java makes of text in UTF-8: half a character, which a schema may hold, becomes a question mark. */
export function utf8Bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\p{Surrogate}/gu, '?'), 'utf8')
}

/** The default of bytes, one letter each. As in Java, letters that are no byte become question marks. */
export function latin1Text(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the range is all of ISO 8859-1, controls included
  return text.replaceAll(/[^\u0000-\u00ff]/gu, '?')
}

/** `Double.toString` of Java 19 and later: shortest digits, `1.0E10` from 10^7 up and below 10^-3. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return '"NaN"'
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"'
  // Java prints at least two digits, and of those that read back as the value the two that are closest to it.
  const twoDigits = value.toExponential(1)
  return inJavaNotation(value, Number(twoDigits) === value ? twoDigits : value.toExponential())
}

/** `Float.toString`: the fewest digits that read back as the same 32-bit float. */
export function printFloat(value: number): string {
  const float = Math.fround(value)
  if (!Number.isFinite(float)) return printDouble(float)
  for (let digits = 1; digits < 9; digits++) {
    const text = float.toExponential(digits)
    if (Math.fround(Number(text)) === float) return inJavaNotation(float, text)
  }
  return inJavaNotation(float, float.toExponential())
}

function inJavaNotation(value: number, exponential: string): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (value === 0) return `${sign}0.0`
  const [mantissa = '', exponentText = '0'] = exponential.replace('-', value < 0 ? '' : '-').split('e')
  const digits = mantissa.replace('.', '').replace(/0+$/, '') || '0'
  const exponent = Number(exponentText)
  if (exponent < -3 || exponent >= 7) return `${sign}${digits.charAt(0)}.${digits.slice(1) || '0'}E${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}
