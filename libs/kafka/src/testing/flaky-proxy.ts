import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * What happens to the next request of an API:
 * - `lose-request`: it never reaches the broker, and the connection breaks;
 * - `lose-answer`: the broker carries it out, and the connection breaks before its answer;
 * - `hang`: the broker carries it out, and its answer never comes.
 */
export interface WireFault {
  readonly apiKey: number
  readonly what: 'lose-request' | 'lose-answer' | 'hang'
}

/** Stands between a client and a broker that advertises the proxy's port, and breaks what a test tells it to. */
export class FlakyProxy {
  /** The first fault that fits a request is used up by it. */
  readonly faults: WireFault[] = []
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', (client) => this.#join(client))
  }

  static async start(): Promise<FlakyProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new FlakyProxy(server, address.port)
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Where connections lead from now on: the port on which the broker really listens. */
  forwardTo(port: number): void {
    this.#target = port
  }

  /** Breaks every connection that is open now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const broker = connect(this.#target, '127.0.0.1')
    const swallowed = new Map<number, 'lose-answer' | 'hang'>()
    const cut = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    eachFrame(client, (frame) => {
      const fault = this.#take(frame.readInt16BE(4))
      if (fault === 'lose-request') return cut()
      if (fault !== undefined) swallowed.set(frame.readInt32BE(8), fault)
      broker.write(frame)
    })
    eachFrame(broker, (frame) => {
      const fault = swallowed.get(frame.readInt32BE(4))
      if (fault === 'lose-answer') cut()
      else if (fault === undefined) client.write(frame)
    })
  }

  #take(apiKey: number): WireFault['what'] | undefined {
    const index = this.faults.findIndex((fault) => fault.apiKey === apiKey)
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.what
  }
}

/** Kafka's framing: an int32 length, then that many bytes. */
function eachFrame(socket: Socket, onFrame: (frame: Buffer) => void): void {
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
