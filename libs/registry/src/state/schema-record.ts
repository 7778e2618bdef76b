/**
 * The records of the `_schemas` topic in Confluent's format. Compaction compares the bytes of keys, so the members of a
 * key have a fixed order, and a record that was written in an older layout is only ever replaced under its own bytes.
 */
export type SchemaKey =
  | { readonly keytype: 'SCHEMA'; readonly subject: string; readonly version: number }
  | { readonly keytype: 'CONFIG'; readonly subject: string | undefined }
  | { readonly keytype: 'MODE'; readonly subject: string | undefined }
  | { readonly keytype: 'DELETE_SUBJECT'; readonly subject: string }
  | { readonly keytype: 'CLEAR_SUBJECT'; readonly subject: string }

export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SchemaValue {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  readonly schema: string
  readonly deleted: boolean
}

/** One record to append. A null value deletes the key. */
export interface LogWrite {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** One record of the log, as it was read. */
export interface LogRecord extends LogWrite {
  readonly offset: number
  readonly timestampMs: number
}

/** The key's bytes, members in Confluent's order. */
export function keyBytes(key: SchemaKey): Buffer {
  const subject = key.subject === undefined ? '' : `"subject":${JSON.stringify(key.subject)},`
  const version = key.keytype === 'SCHEMA' ? `"version":${key.version},` : ''
  const magic = key.keytype === 'SCHEMA' ? 1 : 0
  return Buffer.from(`{"keytype":"${key.keytype}",${subject}${version}"magic":${magic}}`)
}

export function schemaValueBytes(value: SchemaValue): Buffer {
  const { subject, version, id, schemaType, references, schema, deleted } = value
  const withReferences = references.length > 0 ? { references } : {}
  return Buffer.from(JSON.stringify({ subject, version, id, schemaType, ...withReferences, schema, deleted }))
}

/** The key of a record of a kind that has an effect; nothing for NOOP and for what other products write. */
export function parseKey(bytes: Buffer): SchemaKey | undefined {
  const json = parseObject(bytes)
  if (!json) return undefined
  const { keytype, version } = json
  const subject = typeof json.subject === 'string' ? json.subject : undefined
  if (keytype === 'CONFIG' || keytype === 'MODE') return { keytype, subject }
  if (subject === undefined) return undefined
  if (keytype === 'SCHEMA' && isPositive(version)) return { keytype, subject, version }
  return keytype === 'DELETE_SUBJECT' || keytype === 'CLEAR_SUBJECT' ? { keytype, subject } : undefined
}

/** The value of a SCHEMA record; nothing when it is not one. Members that are not known are passed over. */
export function parseSchemaValue(bytes: Buffer): SchemaValue | undefined {
  const json = parseObject(bytes)
  if (!json) return undefined
  const { subject, version, id, schema } = json
  if (typeof subject !== 'string' || typeof schema !== 'string' || !isPositive(version) || !isPositive(id))
    return undefined
  const schemaType = typeof json.schemaType === 'string' ? json.schemaType : 'AVRO'
  const references = Array.isArray(json.references) ? json.references.filter(isReference) : []
  return { subject, version, id, schemaType, references, schema, deleted: json.deleted === true }
}

/** Members of a CONFIG, MODE or DELETE_SUBJECT value. */
export function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

export function isReference(json: unknown): json is SchemaReference {
  if (typeof json !== 'object' || json === null) return false
  const { name, subject, version } = json as Partial<SchemaReference>
  return typeof name === 'string' && typeof subject === 'string' && typeof version === 'number'
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}
