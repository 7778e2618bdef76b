import { createServer, type Server, type Socket } from 'node:net'
import type { BrokerContext } from '../broker-context.ts'
import { BrokerError } from '../errors.ts'
import { Connection } from './connection.ts'

/** A socket that listens. Connections are refused until a broker is given to `serve`. */
export class Listener {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #byAddress = new Map<string, number>()
  #broker: BrokerContext | undefined

  /** Throws `BrokerError` PORT_IN_USE or LISTEN_FAILED. */
  static async open(host: string, port: number): Promise<Listener> {
    const server = createServer({ noDelay: true, keepAlive: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, host, port)))
      server.listen({ host, port }, resolve)
    })
    server.removeAllListeners('error')
    return new Listener(server)
  }

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#accept(socket))
    server.on('error', (error) => this.#broker?.log.error('listener.failed', { reason: error.message }))
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the listener has no TCP address')
    return address.port
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  serve(broker: BrokerContext): void {
    this.#broker = broker
  }

  /** Accepts nobody any more, answers what is under way, ends all connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    await Promise.all(Array.from(this.#connections, (connection) => connection.drain()))
    await closed
  }

  #accept(socket: Socket): void {
    const broker = this.#broker
    const address = socket.remoteAddress ?? 'unknown'
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (broker === undefined) {
      socket.destroy()
      return
    }
    const { config } = broker
    const isFull = this.#connections.size >= config.number('max.connections')
    if (isFull || ofAddress >= config.number('max.connections.per.ip')) {
      const limit = isFull ? 'max.connections' : 'max.connections.per.ip'
      broker.metrics.connections.refused[limit] += 1
      broker.log.warn('connection.refused', { address, reason: `${limit} is reached` })
      socket.destroy()
      return
    }
    broker.metrics.connections.accepted += 1
    broker.metrics.connections.open += 1
    this.#byAddress.set(address, ofAddress + 1)
    this.#connections.add(new Connection(socket, broker, (connection) => this.#forget(connection, address)))
  }

  #forget(connection: Connection, address: string): void {
    if (!this.#connections.delete(connection)) return
    const left = (this.#byAddress.get(address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }
}

/** Why a socket does not listen, as an error with a fix. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): BrokerError {
  if (error.code === 'EADDRINUSE') {
    return new BrokerError('PORT_IN_USE', `another process listens on ${host}:${port}`, { cause: error })
  }
  return new BrokerError('LISTEN_FAILED', `cannot listen on ${host}:${port} (${error.message})`, { cause: error })
}
