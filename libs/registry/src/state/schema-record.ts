import type { SchemaReference } from '@keyfold/avro'
import { isObject, type Metadata, parseMetadata } from './metadata.ts'
import { parseRuleSet, type RuleSet } from './rule-set.ts'

export type { SchemaReference }

/**
 * The records of the `_schemas` topic in Confluent's format. Compaction compares the bytes of keys, so the members of a
 * key have a fixed order, and a record that was written in an older layout is only ever replaced under its own bytes.
 */
export type SchemaKey =
  | { readonly keytype: 'SCHEMA'; readonly subject: string; readonly version: number }
  | { readonly keytype: 'CONFIG'; readonly subject: string | undefined }
  | { readonly keytype: 'MODE'; readonly subject: string | undefined }
  | { readonly keytype: 'DELETE_SUBJECT'; readonly subject: string }
  | { readonly keytype: 'CLEAR_SUBJECT'; readonly subject: string | undefined }
  | { readonly keytype: 'CONTEXT'; readonly context: string }
  | { readonly keytype: 'NOOP' }

export interface SchemaValue {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  readonly metadata?: Metadata | undefined
  readonly ruleSet?: RuleSet | undefined
  readonly schema: string
  readonly deleted: boolean
  /** Members that only other registries know. They stay when the record is written again. */
  readonly others?: Readonly<Record<string, unknown>> | undefined
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

/** Confluent's registry serves several tenants; this is the one of those that serve one. */
const TENANT = 'default'

/** The key's bytes, members in Confluent's order. */
export function keyBytes(key: SchemaKey): Buffer {
  return Buffer.from(JSON.stringify(keyMembers(key)))
}

function keyMembers(key: SchemaKey): object {
  const { keytype } = key
  if (keytype === 'NOOP') return { keytype, magic: 0 }
  if (keytype === 'CONTEXT') return { keytype, tenant: TENANT, context: key.context, magic: 0 }
  // JSON leaves out a subject that is undefined.
  if (keytype === 'SCHEMA') return { keytype, subject: key.subject, version: key.version, magic: 1 }
  return { keytype, subject: key.subject, magic: 0 }
}

export function schemaValueBytes(value: SchemaValue): Buffer {
  const { subject, version, id, schemaType, references, metadata, ruleSet, schema, deleted, others } = value
  const optional = { ...(references.length > 0 ? { references } : {}), ...filled({ metadata, ruleSet }) }
  return Buffer.from(JSON.stringify({ subject, version, id, ...others, schemaType, ...optional, schema, deleted }))
}

export function contextValueBytes(context: string): Buffer {
  return Buffer.from(JSON.stringify({ tenant: TENANT, context }))
}

/** The key of a record of a kind that has an effect; nothing for what other products write. */
export function parseKey(bytes: Buffer): SchemaKey | undefined {
  const json = parseObject(bytes)
  if (!json) return undefined
  const { keytype, version, context } = json
  const subject = typeof json.subject === 'string' ? json.subject : undefined
  if (keytype === 'NOOP') return { keytype }
  if (keytype === 'CONTEXT') return typeof context === 'string' ? { keytype, context } : undefined
  if (keytype === 'CONFIG' || keytype === 'MODE' || keytype === 'CLEAR_SUBJECT') return { keytype, subject }
  if (subject === undefined) return undefined
  if (keytype === 'SCHEMA' && isPositive(version)) return { keytype, subject, version }
  return keytype === 'DELETE_SUBJECT' ? { keytype, subject } : undefined
}

/** The value of a SCHEMA record; nothing when it is not one. */
export function parseSchemaValue(bytes: Buffer): SchemaValue | undefined {
  const json = parseObject(bytes)
  if (!json) return undefined
  const { subject, version, id, schema } = json
  const others = otherMembers(json)
  if (typeof subject !== 'string' || typeof schema !== 'string' || !isPositive(version) || !isPositive(id))
    return undefined
  const schemaType = typeof json.schemaType === 'string' ? json.schemaType : 'AVRO'
  const references = Array.isArray(json.references) ? json.references.filter(isReference) : []
  const attachments = filled({ metadata: parseMetadata(json.metadata), ruleSet: storedRuleSet(json.ruleSet) })
  const deleted = json.deleted === true
  return { subject, version, id, schemaType, references, ...attachments, schema, deleted, ...(others && { others }) }
}

function otherMembers(json: Readonly<Record<string, unknown>>): SchemaValue['others'] {
  const others = Object.entries(json).filter(([name]) => !KNOWN_MEMBERS.has(name))
  return others.length === 0 ? undefined : Object.fromEntries(others)
}

const KNOWN_MEMBERS = new Set([
  'subject',
  'version',
  'id',
  'schemaType',
  'references',
  'metadata',
  'ruleSet',
  'schema',
  'deleted',
])

/** Members of a CONFIG, MODE or DELETE_SUBJECT value. */
export function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    return isObject(json) ? json : undefined
  } catch {
    return undefined
  }
}

export function isReference(json: unknown): json is SchemaReference {
  if (!isObject(json)) return false
  const { name, subject, version } = json
  return typeof name === 'string' && typeof subject === 'string' && typeof version === 'number'
}

/** A rule set that another registry accepted is not checked again, only read as far as it can be. */
function storedRuleSet(json: unknown): RuleSet | undefined {
  try {
    return json === undefined || json === null ? undefined : parseRuleSet(json)
  } catch {
    return undefined
  }
}

function filled<Members extends object>(members: Members): Partial<Members> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<Members>
}

export function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}
