/** A frame's length is outside what a request can have: the rest of the stream means nothing any more. */
export class BadFrameLength extends Error {
  override readonly name = 'BadFrameLength'
}

const prefixBytes = 4
/** No request and no response is shorter. */
const frameBytesMin = 4

/**
 * Cuts a stream of bytes into requests. A length is believed only within its limit, and only bytes that have arrived
 * take memory; a request that came in one piece is a view of it, without a copy.
 */
export class FrameReader {
  readonly #frameBytesMax: () => number
  #chunks: Buffer[] = []
  #bytes = 0
  #length: number | undefined

  constructor(frameBytesMax: () => number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** True while a request has begun to arrive but is not complete. */
  get isWithinFrame(): boolean {
    return this.#bytes > 0 || this.#length !== undefined
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  /** The next complete request without its length, undefined if there is none yet. Throws `BadFrameLength`. */
  next(): Buffer | undefined {
    if (this.#length === undefined) {
      if (this.#bytes < prefixBytes) return undefined
      const length = this.#take(prefixBytes).readInt32BE(0)
      const max = this.#frameBytesMax()
      if (length < frameBytesMin || length > max) {
        throw new BadFrameLength(`request of ${length} bytes; allowed are ${frameBytesMin} to ${max}`)
      }
      this.#length = length
    }
    if (this.#bytes < this.#length) return undefined
    const frame = this.#take(this.#length)
    this.#length = undefined
    return frame
  }

  #take(length: number): Buffer {
    this.#bytes -= length
    const first = this.#chunks[0]
    if (first !== undefined && first.length > length) {
      this.#chunks[0] = first.subarray(length)
      return first.subarray(0, length)
    }
    if (first !== undefined && first.length === length) {
      this.#chunks.shift()
      return first
    }
    return this.#takeAcross(length)
  }

  #takeAcross(length: number): Buffer {
    const parts: Buffer[] = []
    let missing = length
    let used = 0
    for (const chunk of this.#chunks) {
      if (missing === 0) break
      if (chunk.length > missing) {
        parts.push(chunk.subarray(0, missing))
        this.#chunks[used] = chunk.subarray(missing)
        missing = 0
        break
      }
      parts.push(chunk)
      missing -= chunk.length
      used++
    }
    this.#chunks = this.#chunks.slice(used)
    return Buffer.concat(parts, length)
  }
}
