import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a process and PostgreSQL and cuts connections at COMMIT. */
export class PostgresProxy {
  readonly port: number
  /** What becomes of the next COMMITs: `lost`, or carried out with its answer lost. */
  readonly cuts: ('lost' | 'unanswered')[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: number

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    this.#target = target
    server.on('connection', (client) => this.#join(client))
  }

  static async start(target: number): Promise<PostgresProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new PostgresProxy(server, address.port, target)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    let isUnanswered = false
    const cut = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        cut()
      })
    }
    client.on('data', (data) => {
      const fault = data.includes('COMMIT\0') ? this.cuts.shift() : undefined
      if (fault === 'lost') return cut()
      isUnanswered ||= fault === 'unanswered'
      server.write(data)
    })
    server.on('data', (data) => (isUnanswered ? cut() : client.write(data)))
  }
}
