import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { CommandOutcome } from '../../command-outcome.ts'
import { fail } from '../../errors.ts'
import { type PeerIdentity, shakeHands } from './peer-handshake.ts'
import type { CommandMessage } from './peer-messages.ts'
import { PeerSocket } from './peer-socket.ts'

/** What other instances may ask of this one. */
export interface PeerService {
  readonly identity: PeerIdentity
  /** Never rejects. */
  readonly execute: (message: CommandMessage) => Promise<CommandOutcome>
  readonly regroup: (aggregate: string) => void
  /** Per connection. */
  readonly inFlightMax: number
}

/** Listens for commands from other instances of the application. */
export class PeerServer {
  readonly #server: Server
  readonly #service: PeerService
  readonly #sockets = new Set<PeerSocket>()
  #inFlight = 0
  #idle: () => void = () => undefined

  private constructor(service: PeerService) {
    this.#service = service
    this.#server = createServer((socket) => void this.#serve(socket))
  }

  /** Errors: `PEER_LISTEN_FAILED`. */
  static async listen(host: string, port: number, service: PeerService): Promise<PeerServer> {
    const peers = new PeerServer(service)
    try {
      peers.#server.listen(port, host)
      await once(peers.#server, 'listening')
      return peers
    } catch (cause) {
      throw fail('PEER_LISTEN_FAILED', `cannot listen on ${host}:${port}: ${String(cause)}`, { cause })
    }
  }

  get address(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new TypeError('the peer server does not listen')
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
  }

  /** Answers what it has been asked, for at most so long, then closes all connections. */
  async close(withinMs: number): Promise<void> {
    this.#server.close()
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs)
        this.#idle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    for (const socket of this.#sockets) socket.close(new Error('this instance is closing'))
  }

  async #serve(raw: Socket): Promise<void> {
    const socket = new PeerSocket(raw)
    this.#sockets.add(socket)
    try {
      await shakeHands(socket, this.#service.identity, undefined)
    } catch {
      this.#sockets.delete(socket)
      return
    }
    let inFlight = 0
    socket.onClose = () => void this.#sockets.delete(socket)
    socket.onMessage = (message) => {
      if (message.kind === 'regroup') return this.#service.regroup(message.aggregate)
      if (message.kind !== 'command') return socket.close(new Error(`does not take ${message.kind}`))
      const { id, request } = message
      if (inFlight >= this.#service.inFlightMax) {
        const error = fail('OVERLOADED', `${inFlight} commands of one connection are at work`)
        socket.say({ kind: 'answer', id, outcome: { kind: 'failed', error, commandId: request.commandId } })
        return
      }
      inFlight++
      this.#inFlight++
      void this.#service.execute(message).then((outcome) => {
        inFlight--
        // An answer that cannot be said must not be waited for: the caller asks again by the command's id.
        if (!socket.say({ kind: 'answer', id, outcome })) socket.close(new Error('the answer could not be sent'))
        if (--this.#inFlight === 0) this.#idle()
      })
    }
  }
}
