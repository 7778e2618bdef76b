import { isObject } from '../state/metadata.ts'

/** A record or field with tags written into the schema. */
export interface SchemaTags {
  readonly schemaEntity: { readonly entityPath: string; readonly entityType: 'sr_record' | 'sr_field' }
  readonly tags: readonly string[]
}

const TAGS_PROPERTY = 'confluent:tags'

/** Records and fields of a stored schema that have one of the tags, or any with `*`. */
export function schemaTags(schema: string, wanted: readonly string[]): readonly SchemaTags[] {
  const found: SchemaTags[] = []
  collect(JSON.parse(schema), undefined, found)
  return found.filter(({ tags }) => wanted.includes('*') || tags.some((tag) => wanted.includes(tag)))
}

function collect(json: unknown, namespace: string | undefined, found: SchemaTags[]): void {
  if (Array.isArray(json)) for (const branch of json) collect(branch, namespace, found)
  if (!isObject(json)) return
  const { type, name, items, values, fields } = json
  collect(items, namespace, found)
  collect(values, namespace, found)
  if (!Array.isArray(fields)) return collect(isObject(type) ? type : undefined, namespace, found)
  const inner = typeof json.namespace === 'string' ? json.namespace : namespace
  const path = inner ? `${inner}.${String(name)}` : String(name)
  add(json, { entityPath: path, entityType: 'sr_record' }, found)
  for (const field of fields) {
    if (!isObject(field)) continue
    add(field, { entityPath: `${path}.${String(field.name)}`, entityType: 'sr_field' }, found)
    collect(field.type, inner, found)
  }
}

function add(
  json: Readonly<Record<string, unknown>>,
  schemaEntity: SchemaTags['schemaEntity'],
  found: SchemaTags[],
): void {
  const tags = json[TAGS_PROPERTY]
  if (Array.isArray(tags) && tags.length > 0) found.push({ schemaEntity, tags: tags.map(String) })
}
