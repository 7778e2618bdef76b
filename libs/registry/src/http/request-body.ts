import { registryError } from '../registry-error.ts'

/** What a body may be called; all of them are read as JSON. */
export const BODY_TYPES = [
  'application/vnd.schemaregistry.v1+json',
  'application/vnd.schemaregistry+json',
  'application/json',
  'application/octet-stream',
] as const

export const BODY_BYTES_MAX = 1024 * 1024

/** JSON of whatever Unicode encoding. An empty body is none. Throws 400. */
export function parseBody(body: Buffer): unknown {
  const text = decoded(body)
  if (text.trim() === '') return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw registryError('badRequest', `The body is not valid JSON: ${(error as Error).message}`)
  }
  // Readers differ in which of the two counts, so a body that has both says nothing for certain.
  const twice = repeatedMember(text)
  if (twice !== undefined) throw registryError('badRequest', `The body has the member "${twice}" twice`)
  return json
}

/** By a byte order mark, or by where the zeros of the first character are (RFC 4627, section 3). */
function decoded(body: Buffer): string {
  const [first, second] = body
  const isBigEndian = (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
  const isLittleEndian = (first === 0xff && second === 0xfe) || (second === 0 && first !== 0)
  const encoding = isBigEndian ? 'utf-16be' : isLittleEndian ? 'utf-16le' : 'utf-8'
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body)
  } catch {
    throw registryError('badRequest', `The body is not valid ${encoding.toUpperCase()}`)
  }
}

/** A token that matters here: a string, or a bracket, comma or colon outside of strings. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]/g

/** The first name that one object of a valid JSON text has twice. */
function repeatedMember(text: string): string | undefined {
  /** Names of the objects that are open; undefined stands for a list. */
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const name = JSON.parse(last) as string
      const names = open.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
    }
    last = token
  }
  return undefined
}
