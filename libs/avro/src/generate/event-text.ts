import { canonicalSchema } from '../schema/canonical.ts'
import { schemaGuid } from '../schema/schema-guid.ts'
import { CodeName, LINE_WIDTH, literalText, quoted } from './literal-text.ts'
import { keyOf } from './schema-folder.ts'
import type { HistoryVersion, TypeHistory } from './schema-history.ts'
import { memberText, type TypeText } from './type-text.ts'
import { type DeclaredNames, TypeDeclarations } from './typescript-types.ts'

export interface EventText {
  readonly fullName: string
  readonly text: string
  /** The names of everything in it. */
  readonly declared: readonly string[]
  /** Names of other contexts that it uses, as values or as types. */
  readonly imported: readonly ImportedName[]
}

export interface ImportedName {
  readonly context: string
  readonly name: string
  readonly isType: boolean
}

/** What was made code of so far: the names of every version, and of the histories themselves. */
export class MadeTypes {
  readonly #versions = new Map<string, DeclaredNames>()
  readonly #values = new Map<string, string>()

  add({ key, context, root }: TypeHistory, types: readonly TypeDeclarations[]): void {
    this.#values.set(key, root.name.name)
    for (const [index, type] of types.entries()) this.#versions.set(`${key} ${index + 1}`, type.namesIn(context))
  }

  /** Everything that a version uses and need not declare. */
  namesFor({ references }: HistoryVersion): DeclaredNames {
    return new Map(references.flatMap(({ file }) => [...(this.#versions.get(`${keyOf(file)} ${file.version}`) ?? [])]))
  }

  /** The constant of a history. */
  valueOf(key: string): string {
    return this.#values.get(key) ?? ''
  }
}

/** The types of every version of an event or a shared type, oldest first, and its whole history as a constant. */
export function eventText(history: TypeHistory, made: MadeTypes): EventText {
  const { fullName, root, versions, isShared, context } = history
  const { name } = root.name
  const types = versions.map((version) => {
    const isNewest = version.version === versions.length
    const typeName = isNewest ? name : `${name}V${version.version}`
    return new TypeDeclarations(version.schema.root, typeName, made.namesFor(version))
  })
  const declarations = types.map((type) => type.declare())
  made.add(history, types)
  const definition = isShared ? sharedText(history, made) : definitionText(history, made)
  const declared = types.flatMap((type) => type.declared)
  const used = new Map(types.flatMap((type) => [...type.used]))
  const values = versions.flatMap(({ references }) =>
    references.map(({ file }) => ({ name: made.valueOf(keyOf(file)), context: file.context, isType: false })),
  )
  const names = [
    ...values,
    ...Array.from(used, ([usedName, owner]) => ({ name: usedName, context: owner, isType: true })),
  ]
  return {
    fullName,
    text: [...declarations, ...(isShared ? [] : [historyText(history)]), definition].join('\n'),
    declared: isShared ? declared : [...declared, `${name}History`],
    imported: names.filter((each) => each.context !== context),
  }
}

function historyText({ fullName, root, versions }: TypeHistory): string {
  const { name } = root.name
  return [
    `/** Every version of \`${fullName}\`: what reading and writing it means. */`,
    `export interface ${name}History {`,
    ...versions.map(({ version }) =>
      memberText(String(version), versionType(version === versions.length ? name : `${name}V${version}`), 2),
    ),
    '}\n',
  ].join('\n')
}

/** What schemas refer to that use the type. */
function sharedText({ fullName, root, versions }: TypeHistory, made: MadeTypes): string {
  const doc = `/** Every version of \`${fullName}\`, which schemas of events refer to. */\n`
  return `${doc}export const ${root.name.name}: SharedType = ${definedAs(fullName, versions, { indent: 0, made })}\n`
}

function versionType(name: string): TypeText {
  return {
    members: [
      ['read', name],
      ['write', `${name}Input`],
    ],
  }
}

function definitionText({ fullName, root, versions }: TypeHistory, made: MadeTypes): string {
  const { name } = root.name
  const parameters = [quoted(fullName), name, `${name}Input`, `${name}History`]
  const oneLine = `export const ${name} = defineEvent<${parameters.join(', ')}>(`
  // The formatter puts the brace on a line of its own where it alone does not fit.
  if (oneLine.length === LINE_WIDTH) return `${oneLine}\n  ${definedAs(fullName, versions, { indent: 2, made })},\n)\n`
  const call =
    oneLine.length < LINE_WIDTH
      ? oneLine
      : `export const ${name} = defineEvent<\n${parameters.map((type) => `  ${type}`).join(',\n')}\n>(`
  return `${call}${definedAs(fullName, versions, { indent: 0, made })})\n`
}

function definedAs(
  fullName: string,
  versions: readonly HistoryVersion[],
  { indent, made }: { readonly indent: number; readonly made: MadeTypes },
): string {
  const start = ' '.repeat(indent)
  const texts = versions.map(({ version, schema, lint, references }) => {
    const canonical = canonicalSchema(schema)
    const listed = references.map(({ reference, file }) => {
      const { subject, version: used } = reference
      return { subject, version: used, type: new CodeName(made.valueOf(keyOf(file))) }
    })
    const guid = schemaGuid(canonical, { references: references.map(({ reference }) => reference) })
    return [
      `${start}    {`,
      `${start}      version: ${version},`,
      `${start}      guid: ${quoted(guid)},`,
      ...(lint === undefined ? [] : [`${start}      lint: ${literalText(lint, indent + 6, indent + 12)},`]),
      ...(listed.length === 0 ? [] : [`${start}      references: ${literalText(listed, indent + 6, indent + 18)},`]),
      `${start}      schema: ${literalText(schemaValue(canonical), indent + 6, indent + 14)},`,
      `${start}    },`,
    ].join('\n')
  })
  return [
    `{`,
    `${start}  name: ${quoted(fullName)},`,
    `${start}  versions: [`,
    ...texts,
    `${start}  ],`,
    `${start}}`,
  ].join('\n')
}

/** As an object for people; as text when an object would lose something, such as the digits of a long. */
function schemaValue(canonical: string): unknown {
  const value: unknown = JSON.parse(canonical)
  return JSON.stringify(value) === canonical ? value : canonical
}
