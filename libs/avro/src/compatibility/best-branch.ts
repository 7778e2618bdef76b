import {
  aliasText,
  branchName,
  isNamed,
  type NamedNode,
  type SchemaNode,
  type UnionNode,
} from '../schema/schema-node.ts'
import { canRead } from './compatibility.ts'

/** As Avro Java chooses: the same type by its full name, then by its name, then whatever the writer can become. */
export function bestBranch(writer: SchemaNode, reader: UnionNode): SchemaNode {
  // A schema that reads its own data need not be compared with itself.
  if (reader.branches.includes(writer)) return writer
  const readable = reader.branches.filter((branch) => canRead(branch, writer))
  const same = readable.filter(({ kind }) => kind === writer.kind)
  const exact = same.find((branch) => branchName(branch) === branchName(writer))
  const renamed = same.find((branch) => isNamed(branch) && isNamed(writer) && isAliasOf(branch, writer))
  // Of several with its short name Avro Java takes the last.
  const named = same.findLast((branch) => isNamed(branch) && isNamed(writer) && branch.name.name === writer.name.name)
  const found = exact ?? renamed ?? named ?? readable[0]
  if (!found) throw new Error(`No branch of the reader's union reads ${branchName(writer)}`)
  return found
}

function isAliasOf(branch: NamedNode, writer: NamedNode): boolean {
  return branch.aliases.some((alias) => aliasText(alias, branch) === writer.name.full)
}
