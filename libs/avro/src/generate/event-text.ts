import { canonicalSchema } from '../schema/canonical.ts'
import { schemaGuid } from '../schema/schema-guid.ts'
import { LINE_WIDTH, literalText, quoted } from './literal-text.ts'
import type { EventHistory } from './schema-history.ts'
import { memberText, type TypeText } from './type-text.ts'
import { TypeDeclarations } from './typescript-types.ts'

export interface EventText {
  readonly fullName: string
  readonly text: string
  /** The names of everything in it. */
  readonly declared: readonly string[]
}

/** The types of every version of an event, oldest first, and the event with its whole history. */
export function eventText({ fullName, record, versions }: EventHistory): EventText {
  const { name } = record.name
  const types = versions.map(({ version, schema }) => {
    const isNewest = version === versions.length
    return new TypeDeclarations(schema.root, isNewest ? name : `${name}V${version}`)
  })
  const text = [
    ...types.map((type) => type.declare()),
    `/** Every version of \`${fullName}\`: what reading and writing it means. */`,
    `export interface ${name}History {`,
    ...versions.map(({ version }) =>
      memberText(String(version), versionType(version === versions.length ? name : `${name}V${version}`), 2),
    ),
    '}\n',
    definition({ fullName, name, versions }),
  ].join('\n')
  return { fullName, text, declared: [...types.flatMap(({ declared }) => declared), `${name}History`] }
}

function versionType(name: string): TypeText {
  return {
    members: [
      ['read', name],
      ['write', `${name}Input`],
    ],
  }
}

function definition({
  fullName,
  name,
  versions,
}: Pick<EventHistory, 'fullName' | 'versions'> & { name: string }): string {
  const parameters = [quoted(fullName), name, `${name}Input`, `${name}History`]
  const oneLine = `export const ${name} = defineEvent<${parameters.join(', ')}>(`
  // The formatter puts the brace on a line of its own where it alone does not fit.
  if (oneLine.length === LINE_WIDTH) return `${oneLine}\n  ${definedAs(fullName, versions, 2)},\n)\n`
  const call =
    oneLine.length < LINE_WIDTH
      ? oneLine
      : `export const ${name} = defineEvent<\n${parameters.map((type) => `  ${type}`).join(',\n')}\n>(`
  return `${call}${definedAs(fullName, versions, 0)})\n`
}

function definedAs(fullName: string, versions: EventHistory['versions'], indent: number): string {
  const start = ' '.repeat(indent)
  const texts = versions.map(({ version, schema, lint }) => {
    const canonical = canonicalSchema(schema)
    return [
      `${start}    {`,
      `${start}      version: ${version},`,
      `${start}      guid: ${quoted(schemaGuid(canonical))},`,
      ...(lint === undefined ? [] : [`${start}      lint: ${literalText(lint, indent + 6, indent + 12)},`]),
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
