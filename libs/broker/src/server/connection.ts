import type { Socket } from 'node:net'
import {
  type AnyApi,
  ApiVersions,
  decodeRequestHeader,
  KafkaError,
  Produce,
  type RequestHeader,
  unsupportedApiVersionsFrame,
} from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { apiKeysOf } from '../handlers/18-api-versions.ts'
import { type Call, type Frame, type Handler } from '../handlers/handler.ts'
import { handlerFor, servedApis } from '../handlers/served.ts'
import type { ApiTraffic, ConnectionEnd } from '../observability/broker-metrics.ts'
import type { ScheduledTask } from '../scheduler.ts'
import { FrameReader } from './frame-reader.ts'

/** A request that has been read; its answer goes out when all earlier ones have gone. */
interface Pending {
  isDone: boolean
  frame: Frame | undefined
  readonly traffic: ApiTraffic
  readonly startMs: number
}

/**
 * One client. Requests are begun in the order they arrive, several at a time, and answered in that same order. What
 * one turn of the event loop has to say goes out in one write. A client that does not read, asks for too much at once
 * or is slower than the journal is simply not read from; one that sends what is no request is disconnected.
 *
 * TLS and SASL come in front of `#begin`: a connection then starts in a phase in which it accepts other APIs.
 */
export class Connection {
  readonly #socket: Socket
  readonly #broker: BrokerContext
  readonly #onClosed: (connection: Connection) => void
  readonly #reader: FrameReader
  readonly #pending: Pending[] = []
  readonly #endedListeners = new Set<() => void>()
  readonly #address: string
  #clientId = ''
  #lastActivityMs: number
  #frameBegunMs: number | undefined
  #watch: ScheduledTask | undefined
  #flushIsDue = false
  #isWaitingForRoom = false
  /** A request that has been read but may not begin yet. */
  #held: Buffer | undefined
  #phase: 'open' | 'draining' | 'closed' = 'open'
  #onDrained: (() => void) | undefined

  constructor(socket: Socket, broker: BrokerContext, onClosed: (connection: Connection) => void) {
    this.#socket = socket
    this.#broker = broker
    this.#onClosed = onClosed
    this.#address = socket.remoteAddress ?? 'unknown'
    this.#reader = new FrameReader(() => broker.config.number('socket.request.max.bytes'))
    this.#lastActivityMs = broker.scheduler.now()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => this.#readOn())
    socket.on('error', () => this.#close('client'))
    socket.on('close', () => this.#close('client'))
    socket.on('end', () => this.#close('client'))
    this.#watchTime()
  }

  get address(): string {
    return this.#address
  }

  /** Ends the connection once what it has asked for is answered; what is parked is given up. */
  async drain(): Promise<void> {
    if (this.#phase !== 'open') return
    this.#phase = 'draining'
    this.#socket.pause()
    this.#tellEnded()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onDrained = resolve
    const deadline = this.#broker.scheduler.after(drainMsMax, resolve)
    this.#scheduleFlush()
    await promise
    deadline.cancel()
    this.#close('broker')
  }

  #receive(chunk: Buffer): void {
    this.#lastActivityMs = this.#broker.scheduler.now()
    this.#reader.push(chunk)
    this.#readOn()
  }

  /** Begins as many requests as may be under way at once. */
  #readOn(): void {
    try {
      while (this.#mayBegin()) {
        const frame = this.#held ?? this.#reader.next()
        this.#held = frame
        if (frame === undefined || this.#mustWaitForRoom(frame)) break
        this.#held = undefined
        this.#begin(frame)
      }
    } catch (error) {
      return this.#refuse(error)
    }
    if (this.#phase !== 'open') return
    const isBehind = !this.#mayBegin()
    if (isBehind && !this.#socket.isPaused()) this.#socket.pause()
    else if (!isBehind && this.#socket.isPaused()) this.#socket.resume()
    if (!this.#reader.isWithinFrame || isBehind) this.#frameBegunMs = undefined
    else this.#frameBegunMs ??= this.#broker.scheduler.now()
  }

  #mayBegin(): boolean {
    if (this.#phase !== 'open' || this.#isWaitingForRoom || this.#socket.writableNeedDrain) return false
    if (this.#pending.length >= this.#broker.config.number('keyfold.connection.requests.max')) return false
    return true
  }

  /** The journal is behind: then nothing more is appended, and this connection is not read, until it has caught up. */
  #mustWaitForRoom(frame: Buffer): boolean {
    const room = frame.readInt16BE(0) === Produce.key ? this.#broker.storage.whenRoomy() : undefined
    if (room === undefined) return false
    this.#isWaitingForRoom = true
    const goOn = (): void => {
      this.#isWaitingForRoom = false
      this.#readOn()
    }
    void room.then(goOn, goOn)
    return true
  }

  #begin(frame: Buffer): void {
    const header = decodeRequestHeader(frame)
    const { api, apiVersion, correlationId } = header
    this.#clientId = header.clientId ?? ''
    const handler = handlerFor(header.apiKey)
    if (api === undefined || handler === undefined) throw new Error(`API key ${header.apiKey} is not served`)
    const traffic = this.#broker.metrics.of(api)
    traffic.requests += 1
    traffic.requestBytes += sizePrefixBytes + frame.length
    const [min, max] = handler.versions
    if (apiVersion < min || apiVersion > max) return this.#answerUnsupported(api, header)
    const call: Call = {
      version: apiVersion,
      correlationId,
      clientId: this.#clientId,
      clientHost: `/${this.#address}`,
      onEnded: (listener) => {
        this.#endedListeners.add(listener)
        return () => this.#endedListeners.delete(listener)
      },
    }
    this.#serve(handler, frame.subarray(header.bodyOffset), call, traffic)
  }

  #serve(handler: Handler, body: Buffer, call: Call, traffic: ApiTraffic): void {
    const startMs = this.#lastActivityMs
    const answer = handler.serve(body, this.#broker, call)
    if (!(answer instanceof Promise) && answer === undefined) return
    const pending: Pending = { isDone: false, frame: undefined, traffic, startMs }
    this.#pending.push(pending)
    if (!(answer instanceof Promise)) return this.#finish(pending, answer)
    answer.then(
      (frame) => this.#finish(pending, frame),
      (error: unknown) => this.#refuse(error),
    )
  }

  /** Only ApiVersions can be answered in a version that both sides know (KIP-511). */
  #answerUnsupported(api: AnyApi, { apiVersion, correlationId }: RequestHeader): void {
    if (api.key !== ApiVersions.key) throw new Error(`${api.name} version ${apiVersion} is not served`)
    const frame = unsupportedApiVersionsFrame(correlationId, ownVersions)
    const traffic = this.#broker.metrics.of(api)
    traffic.countError(KafkaError.UNSUPPORTED_VERSION.code)
    const pending: Pending = { isDone: false, frame: undefined, traffic, startMs: this.#lastActivityMs }
    this.#pending.push(pending)
    this.#finish(pending, frame)
  }

  #finish(pending: Pending, frame: Frame | undefined): void {
    pending.isDone = true
    pending.frame = frame
    if (this.#pending[0] === pending) this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#flushIsDue) return
    this.#flushIsDue = true
    process.nextTick(() => this.#flush())
  }

  #flush(): void {
    this.#flushIsDue = false
    if (this.#phase === 'closed') return
    const nowMs = this.#broker.scheduler.now()
    this.#socket.cork()
    let answered = 0
    for (const { isDone, frame, traffic, startMs } of this.#pending) {
      if (!isDone) break
      for (const part of frame ?? []) {
        this.#socket.write(part)
        traffic.responseBytes += part.length
      }
      traffic.duration.observe(nowMs - startMs)
      answered++
    }
    this.#pending.splice(0, answered)
    this.#socket.uncork()
    this.#lastActivityMs = nowMs
    if (this.#phase === 'open') this.#readOn()
    else if (this.#pending.length === 0) this.#socket.end(() => this.#onDrained?.())
  }

  /** One timer for both limits of time. It is never set further ahead than a request may take, so it misses none. */
  #watchTime(): void {
    const { scheduler, config, log } = this.#broker
    const nowMs = scheduler.now()
    const idleMs = config.number('connections.max.idle.ms')
    const frameMs = config.number('keyfold.frame.deadline.ms')
    if (this.#pending.length > 0) this.#lastActivityMs = nowMs
    if (nowMs >= this.#lastActivityMs + idleMs) {
      log.info('connection.idle', { address: this.#address, clientId: this.#clientId, idleMs })
      return this.#close('idle')
    }
    const lateAtMs = (this.#frameBegunMs ?? nowMs) + frameMs
    if (nowMs >= lateAtMs) return this.#refuse(new Error(`request not complete after ${frameMs} ms`))
    const dueMs = Math.min(this.#lastActivityMs + idleMs, lateAtMs)
    this.#watch = scheduler.after(dueMs - nowMs, () => this.#watchTime())
  }

  #refuse(error: unknown): void {
    if (this.#phase === 'closed') return
    const reason = error instanceof Error ? error.message : String(error)
    this.#broker.log.warn('connection.closed', { address: this.#address, clientId: this.#clientId, reason })
    this.#close('refused')
  }

  #close(by: ConnectionEnd): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    const { connections } = this.#broker.metrics
    connections.closed[by] += 1
    connections.open -= 1
    this.#watch?.cancel()
    this.#socket.destroy()
    this.#tellEnded()
    this.#onDrained?.()
    this.#onClosed(this)
  }

  #tellEnded(): void {
    const listeners = [...this.#endedListeners]
    this.#endedListeners.clear()
    for (const listener of listeners) listener()
  }
}

const sizePrefixBytes = 4
/** How long a connection may take to get its last answers. */
const drainMsMax = 2000
const ownVersions = apiKeysOf(servedApis).filter(({ apiKey }) => apiKey === ApiVersions.key)
