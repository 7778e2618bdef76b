import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eachFrame, type JoinedSockets, SocketProxy } from '@keyfold/kafka/testing'

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
export class FrameProxy extends SocketProxy {
  readonly counts: ProxyCounts = { cutFrames: 0, heldEnds: 0, lateEndsRefused: 0, lateEndsTaken: 0 }
  protected readonly target: number
  #cutNext: 'request' | 'answer' | undefined
  #holdMs: number | undefined

  static async start(brokerPort: number): Promise<FrameProxy> {
    return await new FrameProxy(brokerPort).listen()
  }

  private constructor(brokerPort: number) {
    super()
    this.target = brokerPort
  }

  /** Half of the next frame goes through, then the connection breaks. */
  cutMidFrame(side: 'request' | 'answer'): void {
    this.#cutNext = side
  }

  /** The next EndTxn is kept back and its sender cut off; the broker gets it after this time. */
  holdNextEnd(releaseAfterMs: number): void {
    this.#holdMs = releaseAfterMs
  }

  protected join(sockets: JoinedSockets): void {
    const { client, server: broker } = sockets
    const cut = (): void => sockets.cut()
    eachFrame(client, (frame) => {
      if (sockets.keepsServer) return
      if (this.#takeCut('request')) {
        broker.write(frame.subarray(0, frame.length >> 1), cut)
        return
      }
      if (frame.readInt16BE(4) === endTxn && this.#holdMs !== undefined) {
        sockets.keepsServer = true
        void this.#holdBack(frame, broker)
        return cut()
      }
      broker.write(frame)
    })
    eachFrame(broker, (frame) => {
      if (sockets.keepsServer) return this.#noteLateEnd(frame, broker)
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
    told.writeInt32BE(this.target, told.length - 4)
    for (let at = frame.indexOf(told); at >= 0; at = frame.indexOf(told, at))
      frame.writeInt32BE(this.port, at + told.length - 4)
    return frame
  }
}
