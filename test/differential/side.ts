import {
  type AnyApi,
  apis,
  decodeApiVersionsResponse,
  decodeResponse,
  decodeResponseHeader,
  requestFrame,
  type RequestInput,
} from '@keyfold/protocol'
import { MalformedBytes } from '@keyfold/bytes'
import { encodeBatch } from './batches.ts'
import { assignment, subscription } from './consumer-protocol.ts'
import { Names } from './names.ts'
import { normalised } from './normalise.ts'
import type { BatchSpec, Damage, Ending, Operation, Outcome, Symbolic } from './operation.ts'
import { settle } from './settle.ts'
import { Wire } from './wire.ts'

type Answer = Readonly<Record<string, unknown>>

export interface SideOptions {
  readonly title: string
  readonly address: string
  readonly startedAtMs: number
  /** Ends the broker and starts it again at the same address, with the same data. */
  readonly restart: (ending: Ending) => Promise<void>
}

/** One of the two brokers under comparison, with its connections and with what it calls the things of the script. */
export class Side {
  readonly title: string
  readonly producers = new Names()
  readonly members = new Names()
  readonly topicIds = new Names()
  readonly epochs = new Map<string, number>()
  readonly #owned = new Map<string, { readonly now: unknown; readonly before: unknown }>()
  readonly #sessions = new Map<string, number>()
  /** Timestamps after this are this broker's clock. */
  readonly startedAtMs: number
  readonly #address: string
  readonly #restartBroker: (ending: Ending) => Promise<void>
  readonly #leaderEpochs = new Map<string, number>()
  readonly #wires = new Map<string, Wire>()
  #correlationId = 0
  #hasRestarted = false

  constructor({ title, address, startedAtMs, restart }: SideOptions) {
    this.title = title
    this.#address = address
    this.#restartBroker = restart
    this.startedAtMs = startedAtMs
  }

  /** From then on epochs of leaders are this broker's own. */
  get hasRestarted(): boolean {
    return this.#hasRestarted
  }

  /** Sends the operation, and again while it is answered "not yet". The answer comes back as it is. */
  async run(operation: Operation): Promise<Outcome> {
    if (operation.restart !== undefined) await this.#restart(operation.restart, operation.settle)
    const api = apiNamed(operation.api)
    for (let attempt = 1; ; attempt += 1) {
      const request = this.#resolve(operation.request) as RequestInput<AnyApi>
      const header = { correlationId: (this.#correlationId += 1), clientId: 'differential' }
      const frame = Buffer.concat(requestFrame(api, operation.version, header, request))
      const wire = await this.#wire(operation.connection)
      wire.send(operation.damage === undefined ? frame : damaged(frame, operation.damage))
      if (operation.answer === 'none') return { answer: null }
      const bytes = await wire.next()
      if (bytes === undefined) return { closed: true }
      const answer = decoded(api, operation.version, bytes)
      if (typeof answer === 'string') return { unreadable: answer }
      if (attempt < 400 && hasCode(answer, operation.retryOn ?? [])) {
        await new Promise((resolve) => setTimeout(resolve, 25))
        continue
      }
      this.#learn(operation, answer)
      await settle(this, operation.settle ?? [])
      return { answer }
    }
  }

  setLeaderEpoch(topic: string, partition: number, epoch: number): void {
    this.#leaderEpochs.set(`${topic}/${partition}`, epoch)
  }

  /** The outcome in the script's names, as far as they are known by now. */
  named(outcome: Outcome): Outcome {
    return 'answer' in outcome ? { answer: normalised(outcome.answer, this) } : outcome
  }

  /** An exchange outside the script, as the broker answers it. */
  async ask(apiName: string, version: number, request: unknown): Promise<Answer> {
    const api = apiNamed(apiName)
    const header = { correlationId: (this.#correlationId += 1), clientId: 'settle' }
    const wire = await this.#wire('settle')
    wire.send(Buffer.concat(requestFrame(api, version, header, this.#resolve(request) as RequestInput<AnyApi>)))
    const bytes = await wire.next()
    if (bytes === undefined) throw new Error(`${this.title} hung up on ${apiName} ${version}`)
    return decode(api, version, bytes)
  }

  /** Ends a connection whose answers can no longer be told apart. The next request opens it again. */
  drop(connection: string): void {
    this.#wires.get(connection)?.close()
    this.#wires.delete(connection)
  }

  close(): void {
    for (const wire of this.#wires.values()) wire.close()
  }

  async #restart(ending: Ending, awaited: Operation['settle']): Promise<void> {
    this.close()
    this.#wires.clear()
    await this.#restartBroker(ending)
    this.#hasRestarted = true
    await settle(this, awaited ?? [])
  }

  async #wire(name: string): Promise<Wire> {
    const open = this.#wires.get(name)
    if (open !== undefined && !open.isClosed) return open
    const wire = await Wire.open(this.#address)
    this.#wires.set(name, wire)
    return wire
  }

  #learn({ names = {} }: Operation, answer: Answer): void {
    const { producer, member, session, consumer } = names
    if (consumer !== undefined) this.#learnAssignment(consumer, answer)
    const { sessionId, errorCode, producerId, producerEpoch, memberId } = answer
    if (producer !== undefined && errorCode === 0 && typeof producerId === 'number' && producerId >= 0) {
      this.producers.set(producer, String(producerId))
      this.epochs.set(producer, Number(producerEpoch))
    }
    if (session !== undefined && typeof sessionId === 'number' && sessionId > 0) this.#sessions.set(session, sessionId)
    if (member !== undefined && typeof memberId === 'string' && memberId !== '') this.members.set(member, memberId)
  }

  #learnAssignment(consumer: string, { errorCode, memberEpoch, assignment }: Answer): void {
    if (errorCode !== 0 || typeof memberEpoch !== 'number') return
    if (memberEpoch < 0) this.#owned.delete(consumer)
    const { topicPartitions } = (assignment ?? {}) as { readonly topicPartitions?: unknown }
    if (topicPartitions === undefined) return
    this.#owned.set(consumer, { now: topicPartitions, before: this.#owned.get(consumer)?.now ?? [] })
  }

  /** The value with this broker's ids in place of symbols. */
  #resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#resolve(each))
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
    if ('$' in value) return this.#symbol(value as Symbolic)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#resolve(each)]))
  }

  #symbol(symbol: Symbolic): unknown {
    switch (symbol.$) {
      case 'producerId':
        return Number(this.producers.get(symbol.of) ?? 4_000_000)
      case 'producerEpoch':
        return (this.epochs.get(symbol.of) ?? 0) + symbol.plus
      case 'member':
        return this.members.get(symbol.of) ?? `unknown ${symbol.of}`
      case 'topicId':
        return this.topicIds.get(symbol.of) ?? 'AAAAAAAAAAAAAAAAAAAAEA'
      case 'session':
        return this.#sessions.get(symbol.of) ?? 7
      case 'owned':
        return this.#owned.get(symbol.of)?.[symbol.when] ?? []
      case 'leaderEpoch':
        return (this.#leaderEpochs.get(`${symbol.of}/${symbol.partition}`) ?? 0) + symbol.plus
      case 'bytes':
        return Buffer.from(symbol.text)
      case 'subscription':
        return subscription(symbol.topics)
      case 'assignment':
        return assignment(symbol.of)
      case 'batches':
        return Buffer.concat(symbol.of.map((spec) => this.#batch(spec)))
    }
  }

  #batch(spec: BatchSpec): Buffer {
    const producerId = spec.producer === undefined ? undefined : (this.producers.get(spec.producer) ?? 4_000_000)
    const producerEpoch = this.epochs.get(spec.producer ?? '') ?? 0
    return encodeBatch(spec, producerId === undefined ? undefined : { producerId: Number(producerId), producerEpoch })
  }
}

export function apiNamed(name: string): AnyApi {
  const api = apis.find((each) => each.name === name)
  if (api === undefined) throw new Error(`no API is called ${name}`)
  return api
}

function decode(api: AnyApi, version: number, bytes: Buffer): Answer {
  const { bodyOffset } = decodeResponseHeader(api, version, bytes)
  const body = bytes.subarray(bodyOffset)
  return api.name === 'ApiVersions' ? decodeApiVersionsResponse(version, body) : decodeResponse(api, version, body)
}

/** The answer, or what is wrong with it. */
function decoded(api: AnyApi, version: number, bytes: Buffer): Answer | string {
  try {
    return decode(api, version, bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) return `${error.message}: ${bytes.toString('hex', 0, 40)}`
    throw error
  }
}

function damaged(frame: Buffer, damage: Damage): Buffer {
  let bytes = Buffer.from(frame)
  switch (damage.kind) {
    case 'key or version':
      bytes.writeInt16BE(damage.apiKey, 4)
      bytes.writeInt16BE(damage.apiVersion, 6)
      return bytes
    case 'cut':
      bytes = bytes.subarray(0, bytes.length - damage.bytes)
      break
    case 'append':
      bytes = Buffer.concat([bytes, Buffer.alloc(damage.bytes)])
      break
    case 'int32':
      bytes.writeInt32BE(damage.value, Math.min(damage.at, bytes.length - 4))
      return bytes
  }
  bytes.writeInt32BE(bytes.length - 4, 0)
  return bytes
}

/** Whether an error code anywhere in the answer is one of these. */
function hasCode(value: unknown, codes: readonly number[]): boolean {
  if (codes.length === 0 || typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false
  return Object.entries(value).some(
    ([key, each]) => (/errorcode/i.test(key) && codes.includes(each as number)) || hasCode(each, codes),
  )
}
