import type { JsonNumber, JsonValue } from './json-value.ts'

/**
 * Parses one JSON text, in which comments are allowed before its end, and refuses anything after it.
 * Throws `JsonSyntaxError`, also when it nests too deep. `spans` is filled with where every value stands, by its JSON
 * pointer.
 */
export function parseJson(text: string, depthMax: number, spans?: Map<string, JsonSpan>): JsonValue {
  const reader = new JsonReader(text, depthMax, spans)
  const value = reader.readValue(0)
  const rest = text.slice(reader.position).replace(SPACE_AROUND, '')
  if (rest !== '') throw new JsonSyntaxError('dangling', reader.position, rest)
  return value
}

/** Offsets into the text: from the first character of a value up to, not including, `end`. */
export interface JsonSpan {
  readonly start: number
  readonly end: number
  /** Where the name of the member begins; `start` for what is no member. */
  readonly memberStart: number
}

export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  readonly reason: 'syntax' | 'dangling' | 'depth'
  readonly position: number
  readonly detail: string

  constructor(reason: 'syntax' | 'dangling' | 'depth', position: number, detail: string) {
    super(`${detail} at character ${position}`)
    this.reason = reason
    this.position = position
    this.detail = detail
  }
}

/** As in Avro Java's parser. */
const NUMBER_LENGTH_MAX = 1000
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
// oxlint-disable-next-line no-control-regex -- JSON forbids raw controls inside strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
/** Comments, too: Avro Java allows them in schemas. */
const SPACE = /(?:[ \t\n\r]|\/\/[^\n\r]*|\/\*[^]*?\*\/)*/y
/** What `String.trim` of Java cuts off. */
// oxlint-disable-next-line no-control-regex -- controls are among it
const SPACE_AROUND = /^[\u0000-\u0020]+|[\u0000-\u0020]+$/g
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const

class JsonReader {
  position = 0
  readonly #text: string
  readonly #depthMax: number
  readonly #spans: Map<string, JsonSpan> | undefined
  #pointer = ''

  constructor(text: string, depthMax: number, spans: Map<string, JsonSpan> | undefined) {
    this.#text = text
    this.#depthMax = depthMax
    this.#spans = spans
  }

  readValue(depth: number): JsonValue {
    if (this.#spans === undefined) return this.#readValue(depth)
    this.skipSpace()
    const start = this.position
    const value = this.#readValue(depth)
    this.#spans.set(this.#pointer, { start, end: this.position, memberStart: start })
    return value
  }

  #readInside(step: string | number, memberStart: number, depth: number): JsonValue {
    if (this.#spans === undefined) return this.#readValue(depth)
    const outside = this.#pointer
    const here = `${outside}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`
    this.#pointer = here
    const value = this.readValue(depth)
    const span = this.#spans.get(here)
    if (span && memberStart >= 0) this.#spans.set(here, { ...span, memberStart })
    this.#pointer = outside
    return value
  }

  #readValue(depth: number): JsonValue {
    if (depth > this.#depthMax) {
      throw new JsonSyntaxError('depth', this.position, `more than ${this.#depthMax} levels inside each other`)
    }
    this.skipSpace()
    const first = this.#text[this.position]
    if (first === '{') return this.#readObject(depth)
    if (first === '[') return this.#readArray(depth)
    if (first === '"') return this.#readString()
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.position)) {
        this.position += word.length
        return value
      }
    }
    return this.#readNumber()
  }

  skipSpace(): void {
    SPACE.lastIndex = this.position
    SPACE.exec(this.#text)
    this.position = SPACE.lastIndex
  }

  #readObject(depth: number): JsonValue {
    const members = new Map<string, JsonValue>()
    this.position++
    if (this.#takes('}')) return members
    do {
      this.skipSpace()
      if (this.#text[this.position] !== '"') throw this.#unexpected('a member name in quotes')
      const memberStart = this.position
      const name = this.#readString()
      if (!this.#takes(':')) throw this.#unexpected(`':' after "${name}"`)
      members.set(name, this.#readInside(name, memberStart, depth + 1))
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#unexpected("',' or '}'")
    return members
  }

  #readArray(depth: number): JsonValue {
    const items: JsonValue[] = []
    this.position++
    if (this.#takes(']')) return items
    do items.push(this.#readInside(items.length, -1, depth + 1))
    while (this.#takes(','))
    if (!this.#takes(']')) throw this.#unexpected("',' or ']'")
    return items
  }

  #readString(): string {
    STRING.lastIndex = this.position
    const match = STRING.exec(this.#text)
    if (!match) throw this.#unexpected('a well-formed string')
    this.position = STRING.lastIndex
    return JSON.parse(match[0]) as string
  }

  #readNumber(): JsonNumber {
    NUMBER.lastIndex = this.position
    const match = NUMBER.exec(this.#text)
    if (!match) throw this.#unexpected('a value')
    if (match[0].length > NUMBER_LENGTH_MAX)
      throw this.#unexpected(`a number of at most ${NUMBER_LENGTH_MAX} characters`)
    this.position = NUMBER.lastIndex
    const isInteger = match[1] === undefined && match[2] === undefined
    return isInteger ? { kind: 'integer', value: BigInt(match[0]) } : { kind: 'double', value: Number(match[0]) }
  }

  #takes(character: string): boolean {
    this.skipSpace()
    if (this.#text[this.position] !== character) return false
    this.position++
    return true
  }

  #unexpected(wanted: string): JsonSyntaxError {
    const found = this.#text[this.position]
    const detail = found === undefined ? `expected ${wanted}, found the end` : `expected ${wanted}, found '${found}'`
    return new JsonSyntaxError('syntax', this.position, detail)
  }
}
