/** Text as `Double.parseDouble` of Java reads it: spaces around, a suffix and hexadecimal floats included. */
export function parseJavaDouble(text: string): number | undefined {
  const [, sign = '', digits = ''] = SHAPE.exec(text) ?? []
  if (digits === '') return undefined
  const hexadecimal = HEXADECIMAL.exec(digits)
  const value = hexadecimal ? fromHexadecimal(hexadecimal) : Number(digits.replace(/[fFdD]$/, ''))
  return sign === '-' ? -value : value
}

const DECIMAL = String.raw`(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?`
const HEXADECIMAL = /^0[xX](?:([0-9a-fA-F]+)\.?|([0-9a-fA-F]*)\.([0-9a-fA-F]+))[pP]([+-]?\d+)[fFdD]?$/
// oxlint-disable-next-line no-control-regex -- Java takes every control for a space
const SHAPE = new RegExp(`^[\u0000-\u0020]*([+-]?)(NaN|Infinity|${DECIMAL}|0[xX][^ ]+)[\u0000-\u0020]*$`)

function fromHexadecimal([, whole = '', before = '', after = '', exponent = '0']: readonly string[]): number {
  const digits = Number(BigInt(`0x0${whole}${before}${after}`))
  return digits * 2 ** (Number(exponent) - after.length * 4)
}
