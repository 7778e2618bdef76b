/** Characters on a line of generated code. */
export const LINE_WIDTH = 120

/** A name that stands for itself in code. */
export class CodeName {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A JSON value, with names in it, as TypeScript text, laid out as the formatter would leave it. `before` stands on its first line already. */
export function literalText(value: unknown, indent: number, before: number): string {
  const oneLine = literalOnOneLine(value)
  // One more for the comma after it.
  const fits = before + oneLine.length + 1 <= LINE_WIDTH
  if (typeof value !== 'object' || value === null || value instanceof CodeName || (fits && !mustBreak(value)))
    return oneLine
  const [start, end] = [' '.repeat(indent + 2), ' '.repeat(indent)]
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === 'number')) return `[\n${filled(value, start)}${end}]`
    return `[\n${value.map((item) => `${start}${literalText(item, indent + 2, indent + 2)},\n`).join('')}${end}]`
  }
  const members = Object.entries(value).map(([key, item]) => {
    const name = `${start}${keyText(key)}: `
    return `${name}${literalText(item, indent + 2, name.length)},\n`
  })
  return `{\n${members.join('')}${end}}`
}

/** A string literal, in the quotes that need fewer escapes; single ones when it makes no difference. */
export function quoted(text: string): string {
  const json = JSON.stringify(text)
  const count = (quote: string) => text.split(quote).length - 1
  if (count("'") > count('"')) return json
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** The formatter opens a list of several objects or lists that hold more than one thing each, whatever its length. */
function mustBreak(value: object): boolean {
  const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  const holdsMany = (item: unknown) =>
    typeof item === 'object' && item !== null && (Array.isArray(item) ? item.length : Object.keys(item).length) > 1
  const isOpen =
    Array.isArray(value) &&
    value.length > 1 &&
    value.every((item) => holdsMany(item) && Array.isArray(item) === Array.isArray(value[0]))
  return isOpen || children.some((child) => typeof child === 'object' && child !== null && mustBreak(child))
}

/** Numbers alone are filled into lines. */
function filled(numbers: readonly unknown[], start: string): string {
  const lines: string[] = []
  for (const number of numbers) {
    const next = `${JSON.stringify(number)},`
    const last = lines.at(-1)
    if (last !== undefined && start.length + last.length + 1 + next.length <= LINE_WIDTH)
      lines[lines.length - 1] = `${last} ${next}`
    else lines.push(next)
  }
  return lines.map((line) => `${start}${line}\n`).join('')
}

function literalOnOneLine(value: unknown): string {
  if (value instanceof CodeName) return value.text
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(literalOnOneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, item]) => `${keyText(key)}: ${literalOnOneLine(item)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

function keyText(key: string): string {
  // A literal member `__proto__: …` would set the prototype.
  if (key === '__proto__') return `['__proto__']`
  return /^[A-Za-z_]\w*$/.test(key) ? key : quoted(key)
}
