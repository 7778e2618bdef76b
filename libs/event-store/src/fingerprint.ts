import { crc32c, murmur2 } from '@keyfold/bytes'

/**
 * 64 bits of a command's name and payload, as 16 hexadecimal digits. The order of members does not matter. It finds a
 * command id that was used for something else by mistake; it does not protect against somebody who wants a collision.
 */
export function commandFingerprint(name: string, payload: unknown): string {
  const bytes = Buffer.from(`${name} ${canonicalText(payload)}`)
  words.writeUInt32BE(crc32c(bytes), 0)
  words.writeInt32BE(murmur2(bytes), 4)
  return words.toString('hex')
}

const words = Buffer.alloc(8)

/** The order of the questions follows how often they are answered with yes; every command passes here. */
function canonicalText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined'
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (value instanceof Map) return `Map ${canonicalText([...value])}`
  if (value instanceof Set) return `Set ${canonicalText([...value])}`
  const members = value as Readonly<Record<string, unknown>>
  let text = ''
  for (const name of inOrder(Object.keys(members))) {
    const member = members[name]
    if (member === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalText(member)}`
  }
  return `{${text}}`
}

/** Sorting takes memory even where there is nothing to sort. */
function inOrder(names: string[]): readonly string[] {
  return names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name) ? names : names.sort()
}
