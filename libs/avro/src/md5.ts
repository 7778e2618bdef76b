import { utf8Bytes } from './json/json-value.ts'

/**
 * MD5 of all parts in a row, text as UTF-8, as 16 bytes (RFC 1321). It names schemas the way Confluent's registry does; it protects nothing.
 * Written out because this library imports nothing from Node but Buffer.
 */
export function md5(...parts: readonly (string | Buffer)[]): Buffer {
  const message = padded(Buffer.concat(parts.map((part) => (typeof part === 'string' ? utf8Bytes(part) : part))))
  const state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < message.length; block += 64) addBlock(state, message, block)
  const digest = Buffer.alloc(16)
  for (const [index, word] of state.entries()) digest.writeInt32LE(word | 0, index * 4)
  return digest
}

/** 16 bytes as UUID text. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

type State = [number, number, number, number]

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32))

function padded(bytes: Buffer): Buffer {
  const length = Math.ceil((bytes.length + 9) / 64) * 64
  const message = Buffer.alloc(length)
  bytes.copy(message)
  message[bytes.length] = 0x80
  message.writeBigUInt64LE(BigInt(bytes.length) * 8n, length - 8)
  return message
}

function addBlock(state: State, message: Buffer, block: number): void {
  let [a, b, c, d] = state
  for (let step = 0; step < 64; step++) {
    const [mixed, word] = mix(step, b, c, d)
    const sum = (a + mixed + (SINES[step] ?? 0) + message.readInt32LE(block + word * 4)) | 0
    const shift = SHIFTS[step >> 4]?.[step & 3] ?? 0
    a = d
    d = c
    c = b
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
  }
  state[0] = (state[0] + a) | 0
  state[1] = (state[1] + b) | 0
  state[2] = (state[2] + c) | 0
  state[3] = (state[3] + d) | 0
}

function mix(step: number, b: number, c: number, d: number): readonly [mixed: number, word: number] {
  const round = step >> 4
  if (round === 0) return [(b & c) | (~b & d), step]
  if (round === 1) return [(d & b) | (~d & c), (5 * step + 1) & 15]
  if (round === 2) return [b ^ c ^ d, (3 * step + 5) & 15]
  return [c ^ (b | ~d), (7 * step) & 15]
}
