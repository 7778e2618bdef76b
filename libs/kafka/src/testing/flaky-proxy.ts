import { eachFrame, type JoinedSockets, SocketProxy } from './socket-proxy.ts'

/**
 * What happens to the next request of an API:
 * - `lose-request`: it never reaches the broker, and the connection breaks;
 * - `lose-answer`: the broker carries it out, and the connection breaks before its answer;
 * - `hang`: the broker carries it out, and its answer never comes;
 * - `hold`: the broker carries it out, and its answer comes with `release`.
 */
export interface WireFault {
  readonly apiKey: number
  readonly what: 'lose-request' | 'lose-answer' | 'hang' | 'hold'
}

/** A request as the proxy saw it. */
export interface SeenRequest {
  readonly apiKey: number
  readonly version: number
}

/** Stands between a client and a broker that advertises the proxy's port, and breaks what a test tells it to. */
export class FlakyProxy extends SocketProxy {
  /** The first fault that fits a request is used up by it. */
  readonly faults: WireFault[] = []
  /** Set, it gets every request from then on. */
  seen: SeenRequest[] | undefined
  protected target = 0
  #held: (() => void)[] = []

  static async start(): Promise<FlakyProxy> {
    return await new FlakyProxy().listen()
  }

  /** Where connections lead from now on: the port on which the broker really listens. */
  forwardTo(port: number): void {
    this.target = port
  }

  /** Lets the answers go that were held. */
  release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  protected join(sockets: JoinedSockets): void {
    const { client, server: broker } = sockets
    const swallowed = new Map<number, WireFault['what']>()
    eachFrame(client, (frame) => {
      const apiKey = frame.readInt16BE(4)
      this.seen?.push({ apiKey, version: frame.readInt16BE(6) })
      const fault = this.#take(apiKey)
      if (fault === 'lose-request') return sockets.cut()
      if (fault !== undefined) swallowed.set(frame.readInt32BE(8), fault)
      broker.write(frame)
    })
    eachFrame(broker, (frame) => {
      const fault = swallowed.get(frame.readInt32BE(4))
      if (fault === 'lose-answer') sockets.cut()
      else if (fault === 'hold') this.#held.push(() => client.write(frame))
      else if (fault === undefined) client.write(frame)
    })
  }

  #take(apiKey: number): WireFault['what'] | undefined {
    const index = this.faults.findIndex((fault) => fault.apiKey === apiKey)
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.what
  }
}

/** A broker that its clients reach only through the proxy. */
export async function behindProxy<Broker extends { readonly port: number }>(
  start: (advertised: { readonly advertisedHost: string; readonly advertisedPort: number }) => Promise<Broker>,
): Promise<{ readonly proxy: FlakyProxy; readonly broker: Broker }> {
  const proxy = await FlakyProxy.start()
  const broker = await start({ advertisedHost: '127.0.0.1', advertisedPort: proxy.port })
  proxy.forwardTo(broker.port)
  return { proxy, broker }
}
