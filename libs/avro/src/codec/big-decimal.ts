import avsc from 'avsc'
import { decimalFromBytes } from './decimal.ts'

/** What stands inside the bytes of a big-decimal, as `BigDecimalConversion` of Avro Java 1.12 writes it. */
interface Scaled {
  readonly unscaled: Buffer
  readonly scale: number
}

const SCALED = avsc.Type.forSchema({
  type: 'record',
  name: 'Scaled',
  fields: [
    { name: 'unscaled', type: 'bytes' },
    { name: 'scale', type: 'int' },
  ],
})

/** A decimal that carries its own scale. Throws for bytes that are none. */
export function bigDecimalFromBytes(bytes: Buffer): string {
  const { unscaled, scale } = SCALED.fromBuffer(bytes) as Scaled
  if (Math.abs(scale) > SCALE_MAX) throw new RangeError(`a big-decimal has a scale of ${scale}`)
  if (scale >= 0) return decimalFromBytes(unscaled, scale)
  const whole = decimalFromBytes(unscaled, 0)
  return whole === '0' ? whole : whole + '0'.repeat(-scale)
}

/** Nothing when the text is no decimal number. */
export function bigDecimalToBytes(text: string): Buffer | undefined {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length > SCALE_MAX) return undefined
  const scaled: Scaled = {
    unscaled: twosComplement(BigInt(`${sign}${whole}${fraction}`)),
    scale: fraction.length,
  }
  return SCALED.toBuffer(scaled)
}

/** Digits after the point, or zeros before it: a scale from the wire decides how long the text gets. */
const SCALE_MAX = 10_000

/** Big-endian, in the fewest bytes that hold the sign, too. */
export function twosComplement(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}
