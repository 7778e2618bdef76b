/** Two's complement, big-endian bytes of an unscaled number, as exact decimal text: never a float on the way. */
export function decimalFromBytes(bytes: Buffer, scale: number): string {
  const bits = bytes.length * 8
  const unscaled = bits === 0 ? 0n : BigInt.asIntN(bits, BigInt(`0x${bytes.toString('hex')}`))
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  const point = digits.length - scale
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

export interface DecimalLimits {
  readonly precision: number
  readonly scale: number
  /** Bytes of a fixed; the fewest that do otherwise. */
  readonly size: number | undefined
}

/** Nothing when the text is no decimal number or would have to be rounded or cut. */
export function decimalToBytes(text: string, { precision, scale, size }: DecimalLimits): Buffer | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = ''] = match
  if (fraction.length > scale) return undefined
  const digits = (whole + fraction.padEnd(scale, '0')).replace(/^0+(?=\d)/, '')
  if (digits.length > precision && digits !== '0') return undefined
  const unscaled = BigInt(sign + digits)
  const length = size ?? bytesFor(unscaled)
  const hex = BigInt.asUintN(length * 8, unscaled).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex')
}

function bytesFor(value: bigint): number {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return length
}
