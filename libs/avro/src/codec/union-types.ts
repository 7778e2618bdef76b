import { bestBranch } from '../compatibility/best-branch.ts'
import { branchName, type UnionNode } from '../schema/schema-node.ts'
import {
  nodeOf,
  type Tap,
  UnwrappedUnionType,
  type WireResolver,
  type WireType,
  WrappedUnionType,
} from './avsc-types.ts'
import { inWords, Misfit, rethrowFrom } from './misfit.ts'
import { plainType, unionShape } from './union-shape.ts'

/** A union whose values look as `unionShape` says, which depends on the schema alone. */
export function unionType(node: UnionNode, branches: readonly unknown[], options: object): WireType {
  return unionShape(node) === 'plain' ? plainUnion(node, branches, options) : wrappedUnion(node, branches, options)
}

function plainUnion(node: UnionNode, schemas: readonly unknown[], options: object): WireType {
  const nullIndex = indexOfNull(node)
  const branches = node.branches.flatMap((branch, index) =>
    branch.kind === 'null' ? [] : [{ type: plainType(branch), index }],
  )
  const expected = node.branches.map(branchName).join(' or ')
  class PlainUnion extends UnwrappedUnionType {
    override _write(tap: Tap, value: unknown): void {
      if (value === null && nullIndex >= 0) return tap.writeLong(nullIndex)
      const branch = branches.length === 1 ? branches[0] : branches.find(({ type }) => type === plainTypeOf(value))
      if (!branch || value === null || value === undefined) throw new Misfit(expected, inWords(value))
      tap.writeLong(branch.index)
      this.types[branch.index]?._write(tap, value)
    }

    override _update(resolver: WireResolver, writer: WireType, more: object): void {
      const inner = this.types[bestIndex(node, writer)]?.createResolver(writer, more)
      if (inner) resolver._read = (tap) => inner._read(tap)
    }
  }
  return new PlainUnion(schemas, options)
}

function wrappedUnion(node: UnionNode, schemas: readonly unknown[], options: object): WireType {
  const nullIndex = indexOfNull(node)
  const names = node.branches.map(branchName)
  const indexes = new Map(names.map((name, index) => [name, index]))
  const expected = names.map((name) => (name === 'null' ? name : `{ ${JSON.stringify(name)}: … }`)).join(' or ')
  class NamedUnion extends WrappedUnionType {
    override _read(tap: Tap): unknown {
      const index = tap.readLong()
      const type = this.types[index]
      if (!type) throw new RangeError('a union has no branch of that number')
      return index === nullIndex ? null : { [names[index] ?? '']: type._read(tap) }
    }

    override _write(tap: Tap, value: unknown): void {
      if (value === null && nullIndex >= 0) return tap.writeLong(nullIndex)
      const given = typeof value === 'object' && value !== null ? Object.keys(value) : []
      const [name = ''] = given
      const index = given.length === 1 && name !== 'null' ? indexes.get(name) : undefined
      if (index === undefined) throw new Misfit(expected, inWords(value))
      tap.writeLong(index)
      try {
        this.types[index]?._write(tap, (value as Record<string, unknown>)[name])
      } catch (error) {
        rethrowFrom(error, `[${JSON.stringify(name)}]`)
      }
    }

    override _update(resolver: WireResolver, writer: WireType, more: object): void {
      const index = bestIndex(node, writer)
      const inner = this.types[index]?.createResolver(writer, more)
      const name = names[index] ?? ''
      if (inner) resolver._read = index === nullIndex ? () => null : (tap) => ({ [name]: inner._read(tap) })
    }
  }
  return new NamedUnion(schemas, options)
}

function indexOfNull(node: UnionNode): number {
  return node.branches.findIndex(({ kind }) => kind === 'null')
}

/** avsc would take the first branch that can be read at all. */
function bestIndex(node: UnionNode, writer: WireType): number {
  return node.branches.indexOf(bestBranch(nodeOf(writer), node))
}

function plainTypeOf(value: unknown): ReturnType<typeof plainType> {
  if (value instanceof Uint8Array) return 'bytes'
  if (typeof value === 'number' || typeof value === 'bigint') return 'numeric'
  return typeof value === 'boolean' || typeof value === 'string' ? (typeof value as 'boolean' | 'string') : undefined
}
