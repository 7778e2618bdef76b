import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { eachFrame, type JoinedSockets, SocketProxy } from '@keyfold/kafka/testing'

/** API keys. */
const produce = 0
const endTxn = 26

export interface LineCounts {
  /** Connections cut in the middle of a frame. */
  cutFrames: number
  /** EndTxn kept back while its sender was cut off. */
  heldEnds: number
  /** … that the broker refused when they came, since a newer epoch was there. */
  lateEndsRefused: number
}

/**
 * All that one process hears of a cluster: a proxy before each node, which knows Kafka's frames and breaks them. Whatever
 * the nodes say about where they listen is changed on the way to where their proxies do.
 */
export class ClusterLine {
  readonly counts: LineCounts = { cutFrames: 0, heldEnds: 0, lateEndsRefused: 0 }
  readonly #proxies: readonly NodeProxy[]
  #cutNext: 'request' | 'answer' | undefined
  #holdMs: number | undefined
  #produced = Promise.withResolvers<void>()

  static async start(nodePorts: readonly number[]): Promise<ClusterLine> {
    const line = new ClusterLine(nodePorts)
    await Promise.all(line.#proxies.map((proxy) => proxy.listen()))
    return line
  }

  private constructor(nodePorts: readonly number[]) {
    this.#proxies = nodePorts.map((port) => new NodeProxy(port, this))
  }

  get addresses(): readonly string[] {
    return this.#proxies.map(({ address }) => address)
  }

  /** Half of the next frame goes through, then the connection breaks. */
  cutMidFrame(side: 'request' | 'answer'): void {
    this.#cutNext = side
  }

  /** The next EndTxn is kept back and its sender cut off; the broker gets it after this time. */
  holdNextEnd(releaseAfterMs: number): void {
    this.#holdMs = releaseAfterMs
  }

  /** Resolves when records have gone to a broker: a transaction of the process is under way. */
  nextProduce(): Promise<void> {
    return this.#produced.promise
  }

  cutAll(): void {
    for (const proxy of this.#proxies) proxy.cutAll()
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()))
  }

  takeCut(side: 'request' | 'answer'): boolean {
    if (this.#cutNext !== side) return false
    this.#cutNext = undefined
    this.counts.cutFrames += 1
    return true
  }

  /** How long an EndTxn has to wait, when this is the one. */
  takeHold(): number | undefined {
    const waitMs = this.#holdMs
    this.#holdMs = undefined
    if (waitMs !== undefined) this.counts.heldEnds += 1
    return waitMs
  }

  noteProduce(): void {
    this.#produced.resolve()
    this.#produced = Promise.withResolvers()
  }

  /** Metadata and coordinators: the host, then the port as int32. */
  redirect(frame: Buffer): Buffer {
    for (const { target, port } of this.#proxies) {
      const told = Buffer.from('127.0.0.1\0\0\0\0')
      told.writeInt32BE(target, told.length - 4)
      for (let at = frame.indexOf(told); at >= 0; at = frame.indexOf(told, at))
        frame.writeInt32BE(port, at + told.length - 4)
    }
    return frame
  }
}

/** Stands before one node. */
class NodeProxy extends SocketProxy {
  readonly target: number
  readonly #line: ClusterLine

  constructor(target: number, line: ClusterLine) {
    super()
    this.target = target
    this.#line = line
  }

  protected join(sockets: JoinedSockets): void {
    const { client, server: broker } = sockets
    const cut = (): void => sockets.cut()
    let held: Buffer | undefined
    /** Half a frame went out: nothing may follow it, or the other side would take it for the second half. */
    let isHalved = false
    eachFrame(client, (frame) => {
      if (sockets.keepsServer || isHalved) return
      if (this.#line.takeCut('request')) {
        isHalved = true
        broker.write(frame.subarray(0, frame.length >> 1), cut)
        return
      }
      const waitMs = frame.readInt16BE(4) === endTxn ? this.#line.takeHold() : undefined
      if (waitMs !== undefined) {
        sockets.keepsServer = true
        held = frame
        void sleep(waitMs).then(() => broker.write(frame))
        return cut()
      }
      broker.write(frame)
      if (frame.readInt16BE(4) === produce) this.#line.noteProduce()
    })
    eachFrame(broker, (frame) => {
      if (held !== undefined) return this.#noteLateEnd(held, frame, broker)
      if (isHalved) return
      const changed = this.#line.redirect(frame)
      isHalved = this.#line.takeCut('answer')
      if (isHalved) client.write(changed.subarray(0, changed.length >> 1), cut)
      else client.write(changed)
    })
  }

  /**
   * A request: length, API key, version, correlation id. Its answer: length, the same id, tagged fields (none) from
   * version 3 on, throttle time, error code.
   */
  #noteLateEnd(request: Buffer, answer: Buffer, broker: Socket): void {
    if (answer.readInt32BE(4) !== request.readInt32BE(8)) return
    const isFlexible = request.readInt16BE(6) >= 3
    if (answer.readInt16BE(isFlexible ? 13 : 12) !== 0) this.#line.counts.lateEndsRefused += 1
    broker.destroy()
  }
}
