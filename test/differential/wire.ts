import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection with at most one request under way. It knows frames, and not what may be sent when. */
export class Wire {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #wake: () => void = () => {}
  #isClosed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
    socket.on('error', () => {}) // 'close' follows
  }

  static async open(address: string): Promise<Wire> {
    const [host, port] = address.split(':')
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    return new Wire(socket)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(frame: Buffer): void {
    this.#socket.write(frame)
  }

  /** The next frame without its size; undefined once the broker has hung up. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const size = this.#received.length < 4 ? Number.POSITIVE_INFINITY : this.#received.readInt32BE(0)
      if (this.#received.length >= 4 + size) {
        const frame = this.#received.subarray(4, 4 + size)
        this.#received = this.#received.subarray(4 + size)
        return frame
      }
      if (this.#isClosed) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}
