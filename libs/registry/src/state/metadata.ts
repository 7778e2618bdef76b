/** Facts about a schema that are stored and hashed with it. Members are sorted, empty ones are left out. */
export interface Metadata {
  readonly tags?: Readonly<Record<string, readonly string[]>>
  readonly properties?: Readonly<Record<string, string>>
  readonly sensitive?: readonly string[]
}

/** The property that the registry itself keeps: the version that this metadata was registered as. */
const VERSION_PROPERTY = 'confluent:version'

/** Reads metadata; members that are not known are passed over. Undefined when it has another shape. */
export function parseMetadata(json: unknown): Metadata | undefined {
  if (!isObject(json)) return undefined
  const { tags = {}, properties = {}, sensitive = [] } = withoutNulls(json)
  const texts = isObject(properties) ? scalarTexts(properties) : undefined
  if (!texts || !isStrings(sensitive) || !isObject(tags) || !Object.values(tags).every(isStrings)) return undefined
  const tagLists = Object.entries(tags).map(([path, list]) => [path, distinct(list as readonly string[])] as const)
  return metadataOf(Object.fromEntries(tagLists), texts, sensitive)
}

/** The newer one wins member by member; neither need be there. */
export function mergedMetadata(older: Metadata | undefined, newer: Metadata | undefined): Metadata | undefined {
  if (!older || !newer) return newer ?? older
  return metadataOf({ ...older.tags, ...newer.tags }, { ...older.properties, ...newer.properties }, [
    ...(older.sensitive ?? []),
    ...(newer.sensitive ?? []),
  ])
}

export function versionProperty(metadata: Metadata | undefined): string | undefined {
  return metadata?.properties?.[VERSION_PROPERTY]
}

export function withVersionProperty(metadata: Metadata | undefined, version: number): Metadata {
  const properties = { ...metadata?.properties, [VERSION_PROPERTY]: String(version) }
  return metadataOf(metadata?.tags ?? {}, properties, metadata?.sensitive ?? [])
}

export function withoutVersionProperty(metadata: Metadata | undefined): Metadata {
  const { [VERSION_PROPERTY]: _, ...properties } = metadata?.properties ?? {}
  return metadataOf(metadata?.tags ?? {}, properties, metadata?.sensitive ?? [])
}

function metadataOf(
  tags: Readonly<Record<string, readonly string[]>>,
  properties: Readonly<Record<string, string>>,
  sensitive: readonly string[],
): Metadata {
  return {
    ...(Object.keys(tags).length > 0 ? { tags: sortedMembers(tags) } : {}),
    ...(Object.keys(properties).length > 0 ? { properties: sortedMembers(properties) } : {}),
    ...(sensitive.length > 0 ? { sensitive: distinct(sensitive) } : {}),
  }
}

export function sortedMembers<Value>(members: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(members).sort(([left], [right]) => (left < right ? -1 : 1)))
}

export function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}

export function isStrings(json: unknown): json is readonly string[] {
  return Array.isArray(json) && json.every((item) => typeof item === 'string')
}

export function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** An explicit null says the same as a member that is not there. */
export function withoutNulls(json: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
}

/** Numbers and booleans count as their text. */
export function scalarTexts(json: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(json)
  const isScalar = entries.every(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  return isScalar ? Object.fromEntries(entries.map(([name, value]) => [name, String(value)])) : undefined
}
