import { connect, createServer, type Socket } from 'node:net'

/** A client's connection to a proxy, and the one that leads on from there. */
export class JoinedSockets {
  readonly client: Socket
  readonly server: Socket
  /** What was sent on stays under way when the client's side breaks. */
  keepsServer = false

  constructor(client: Socket, server: Socket) {
    this.client = client
    this.server = server
  }

  cut(): void {
    this.client.destroy()
    if (!this.keepsServer) this.server.destroy()
  }
}

/** Stands between clients and a server on this machine. What goes through, and what breaks, its heirs decide in `join`. */
export abstract class SocketProxy {
  readonly #joined = new Set<JoinedSockets>()
  readonly #server = createServer((client) => this.#accept(client))
  #port = 0

  /** The port that new connections lead to. */
  protected abstract readonly target: number

  /** Carries bytes from one side to the other. Errors and ends are seen to already: either side takes the other along. */
  protected abstract join(sockets: JoinedSockets): void

  get port(): number {
    return this.#port
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Resolves with itself, on a free port. */
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    this.#port = address.port
    return this
  }

  /** Breaks every connection that is open now. */
  cutAll(): void {
    for (const sockets of this.#joined) sockets.cut()
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    const server = connect(this.target, '127.0.0.1')
    const sockets = new JoinedSockets(client, server)
    this.#joined.add(sockets)
    client.on('close', () => this.#joined.delete(sockets))
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => sockets.cut())
      socket.on('close', () => sockets.cut())
    }
    this.join(sockets)
  }
}

/** Kafka's framing: an int32 length, then that many bytes. Frames are the caller's own. */
export function eachFrame(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let buffered = Buffer.alloc(0)
  socket.on('data', (data) => {
    buffered = Buffer.concat([buffered, data])
    while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
      const length = 4 + buffered.readInt32BE(0)
      const frame = buffered.subarray(0, length)
      buffered = buffered.subarray(length)
      onFrame(frame)
    }
  })
}
