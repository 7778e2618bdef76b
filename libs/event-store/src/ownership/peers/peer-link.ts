import { connect } from 'node:net'
import type { CommandOutcome } from '../../command-outcome.ts'
import type { Instance } from '../routing-table.ts'
import { type PeerIdentity, shakeHands } from './peer-handshake.ts'
import type { CommandMessage } from './peer-messages.ts'
import { PeerSocket } from './peer-socket.ts'

/**
 * How asking another instance ended.
 * - `notSent`: it never heard of the command. `full`: nor will it, for so much is on its way already.
 * - `lost`: it may have the command and may be doing it.
 */
export type PeerAnswer =
  | { readonly kind: 'answered'; readonly outcome: CommandOutcome }
  | { readonly kind: 'notSent' | 'full' | 'lost'; readonly error: Error }

/** The connections to other instances: one each, opened when it is needed, with many commands on it at a time. */
export class PeerLinks {
  readonly #identity: PeerIdentity
  readonly #inFlightMax: number
  readonly #links = new Map<string, Promise<PeerLink>>()
  #closed = false

  constructor(identity: PeerIdentity, inFlightMax: number) {
    this.#identity = identity
    this.#inFlightMax = inFlightMax
  }

  async ask(instance: Instance, message: Omit<CommandMessage, 'id'>): Promise<PeerAnswer> {
    try {
      const link = await this.#linkTo(instance)
      return await link.ask(message)
    } catch (error) {
      return { kind: 'notSent', error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  /** Tells an instance that the group forms anew, if it can be reached. */
  async regroup(instance: Instance, aggregate: string): Promise<void> {
    const link = await this.#linkTo(instance).catch(() => undefined)
    link?.socket.say({ kind: 'regroup', aggregate })
  }

  /** Closes the connections to instances that are gone. */
  keepOnly(instances: readonly Instance[]): void {
    const kept = new Set(instances.map(keyOf))
    for (const key of this.#links.keys()) if (!kept.has(key)) this.#drop(key)
  }

  close(): void {
    this.#closed = true
    for (const key of this.#links.keys()) this.#drop(key)
  }

  #drop(key: string): void {
    const link = this.#links.get(key)
    this.#links.delete(key)
    void link?.then(
      ({ socket }) => socket.close(new Error('the connection is not needed any more')),
      () => undefined,
    )
  }

  async #linkTo(instance: Instance): Promise<PeerLink> {
    if (this.#closed) throw new Error('this instance is closing')
    const key = keyOf(instance)
    const known = this.#links.get(key)
    if (known !== undefined) {
      const link = await known
      if (!link.socket.closed) return link
      if (this.#links.get(key) === known) this.#links.delete(key)
      return this.#linkTo(instance)
    }
    const opening = PeerLink.open(instance, this.#identity, this.#inFlightMax)
    this.#links.set(key, opening)
    try {
      return await opening
    } catch (error) {
      if (this.#links.get(key) === opening) this.#links.delete(key)
      throw error
    }
  }
}

/** An instance that came back at the same address is another one. */
function keyOf({ instanceId, url }: Instance): string {
  return `${instanceId} ${url}`
}

class PeerLink {
  readonly socket: PeerSocket
  readonly #inFlightMax: number
  readonly #waiting = new Map<number, (answer: PeerAnswer) => void>()
  #lastId = 0

  private constructor(socket: PeerSocket, inFlightMax: number) {
    this.socket = socket
    this.#inFlightMax = inFlightMax
    socket.onMessage = (message) => {
      if (message.kind !== 'answer') return socket.close(new Error(`answered with ${message.kind}`))
      this.#settle(message.id, { kind: 'answered', outcome: message.outcome })
    }
    socket.onClose = (error) => {
      for (const id of this.#waiting.keys()) this.#settle(id, { kind: 'lost', error })
    }
  }

  static async open({ instanceId, url }: Instance, identity: PeerIdentity, inFlightMax: number): Promise<PeerLink> {
    const { hostname, port } = new URL(`tcp://${url}`)
    const socket = new PeerSocket(connect(Number(port), hostname.replace(/^\[|\]$/g, '')))
    await shakeHands(socket, identity, instanceId)
    return new PeerLink(socket, inFlightMax)
  }

  ask(message: Omit<CommandMessage, 'id'>): Promise<PeerAnswer> {
    if (this.#waiting.size >= this.#inFlightMax)
      return Promise.resolve({ kind: 'full', error: new Error(`${this.#waiting.size} commands are on their way`) })
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<PeerAnswer>()
    if (!this.socket.say({ kind: 'command', ...message, id }))
      return Promise.resolve({ kind: 'full', error: new Error('the connection takes nothing more') })
    this.#waiting.set(id, resolve)
    return promise
  }

  #settle(id: number, answer: PeerAnswer): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
