import { UnencodableValue } from './malformed-bytes.ts'

/** Kafka's "no id": 16 zero bytes. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'
const zeroBytes = Buffer.alloc(16)

/** One text in 64 starts with a dash, so running out of draws means that the randomness is none. */
const drawsMax = 100

/**
 * A random (version 4) UUID in Kafka's text form: 22 characters of base64url without padding.
 * `randomBytes(length)` supplies the randomness. Like Kafka's own, the id never starts with '-', because command lines
 * would take it for an option. Throws UnencodableValue when `randomBytes` does not return what it was asked for.
 */
export function generateUuid(randomBytes: (length: number) => Uint8Array): string {
  for (let draws = 0; draws < drawsMax; draws++) {
    const bytes = Buffer.from(randomBytes(16))
    if (bytes.length !== 16) throw new UnencodableValue(`a UUID needs 16 random bytes, not ${bytes.length}`)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const text = uuidText(bytes)
    if (!text.startsWith('-')) return text
  }
  throw new UnencodableValue(`no usable UUID in ${drawsMax} draws: the random bytes are not random`)
}

/** 16 bytes as Kafka prints a UUID. */
export function uuidText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new UnencodableValue(`a UUID has 16 bytes, not ${bytes.length}`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('base64url')
}

/** The 16 bytes of a UUID in Kafka's text form. Throws UnencodableValue for any other text. */
export function uuidBytes(text: string): Buffer {
  if (text === zeroUuid) return Buffer.from(zeroBytes)
  const bytes = Buffer.from(text, 'base64url')
  if (text.length !== 22 || bytes.length !== 16) {
    throw new UnencodableValue(`'${text}' is not a UUID of 22 base64url characters`)
  }
  return bytes
}
