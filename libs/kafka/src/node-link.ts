import './kafkajs/patches.ts'
import type { Socket } from 'node:net'
import { BufferReader } from '@keyfold/bytes'
import {
  type AnyApi,
  ApiVersions,
  decodeResponse,
  requestFrame,
  type RequestInput,
  type ResponseOf,
  responseHeaderVersion,
  skipTaggedFields,
} from '@keyfold/protocol'
import Connection, { type KafkajsLogger } from 'kafkajs/src/network/connection.js'
import createSocketFactory from 'kafkajs/src/network/socketFactory.js'
import type { WireCall } from 'kafkajs/src/protocol/requests/index.js'
import { brokerErrorName } from './broker-error.ts'
import type { Address, ClientSettings } from './client-options.ts'
import { KafkaClientError } from './errors.ts'
import type { FeatureLevels } from './kafka-client.ts'
import { apis, neededApis, type WireApi } from './wire-apis.ts'

type Versions = Readonly<
  Record<number, { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }>
>

/** Changes to a call that kafkajs's own encoder or decoder would make wrong or slow. */
export interface CallParts<Response> {
  readonly encode?: WireCall<Response>['request']['encode']
  readonly decode?: (payload: Buffer) => Response
  /** On top of the client's request time-out: what the broker may wait. */
  readonly extraTimeoutMs?: number
}

/**
 * One connection to one node: kafkajs's socket, framing and authentication. Requests on it are answered in order.
 * Every failure of `call` means that the answer is not known; the link is then closed and `alive` is false.
 */
export class NodeLink {
  readonly address: Address
  readonly #connection: Connection
  readonly #settings: ClientSettings
  readonly #versions: Versions
  #alive = true
  #features: Promise<ReadonlyMap<string, FeatureLevels>> | undefined

  private constructor(connection: Connection, address: Address, settings: ClientSettings, versions: Versions) {
    this.#connection = connection
    this.address = address
    this.#settings = settings
    this.#versions = versions
  }

  /** Connects, learns the node's versions and authenticates. Errors: `KAFKA_UNREACHABLE`, `KAFKA_INCOMPATIBLE`. */
  static async open(address: Address, settings: ClientSettings, timeoutMs: number): Promise<NodeLink> {
    const connection = newConnection(address, settings, timeoutMs)
    try {
      await connection.connect()
      const versions = await learnVersions(connection, timeoutMs)
      connection.setVersions(versions)
      connection.setSupportAuthenticationProtocol(versions[saslAuthenticateKey] !== undefined)
      await connection.authenticate()
      refuseIncompatible(versions, address)
      return new NodeLink(connection, address, settings, versions)
    } catch (error) {
      destroy(connection, error)
      throw openingError(error, address)
    }
  }

  get alive(): boolean {
    return this.#alive && this.#connection.isConnected()
  }

  /** Errors: `KAFKA_UNREACHABLE` (lost), `KAFKA_TIMEOUT`, `KAFKA_CLIENT_CLOSED` (closed from this side). */
  async call<Request, Response>(
    api: WireApi<Request, Response>,
    payload: NoInfer<Request>,
    parts: CallParts<Response> = {},
  ): Promise<Response> {
    const made = api.definition.protocol({ version: this.versionOf(api) })(payload as object) as WireCall<Response>
    const { encode = made.request.encode, decode } = parts
    return this.#send(
      {
        request: { ...made.request, encode },
        response: {
          decode: decode === undefined ? made.response.decode : async (bytes) => decode(bytes),
          // kafkajs's parse throws at the first error code: the codes are judged by the callers instead.
          parse: async (decoded) => decoded,
        },
      },
      parts.extraTimeoutMs,
    )
  }

  /**
   * The same for an API of which kafkajs knows nothing, or too little: by its table, in the newest version that both
   * sides have and that is not above `versionMax`. `extraTimeoutMs` is what the broker may wait. Errors: as `call`, and
   * `KAFKA_INCOMPATIBLE`.
   */
  async ask<A extends AnyApi>(
    api: A,
    payload: RequestInput<A>,
    versionMax = Number.MAX_SAFE_INTEGER,
    extraTimeoutMs = 0,
  ): Promise<ResponseOf<A>> {
    const version = this.#tableVersion(api, versionMax)
    return this.#orClosed(api.name, async () => {
      const reader = new BufferReader(await this.#exchange(api, version, payload, extraTimeoutMs))
      if (responseHeaderVersion(api, version) === 1) skipTaggedFields(reader)
      return decodeResponse(api, version, reader)
    })
  }

  /**
   * As kafkajs's own `send`, which copies a request four times on its way, into buffers twice its size; here record
   * batches go to the socket as they are.
   */
  async #exchange<A extends AnyApi>(
    api: A,
    apiVersion: number,
    payload: RequestInput<A>,
    extraTimeoutMs: number,
  ): Promise<Buffer> {
    const connection = this.#connection
    if (!connection.isAuthenticated()) await connection.authenticate()
    connection.failIfNotConnected()
    const correlationId = connection.nextCorrelationId()
    const frame = requestFrame(api, apiVersion, { correlationId, clientId: this.#settings.clientId }, payload)
    const { promise: answered, resolve, reject } = Promise.withResolvers<{ readonly payload: Buffer }>()
    connection.requestQueue.push({
      entry: { apiKey: api.key, apiName: api.name, apiVersion, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: this.#settings.requestTimeoutMs + extraTimeoutMs,
      sendRequest: () => writeTogether(connection.socket, frame),
    })
    return (await answered).payload
  }

  /** Whether the node has the API in a version from `versionMin` on. */
  has(api: AnyApi, versionMin = 0): boolean {
    return (this.#versions[api.key]?.maxVersion ?? -1) >= versionMin
  }

  /** The newest version of each API that the node has, by Kafka's number of it. */
  get newestVersions(): ReadonlyMap<number, number> {
    return new Map(Object.values(this.#versions).map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
  }

  /** The features that the node knows or its cluster has in force (KIP-584). Asked once per connection. Errors: as `call`. */
  features(): Promise<ReadonlyMap<string, FeatureLevels>> {
    return (this.#features ??= this.#askFeatures())
  }

  async #askFeatures(): Promise<ReadonlyMap<string, FeatureLevels>> {
    if (!this.has(ApiVersions, featuresSince)) return new Map()
    const software = { clientSoftwareName: 'keyfold', clientSoftwareVersion: '0' }
    const { supportedFeatures, finalizedFeatures } = await this.ask(ApiVersions, software)
    const supported = new Map(supportedFeatures.map(({ name, maxVersion }) => [name, maxVersion]))
    const finalized = new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
    const names = new Set([...supported.keys(), ...finalized.keys()])
    return new Map(
      [...names].map((name) => [name, { supported: supported.get(name) ?? 0, finalized: finalized.get(name) ?? 0 }]),
    )
  }

  #send<Response>(call: WireCall<Response>, extraTimeoutMs = 0): Promise<Response> {
    const requestTimeout = this.#settings.requestTimeoutMs + extraTimeoutMs
    return this.#orClosed(call.request.apiName, () =>
      this.#connection.send<Response>({ ...call, requestTimeout, logResponseError: false }),
    )
  }

  async #orClosed<Response>(apiName: string, exchange: () => Promise<Response>): Promise<Response> {
    try {
      return await exchange()
    } catch (error) {
      const failure = callError(error, apiName, this.address)
      this.close(failure)
      throw failure
    }
  }

  #tableVersion(api: AnyApi, versionMax: number): number {
    const offered = this.#versions[api.key]
    const version = Math.min(api.versions[1], versionMax, offered?.maxVersion ?? -1)
    if (offered !== undefined && version >= Math.max(api.versions[0], offered.minVersion)) return version
    const { host, port } = this.address
    const has = offered === undefined ? 'does not know it' : `has ${offered.minVersion}-${offered.maxVersion}`
    throw new KafkaClientError('KAFKA_INCOMPATIBLE', `${host}:${port} cannot do this: it needs ${api.name}, but ${has}`)
  }

  versionOf(api: WireApi<unknown, unknown>): number {
    return Math.min(api.versions[1], this.#versions[api.key]?.maxVersion ?? 0)
  }

  /** Ends the connection at once; what is in flight fails with the reason. */
  close(reason: Error = new KafkaClientError('KAFKA_CLIENT_CLOSED', 'the connection was closed')): void {
    if (!this.#alive) return
    this.#alive = false
    destroy(this.#connection, reason)
  }
}

/** In one system call. */
function writeTogether(socket: Socket | undefined, chunks: readonly Buffer[]): void {
  socket?.cork()
  for (const chunk of chunks) socket?.write(chunk)
  socket?.uncork()
}

const saslAuthenticateKey = 36
/** The version of ApiVersions that began to tell features. */
const featuresSince = 3

function newConnection({ host, port }: Address, settings: ClientSettings, timeoutMs: number): Connection {
  return new Connection({
    host,
    port,
    logger: loggerOf(settings),
    socketFactory: promptSocket,
    clientId: settings.clientId,
    connectionTimeout: timeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    enforceRequestTimeout: true,
    ssl: settings.ssl,
    sasl: settings.sasl,
  })
}

const socketFactory = createSocketFactory()

/** Small requests must not wait for the acknowledgement of the ones before them. */
function promptSocket(options: Parameters<typeof socketFactory>[0]): ReturnType<typeof socketFactory> {
  return socketFactory(options).setNoDelay(true)
}

async function learnVersions(connection: Connection, timeoutMs: number): Promise<Versions> {
  const call = apis.apiVersions.definition.protocol({ version: 2 })({}) as WireCall<{
    readonly errorCode: number
    readonly apiVersions: readonly { apiKey: number; minVersion: number; maxVersion: number }[]
  }>
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    const sent = connection.send({
      ...call,
      response: { decode: call.response.decode, parse: async (decoded) => decoded },
      logResponseError: false,
    })
    const { apiVersions, errorCode } = await Promise.race([sent, late])
    if (errorCode !== 0)
      throw new KafkaClientError('KAFKA_INCOMPATIBLE', `ApiVersions was answered with ${brokerErrorName(errorCode)}`)
    return Object.fromEntries(apiVersions.map((range) => [range.apiKey, range]))
  } finally {
    clearTimeout(timer)
  }
}

function refuseIncompatible(versions: Versions, { host, port }: Address): void {
  for (const { key, name, versions: needed } of neededApis) {
    const offered = versions[key]
    if (offered !== undefined && offered.maxVersion >= needed[0] && offered.minVersion <= needed[1]) continue
    const has = offered === undefined ? 'does not know it' : `has ${offered.minVersion}-${offered.maxVersion}`
    throw new KafkaClientError(
      'KAFKA_INCOMPATIBLE',
      `${host}:${port} cannot be used: it needs ${name} ${needed[0]}-${needed[1]}, but ${has}`,
      { details: { api: name } },
    )
  }
}

function openingError(error: unknown, { host, port }: Address): KafkaClientError {
  if (error instanceof KafkaClientError) return error
  const name = error instanceof Error ? error.name : ''
  if (name.includes('SASL')) {
    return new KafkaClientError('AUTHENTICATION_FAILED', `${host}:${port} refused the log-in: ${textOf(error)}`, {
      cause: error,
    })
  }
  return new KafkaClientError('KAFKA_UNREACHABLE', `${host}:${port}: ${textOf(error)}`, { cause: error })
}

function callError(error: unknown, api: string, { host, port }: Address): KafkaClientError {
  if (error instanceof KafkaClientError) return error
  const timedOut = error instanceof Error && error.name === 'KafkaJSRequestTimeoutError'
  return new KafkaClientError(
    timedOut ? 'KAFKA_TIMEOUT' : 'KAFKA_UNREACHABLE',
    `${api} to ${host}:${port}: ${timedOut ? 'no answer in time' : textOf(error)}`,
    { cause: error },
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** kafkajs's own disconnect waits for answers; this does not. */
function destroy(connection: Connection, reason: unknown): void {
  try {
    connection.requestQueue.rejectAll(reason instanceof Error ? reason : new Error(String(reason)))
  } finally {
    connection.socket?.destroy()
    connection.disconnect().catch(() => undefined)
  }
}

/** kafkajs's log lines are details here: what matters reaches the caller as an error. */
function loggerOf({ log }: ClientSettings): KafkajsLogger {
  const detail = (message: string, extra?: object): void => log('debug', message, { ...extra, source: 'kafkajs' })
  const quiet = (): void => undefined
  const logger: KafkajsLogger = { namespace: () => logger, debug: quiet, info: quiet, warn: detail, error: detail }
  return logger
}
