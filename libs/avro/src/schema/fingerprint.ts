import { utf8Bytes } from '../json/json-value.ts'
import { parsingCanonicalForm } from './parsing-canonical-form.ts'
import type { ParsedSchema } from './schema-node.ts'

/** CRC-64-AVRO of the parsing canonical form, from the specification's "Schema Fingerprints". */
export function fingerprint64(schema: ParsedSchema): bigint {
  let fingerprint = EMPTY
  for (const byte of utf8Bytes(parsingCanonicalForm(schema))) {
    fingerprint = (fingerprint >> 8n) ^ (TABLE[Number((fingerprint ^ BigInt(byte)) & 0xffn)] ?? 0n)
  }
  return fingerprint
}

const EMPTY = 0xc15d213aa4d7a795n

const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, index) => {
  let entry = BigInt(index)
  for (let bit = 0; bit < 8; bit++) entry = (entry >> 1n) ^ (EMPTY & -(entry & 1n))
  return entry
})
