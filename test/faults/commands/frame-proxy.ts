import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** API key of EndTxn. */
const endTxn = 26

export interface ProxyCounts {
  /** Connections cut in the middle of a frame. */
  cutFrames: number
  /** EndTxn kept back while its sender was cut off. */
  heldEnds: number
  /** … that the broker refused when they came, since a newer epoch was there. */
  lateEndsRefused: number
  /** … that the broker took. */
  lateEndsTaken: number
}

/**
 * Stands between one process and the broker, knows Kafka's frames, and breaks them. Whatever the broker says about where
 * it listens is changed on the way to where the proxy does.
 */
export class FrameProxy {
  readonly port: number
  readonly counts: ProxyCounts = { cutFrames: 0, heldEnds: 0, lateEndsRefused: 0, lateEndsTaken: 0 }
  readonly #server: Server
  readonly #brokerPort: number
  readonly #clients = new Set<Socket>()
  #cutNext: 'request' | 'answer' | undefined
  #holdMs: number | undefined

  private constructor(server: Server, port: number, brokerPort: number) {
    this.#server = server
    this.port = port
    this.#brokerPort = brokerPort
    server.on('connection', (client) => this.#join(client))
  }

  static async start(brokerPort: number): Promise<FrameProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new FrameProxy(server, address.port, brokerPort)
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Half of the next frame goes through, then the connection breaks. */
  cutMidFrame(side: 'request' | 'answer'): void {
    this.#cutNext = side
  }

  /** The next EndTxn is kept back and its sender cut off; the broker gets it after this time. */
  holdNextEnd(releaseAfterMs: number): void {
    this.#holdMs = releaseAfterMs
  }

  cutAll(): void {
    for (const client of this.#clients) client.destroy()
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const broker = connect(this.#brokerPort, '127.0.0.1')
    let isHolding = false
    const cut = (): void => {
      client.destroy()
      if (!isHolding) broker.destroy()
    }
    this.#clients.add(client)
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', cut)
    }
    client.on('close', () => this.#clients.delete(client))
    eachFrame(client, (frame) => {
      if (isHolding) return
      if (this.#takeCut('request')) {
        broker.write(frame.subarray(0, frame.length >> 1), cut)
        return
      }
      if (frame.readInt16BE(4) === endTxn && this.#holdMs !== undefined) {
        isHolding = true
        void this.#holdBack(frame, broker)
        return cut()
      }
      broker.write(frame)
    })
    eachFrame(broker, (frame) => {
      if (isHolding) return this.#noteLateEnd(frame, broker)
      const changed = this.#withOwnPort(frame)
      if (this.#takeCut('answer')) client.write(changed.subarray(0, changed.length >> 1), cut)
      else client.write(changed)
    })
  }

  #takeCut(side: 'request' | 'answer'): boolean {
    if (this.#cutNext !== side) return false
    this.#cutNext = undefined
    this.counts.cutFrames += 1
    return true
  }

  async #holdBack(frame: Buffer, broker: Socket): Promise<void> {
    const waitMs = this.#holdMs ?? 0
    this.#holdMs = undefined
    this.counts.heldEnds += 1
    await sleep(waitMs)
    broker.write(frame)
  }

  /** EndTxn 0 and 1: correlation id, throttle time, error code. */
  #noteLateEnd(frame: Buffer, broker: Socket): void {
    if (frame.length === 14) {
      if (frame.readInt16BE(12) === 0) this.counts.lateEndsTaken += 1
      else this.counts.lateEndsRefused += 1
    }
    broker.destroy()
  }

  /** Metadata and coordinators: the host, then the port as int32. */
  #withOwnPort(frame: Buffer): Buffer {
    const told = Buffer.from('127.0.0.1\0\0\0\0')
    told.writeInt32BE(this.#brokerPort, told.length - 4)
    for (let at = frame.indexOf(told); at >= 0; at = frame.indexOf(told, at))
      frame.writeInt32BE(this.port, at + told.length - 4)
    return frame
  }
}

/** Kafka's framing: an int32 length, then that many bytes. */
function eachFrame(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let buffered = Buffer.alloc(0)
  socket.on('data', (data) => {
    buffered = buffered.length === 0 ? data : Buffer.concat([buffered, data])
    while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
      const length = 4 + buffered.readInt32BE(0)
      const frame = Buffer.from(buffered.subarray(0, length))
      buffered = buffered.subarray(length)
      onFrame(frame)
    }
  })
}
