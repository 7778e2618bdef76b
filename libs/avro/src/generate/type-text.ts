import { LINE_WIDTH, quoted } from './literal-text.ts'

/** A TypeScript type as a tree, so that it can be laid out: a name, a union, a list, a map, or members of an object. */
export type TypeText =
  | string
  | { readonly union: readonly TypeText[] }
  | { readonly list: TypeText }
  | { readonly map: TypeText }
  | { readonly members: readonly (readonly [name: string, type: TypeText])[] }

/** Where a type begins and what comes after it on its last line. */
interface Place {
  /** Spaces before the line that it stands on. */
  readonly indent: number
  /** Characters already on that line. */
  readonly column: number
  /** Characters that follow on the last line. */
  readonly after: number
}

/** `readonly name?: type`, the way the formatter would leave it, without a line's end. */
export function memberText(name: string, type: TypeText, indent: number): string {
  const start = `${' '.repeat(indent)}readonly ${name}: `
  return `${start.trimEnd()}${valueOfMember(type, { indent, column: start.length, after: 0 })}`
}

/** `export type Name = type` as one statement. */
export function aliasText(name: string, type: TypeText): string {
  const start = `export type ${name} = `
  return `${start.trimEnd()}${valueOfMember(type, { indent: 0, column: start.length, after: 0 })}\n`
}

/** After a colon or an equals sign: a union that does not fit goes on lines of its own. */
function valueOfMember(type: TypeText, place: Place): string {
  if (typeof type === 'string' || !('union' in type) || fits(type, place)) return ` ${laidOut(type, place)}`
  return `\n${' '.repeat(place.indent + 2)}${branches(type.union, place.indent + 2)}`
}

function laidOut(type: TypeText, place: Place): string {
  if (typeof type === 'string' || fits(type, place)) return flat(type)
  const { indent } = place
  const inner = { indent: indent + 2, column: indent + 2, after: 0 }
  const [start, end] = [' '.repeat(indent + 2), ' '.repeat(indent)]
  if ('union' in type) return branches(type.union, indent)
  if ('members' in type) {
    const members = type.members.map(([name, member]) => memberText(name, member, indent + 2))
    return `{\n${members.join('\n')}\n${end}}`
  }
  if ('map' in type) {
    const record = { indent: indent + 4, column: indent + 4, after: 0 }
    const oneLine = `Record<string, ${flat(type.map)}>`
    if (inner.column + oneLine.length <= LINE_WIDTH) return `Readonly<\n${start}${oneLine}\n${end}>`
    const deep = ' '.repeat(indent + 4)
    return `Readonly<\n${start}Record<\n${deep}string,\n${deep}${laidOut(type.map, record)}\n${start}>\n${end}>`
  }
  if (typeof type.list !== 'string' && 'union' in type.list)
    return `readonly (\n${start}${branches(type.list.union, indent + 2)}\n${end})[]`
  return `readonly ${laidOut(type.list, { ...place, column: place.column + 9, after: place.after + 2 })}[]`
}

function branches(types: readonly TypeText[], indent: number): string {
  const place = { indent: indent + 2, column: indent + 2, after: 0 }
  return types.map((type) => `| ${laidOut(type, place)}`).join(`\n${' '.repeat(indent)}`)
}

function fits(type: TypeText, { column, after }: Place): boolean {
  return column + flat(type).length + after <= LINE_WIDTH
}

/** On one line, however long. */
export function flat(type: TypeText): string {
  if (typeof type === 'string') return type
  if ('union' in type) return type.union.map(flat).join(' | ')
  if ('map' in type) return `Readonly<Record<string, ${flat(type.map)}>>`
  if ('members' in type)
    return `{ ${type.members.map(([name, member]) => `readonly ${name}: ${flat(member)}`).join('; ')} }`
  return typeof type.list !== 'string' && 'union' in type.list
    ? `readonly (${flat(type.list)})[]`
    : `readonly ${nestedList(type.list)}[]`
}

/** A list in a list: `readonly (readonly string[])[]`. */
function nestedList(type: TypeText): string {
  const text = flat(type)
  return typeof type !== 'string' && 'list' in type ? `(${text})` : text
}

/** A property's name as it may stand in an interface. */
export function propertyName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)
}
