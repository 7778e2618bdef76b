/** The part of kafkajs 2.2.4 below its producer and consumer, as far as this adapter uses it. */

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
  import type { WireCall } from 'kafkajs/src/protocol/requests/index.js'

  export interface KafkajsLogger {
    namespace(name: string): KafkajsLogger
    debug(message: string, extra?: object): void
    info(message: string, extra?: object): void
    warn(message: string, extra?: object): void
    error(message: string, extra?: object): void
  }

  export interface ConnectionOptions {
    readonly host: string
    readonly port: number
    readonly logger: KafkajsLogger
    readonly socketFactory: (options: { host: string; port: number; ssl: unknown; onConnect: () => void }) => Socket
    readonly requestTimeout: number
    readonly connectionTimeout: number
    readonly enforceRequestTimeout: boolean
    readonly clientId: string
    readonly ssl: object | null
    readonly sasl: object | null
  }

  export default class Connection {
    constructor(options: ConnectionOptions)
    socket: Socket | undefined
    readonly requestQueue: RequestQueue
    connect(): Promise<unknown>
    disconnect(): Promise<unknown>
    isConnected(): boolean
    isAuthenticated(): boolean
    /** Throws when there is no connection. */
    failIfNotConnected(): void
    nextCorrelationId(): number
    authenticate(): Promise<void>
    setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void
    setSupportAuthenticationProtocol(supported: boolean): void
    processData: (this: Connection, received: Buffer) => void
    send<Response>(call: WireCall<Response>): Promise<Response>
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export interface QueuedRequest {
    readonly entry: {
      readonly apiKey: number
      readonly apiName: string
      readonly apiVersion: number
      readonly correlationId: number
      /** `payload` is the answer behind its correlation id. */
      readonly resolve: (answer: { readonly payload: Buffer }) => void
      readonly reject: (error: Error) => void
    }
    readonly expectResponse: boolean
    /** In milliseconds. */
    readonly requestTimeout: number
    /** Called when it may go out: at once, unless the broker throttles. */
    readonly sendRequest: () => void
  }

  export default class RequestQueue {
    push(request: QueuedRequest): void
    rejectAll(error: Error): void
    destroy(): void
    pending: unknown[]
    throttledUntil: number
    scheduleCheckPendingRequests: (this: RequestQueue) => void
  }
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ConnectionOptions } from 'kafkajs/src/network/connection.js'
  export default function createSocketFactory(): ConnectionOptions['socketFactory']
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number)
    writeInt16(value: number): this
    writeInt32(value: number): this
    writeString(value: string | null): this
    writeBoolean(value: boolean): this
    writeBuffer(value: Buffer): this
  }
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  import type Encoder from 'kafkajs/src/protocol/encoder.js'

  export interface WireCall<Response> {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      readonly encode: () => Promise<Encoder>
      readonly expectResponse?: () => boolean
    }
    readonly response: {
      readonly decode: (payload: Buffer) => Promise<Response>
      readonly parse: (decoded: Response) => Promise<Response>
    }
    readonly requestTimeout?: number
    readonly logResponseError?: boolean
  }

  export interface WireDefinition {
    readonly versions: readonly string[]
    protocol(options: { version: number }): (payload: object) => WireCall<unknown>
  }

  export const requests: Readonly<Record<string, WireDefinition>>
}
