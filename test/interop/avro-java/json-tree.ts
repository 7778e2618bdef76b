/**
 * JSON that can be taken apart: members may repeat, numbers keep the way they were written. Independent of the library's
 * own parser, so that a mistake there cannot hide itself.
 */
export type Tree = null | boolean | string | { raw: string } | Tree[] | { members: [string, Tree][] }

export function treeOf(text: string): Tree {
  return fromValue(JSON.parse(text))
}

function fromValue(value: unknown): Tree {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return { raw: String(value) }
  if (Array.isArray(value)) return value.map(fromValue)
  return { members: Object.entries(value as object).map(([name, member]) => [name, fromValue(member)]) }
}

/** `space` is put wherever JSON allows it. */
export function textOf(tree: Tree, space: () => string = () => ''): string {
  const s = space
  if (tree === null || typeof tree === 'boolean') return `${s()}${tree}${s()}`
  if (typeof tree === 'string') return `${s()}${JSON.stringify(tree)}${s()}`
  if (Array.isArray(tree)) return `${s()}[${tree.map((item) => textOf(item, s)).join(',')}${s()}]${s()}`
  if ('raw' in tree) return `${s()}${tree.raw}${s()}`
  const members = tree.members.map(([name, member]) => `${s()}${JSON.stringify(name)}${s()}:${textOf(member, s)}`)
  return `${s()}{${members.join(',')}${s()}}${s()}`
}

export function copyOf(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(copyOf)
  if (typeof tree !== 'object' || tree === null || 'raw' in tree) return tree
  return { members: tree.members.map(([name, member]) => [name, copyOf(member)]) }
}

/** Every place in a tree that can be replaced, with the name of its member where it has one. */
export interface Place {
  readonly name: string | undefined
  readonly tree: Tree
  replace(tree: Tree): void
}

export function placesOf(root: { tree: Tree }): Place[] {
  const places: Place[] = []
  const walk = (name: string | undefined, tree: Tree, replace: (tree: Tree) => void): void => {
    places.push({ name, tree, replace })
    if (Array.isArray(tree)) tree.forEach((item, index) => walk(name, item, (other) => (tree[index] = other)))
    else if (typeof tree === 'object' && tree !== null && 'members' in tree) {
      for (const member of tree.members) walk(member[0], member[1], (other) => (member[1] = other))
    }
  }
  walk(undefined, root.tree, (tree) => (root.tree = tree))
  return places
}
