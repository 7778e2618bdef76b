import { canRead } from '../compatibility/compatibility.ts'
import type { FieldNode, RecordNode } from '../schema/schema-node.ts'

export interface FieldMatches {
  /** Newer fields, and the older ones that they read. */
  readonly kept: ReadonlyMap<FieldNode, FieldNode>
  /** Newer fields that read nothing and have no default. */
  readonly added: readonly FieldNode[]
  /** Newer fields that read nothing, and an older one each that nothing reads and that would suit. */
  readonly renamed: ReadonlyMap<FieldNode, FieldNode>
  readonly removed: readonly FieldNode[]
}

/** Finds the older field of every newer one, by name and then by alias. */
export function matchFields(old: RecordNode, now: RecordNode): FieldMatches {
  const kept = new Map<FieldNode, FieldNode>()
  for (const field of now.fields) {
    const names = [field.name, ...field.aliases]
    const before = names.map((name) => old.fields.find((other) => other.name === name)).find(Boolean)
    if (before) kept.set(field, before)
  }
  const read = new Set(kept.values())
  const removed = old.fields.filter((field) => !read.has(field))
  const unread = now.fields.filter((field) => !kept.has(field))
  const renamed = new Map<FieldNode, FieldNode>()
  const free = new Set(removed)
  for (const field of unread) {
    const before = [...free].find((other) => other.type.kind === field.type.kind && canRead(field.type, other.type))
    if (!before) continue
    renamed.set(field, before)
    free.delete(before)
  }
  return { kept, added: unread.filter((field) => !hasDefault(field)), renamed, removed }
}

/** Avro Java takes the default of an enum for that of a field; nobody else does. */
function hasDefault(field: FieldNode): boolean {
  return field.defaultValue !== undefined
}
