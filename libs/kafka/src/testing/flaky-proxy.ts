import { eachFrame, type JoinedSockets, SocketProxy } from './socket-proxy.ts'

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
export class FlakyProxy extends SocketProxy {
  /** The first fault that fits a request is used up by it. */
  readonly faults: WireFault[] = []
  protected target = 0

  static async start(): Promise<FlakyProxy> {
    return await new FlakyProxy().listen()
  }

  /** Where connections lead from now on: the port on which the broker really listens. */
  forwardTo(port: number): void {
    this.target = port
  }

  protected join(sockets: JoinedSockets): void {
    const { client, server: broker } = sockets
    const swallowed = new Map<number, 'lose-answer' | 'hang'>()
    eachFrame(client, (frame) => {
      const fault = this.#take(frame.readInt16BE(4))
      if (fault === 'lose-request') return sockets.cut()
      if (fault !== undefined) swallowed.set(frame.readInt32BE(8), fault)
      broker.write(frame)
    })
    eachFrame(broker, (frame) => {
      const fault = swallowed.get(frame.readInt32BE(4))
      if (fault === 'lose-answer') sockets.cut()
      else if (fault === undefined) client.write(frame)
    })
  }

  #take(apiKey: number): WireFault['what'] | undefined {
    const index = this.faults.findIndex((fault) => fault.apiKey === apiKey)
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.what
  }
}
