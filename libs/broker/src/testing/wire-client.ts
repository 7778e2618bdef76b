import { connect, type Socket } from 'node:net'
import {
  type AnyApi,
  decodeResponse,
  decodeResponseHeader,
  requestFrame,
  type RequestInput,
  type ResponseOf,
} from '@keyfold/protocol'
import { FrameReader } from '../server/frame-reader.ts'

/** A client that knows frames, and nothing of what may be sent when. */
export class WireClient {
  readonly socket: Socket
  isClosed = false
  readonly #reader = new FrameReader(() => 100_000_000)
  readonly #frames: Buffer[] = []
  #wake: () => void = () => {}
  #correlationId = 0

  constructor({ host, port }: { host: string; port: number }) {
    this.socket = connect(port, host)
    this.socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) this.#frames.push(frame)
      this.#wake()
    })
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
    this.socket.on('error', () => {})
  }

  /** Sends without waiting; the number is to be found in the answer. */
  send<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): number {
    const correlationId = ++this.#correlationId
    this.socket.write(Buffer.concat(requestFrame(api, version, { correlationId, clientId: 'wire' }, request)))
    return correlationId
  }

  /** The next answer without its size; undefined once the broker has hung up. */
  async next(): Promise<Buffer | undefined> {
    while (this.#frames.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#frames.shift()
  }

  /** Sends, and decodes the answer. One call at a time. */
  async call<A extends AnyApi>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const sent = this.send(api, version, request)
    const frame = await this.next()
    if (frame === undefined) throw new Error('the broker hung up')
    const { correlationId, bodyOffset } = decodeResponseHeader(api, version, frame)
    if (correlationId !== sent) throw new Error(`answer ${correlationId} to request ${sent}`)
    return decodeResponse(api, version, frame.subarray(bodyOffset))
  }

  close(): void {
    this.socket.destroy()
  }
}
