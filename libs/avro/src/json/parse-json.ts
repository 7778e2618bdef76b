import type { JsonNumber, JsonValue } from './json-value.ts'

/** Parses one JSON text and refuses anything after it. Throws `JsonSyntaxError`, also when it nests too deep. */
export function parseJson(text: string, depthMax: number): JsonValue {
  const reader = new JsonReader(text, depthMax)
  const value = reader.readValue(0)
  reader.skipSpace()
  if (reader.position < text.length) throw new JsonSyntaxError('dangling', reader.position, text.slice(reader.position))
  return value
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

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
// oxlint-disable-next-line no-control-regex -- JSON forbids raw controls inside strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SPACE = /[ \t\n\r]*/y
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const

class JsonReader {
  position = 0
  readonly #text: string
  readonly #depthMax: number

  constructor(text: string, depthMax: number) {
    this.#text = text
    this.#depthMax = depthMax
  }

  readValue(depth: number): JsonValue {
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
      const name = this.#readString()
      if (!this.#takes(':')) throw this.#unexpected(`':' after "${name}"`)
      members.set(name, this.readValue(depth + 1))
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#unexpected("',' or '}'")
    return members
  }

  #readArray(depth: number): JsonValue {
    const items: JsonValue[] = []
    this.position++
    if (this.#takes(']')) return items
    do items.push(this.readValue(depth + 1))
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
