import type { Socket } from 'node:net'
import { decodeMessage, encodeMessage, type PeerMessage } from './peer-messages.ts'

const lengthBytes = 4
/** A command with its payload, or the events of an answer. */
export const frameBytesMax = 16 * 1024 * 1024
/** Until so much has gone out nothing more is taken. */
const unsentBytesMax = 32 * 1024 * 1024

/**
 * Messages over a socket: four bytes of length, then JSON. What is said in one turn of the event loop goes out together.
 * A frame that is too long or no message ends the connection.
 */
export class PeerSocket {
  readonly #socket: Socket
  #read: Buffer[] = []
  #readBytes = 0
  #unsent: Buffer[] = []
  #closed = false
  onMessage: (message: PeerMessage) => void = () => undefined
  onClose: (reason: Error) => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 10_000)
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', (error) => this.close(error))
    socket.on('close', () => this.close(new Error('the other side closed the connection')))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** False when the other side does not take what it is sent, or the connection is closed: nothing was said. */
  say(message: PeerMessage): boolean {
    if (this.#closed || this.#socket.writableLength > unsentBytesMax) return false
    const body = encodeMessage(message)
    if (body.length > frameBytesMax) return false
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32BE(body.length)
    if (this.#unsent.length === 0) setImmediate(() => this.#flush())
    this.#unsent.push(length, body)
    return true
  }

  close(reason: Error): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#socket.destroySoon()
    this.onClose(reason)
  }

  #flush(): void {
    if (this.#unsent.length > 0 && !this.#closed) this.#socket.write(Buffer.concat(this.#unsent))
    this.#unsent = []
  }

  #take(bytes: Buffer): void {
    this.#read.push(bytes)
    this.#readBytes += bytes.length
    try {
      for (let body = this.#frame(); body !== undefined && !this.#closed; body = this.#frame())
        this.onMessage(decodeMessage(body))
    } catch (error) {
      this.close(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #frame(): Buffer | undefined {
    if (this.#readBytes < lengthBytes) return undefined
    const [first] = this.#read
    if (first === undefined) return undefined
    const head = first.length >= lengthBytes ? first : this.#joined()
    const length = head.readUInt32BE(0)
    if (length > frameBytesMax) throw new RangeError(`a message of ${length} bytes; ${frameBytesMax} are allowed`)
    if (this.#readBytes < lengthBytes + length) return undefined
    const all = this.#joined()
    const rest = all.subarray(lengthBytes + length)
    this.#read = rest.length === 0 ? [] : [rest]
    this.#readBytes = rest.length
    return all.subarray(lengthBytes, lengthBytes + length)
  }

  #joined(): Buffer {
    const all = this.#read.length === 1 && this.#read[0] !== undefined ? this.#read[0] : Buffer.concat(this.#read)
    this.#read = [all]
    return all
  }
}
