import { copyOf, type Place, placesOf, type Tree } from './json-tree.ts'
import { NAMESPACES, SchemaMaker } from './make-schemas.ts'
import type { Random } from './random.ts'

/** The same schema with up to `most` things about it changed. */
export function mutated(tree: Tree, random: Random, most: number): Tree {
  const root = { tree: copyOf(tree) }
  for (let left = 1 + random.below(most); left > 0; left--) mutate(root, random)
  return root.tree
}

/** Mutations by the member they apply to; a random one for all others. */
const BY_MEMBER: Readonly<Record<string, (maker: SchemaMaker, random: Random) => Tree>> = {
  type: (maker) => maker.schema(),
  items: (maker) => maker.schema(),
  values: (maker) => maker.schema(),
  name: (maker) => maker.name(),
  aliases: (maker, random) => random.some(3, () => maker.name()),
  namespace: (_, random) => random.pick(NAMESPACES),
  default: (maker) => maker.json(),
  order: (_, random) => random.pick(['ignore', 'descending', 'ASCENDING', 'up']),
  size: (_, random) => ({ raw: random.pick(['1', '2', '16', '2147483640', '2147483648', '1e1']) }),
}

function mutate(root: { tree: Tree }, random: Random): void {
  const maker = new SchemaMaker(random)
  const place = random.pick(placesOf(root))
  const { tree } = place
  if (Array.isArray(tree)) return mutateArray(tree, place, maker, random)
  if (typeof tree === 'object' && tree !== null && 'members' in tree) return mutateObject(tree, maker, random)
  const make = BY_MEMBER[place.name ?? '']
  place.replace(make && !random.oneIn(8) ? make(maker, random) : maker.json())
}

function mutateArray(tree: Tree[], place: Place, maker: SchemaMaker, random: Random): void {
  const index = random.below(tree.length + 1)
  const [taken] = random.oneIn(2) ? tree.splice(index, 1) : [tree[index]]
  if (random.oneIn(3)) return
  if (taken !== undefined) tree.splice(random.below(tree.length + 1), 0, copyOf(taken))
  else
    tree.push(
      place.name === 'fields'
        ? {
            members: [
              ['name', 'n'],
              ['type', maker.schema()],
            ],
          }
        : maker.schema(),
    )
}

function mutateObject(tree: { members: [string, Tree][] }, maker: SchemaMaker, random: Random): void {
  const { members } = tree
  const index = random.below(members.length + 1)
  const member = members[index]
  switch (random.below(5)) {
    case 0:
      members.splice(index, 1)
      return
    case 1:
      if (member) members.push([member[0], copyOf(member[1])])
      return
    case 2:
      if (member) members.splice(random.below(members.length), 0, ...members.splice(index, 1))
      return
    default: {
      const name = random.pick(['default', 'aliases', 'namespace', 'doc', 'order', 'zeta', 'logicalType', 'scale'])
      const make = BY_MEMBER[name]
      members.push([name, make ? make(maker, random) : maker.json()])
    }
  }
}
