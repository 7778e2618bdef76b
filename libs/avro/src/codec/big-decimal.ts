import { ByteSink, writeBytes, writeInt } from '../binary/byte-sink.ts'
import { ByteSource, readBytes, readInt } from '../binary/byte-source.ts'
import { decimalFromBytes } from './decimal.ts'

/**
 * A decimal that carries its own scale, as `BigDecimalConversion` of Avro Java 1.12 writes it: the unscaled number as
 * Avro bytes, then the scale as an int. Throws `RangeError` for bytes that are none.
 */
export function bigDecimalFromBytes(bytes: Buffer): string {
  const source = new ByteSource()
  source.bytes = bytes
  const unscaled = readBytes(source)
  const scale = readInt(source)
  if (source.position !== bytes.length) throw new RangeError('bytes are left over behind a big-decimal')
  if (Math.abs(scale) > SCALE_MAX) throw new RangeError(`a big-decimal has a scale of ${scale}`)
  if (scale >= 0) return decimalFromBytes(unscaled, scale)
  const whole = decimalFromBytes(unscaled, 0)
  return whole === '0' ? whole : whole + '0'.repeat(-scale)
}

/** Nothing when the text is no decimal number. */
export function bigDecimalToBytes(text: string): Buffer | undefined {
  const [, sign = '', whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length > SCALE_MAX) return undefined
  const sink = new ByteSink()
  writeBytes(sink, twosComplement(BigInt(`${sign}${whole}${fraction}`)))
  writeInt(sink, fraction.length)
  return sink.written()
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
