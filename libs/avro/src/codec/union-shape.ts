import { logicalTypeOf } from '../schema/logical-type.ts'
import type { SchemaNode, UnionNode } from '../schema/schema-node.ts'

/**
 * How the value of a union looks in JavaScript. The rule depends on the schema alone, never on the value:
 * one branch besides null, or branches that `typeof` tells apart with at most one number among them, are `plain`;
 * everything else is `wrapped` as `{ 'branch name': value }`.
 */
export function unionShape(union: UnionNode): 'plain' | 'wrapped' {
  const branches = union.branches.filter(({ kind }) => kind !== 'null')
  if (branches.length <= 1) return 'plain'
  const types = branches.map(plainType)
  return types.includes(undefined) || new Set(types).size < types.length ? 'wrapped' : 'plain'
}

/** What tells a value of this branch from those of the other plain branches; nothing when only a name can. */
export function plainType(branch: SchemaNode): 'boolean' | 'numeric' | 'string' | 'bytes' | undefined {
  if (logicalTypeOf(branch)) return undefined
  switch (branch.kind) {
    case 'boolean':
    case 'string':
    case 'bytes':
      return branch.kind
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'numeric'
    default:
      return undefined
  }
}
