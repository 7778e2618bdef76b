import { decodeWire } from '@keyfold/avro'
import { failureOf } from '../failure.ts'
import type { RegisteredSchemas } from './registered-schemas.ts'

/** A key or a value as it is shown: what it says, and how that was read. */
export interface Payload {
  /** Text, or what Avro says; null for none. */
  readonly content: unknown
  readonly encoding: 'none' | 'avro' | 'text' | 'base64'
  readonly schemaId?: number
  /** Why it is shown as base64 although it looks like Avro. */
  readonly reason?: string
}

const WIRE_HEADER_BYTES = 5
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the bytes of a key or a value. A zero byte and a schema id in front mean Avro of a registry; what cannot be
 * read as that is shown as bytes, with the reason. Everything else is text if it is UTF-8, and bytes otherwise.
 */
export async function decodePayload(bytes: Buffer | null, schemas: RegisteredSchemas): Promise<Payload> {
  if (bytes === null) return { content: null, encoding: 'none' }
  if (bytes.length < WIRE_HEADER_BYTES || bytes[0] !== 0) return plain(bytes)
  const { schemaId, bodyOffset } = decodeWire(bytes)
  try {
    const type = await schemas.withId(schemaId)
    return { content: type.decode(bytes, bodyOffset), encoding: 'avro', schemaId }
  } catch (error) {
    const { code, message } = failureOf(error)
    return { ...base64(bytes), schemaId, reason: `${code}: ${message}` }
  }
}

function plain(bytes: Buffer): Payload {
  try {
    return { content: text.decode(bytes), encoding: 'text' }
  } catch {
    return base64(bytes)
  }
}

function base64(bytes: Buffer): Payload {
  return { content: bytes.toString('base64'), encoding: 'base64' }
}
