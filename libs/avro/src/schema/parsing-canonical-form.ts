import { isNamed, type ParsedSchema, type SchemaNode } from './schema-node.ts'

/**
 * The specification's "Parsing Canonical Form": only what decides how bytes are read. Two schemas that share it share
 * their encoding, though defaults, aliases and logical types may differ.
 */
export function parsingCanonicalForm(schema: ParsedSchema): string {
  return print(schema.root, new Set())
}

function print(node: SchemaNode, printed: Set<string>): string {
  if (isNamed(node)) {
    const name = quoted(node.name.full)
    if (printed.has(node.name.full)) return name
    printed.add(node.name.full)
    const head = `{"name":${name},"type":"${node.kind}"`
    if (node.kind === 'fixed') return `${head},"size":${node.size}}`
    if (node.kind === 'enum') return `${head},"symbols":[${node.symbols.map(quoted).join(',')}]}`
    const fields = node.fields.map((field) => `{"name":${quoted(field.name)},"type":${print(field.type, printed)}}`)
    return `${head},"fields":[${fields.join(',')}]}`
  }
  if (node.kind === 'union') return `[${node.branches.map((branch) => print(branch, printed)).join(',')}]`
  if (node.kind === 'array') return `{"type":"array","items":${print(node.items, printed)}}`
  if (node.kind === 'map') return `{"type":"map","values":${print(node.values, printed)}}`
  return `"${node.kind}"`
}

/** As it is: Avro Java escapes nothing here, and what other libraries computed is to be found again. */
function quoted(name: string): string {
  return `"${name}"`
}
