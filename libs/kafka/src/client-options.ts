export type KafkaLogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Receives what the client has to say; silent when left out. */
export type KafkaLog = (level: KafkaLogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void

export interface KafkaClientOptions {
  /** `host:port` of nodes to begin with; the rest of the cluster is found through them. */
  readonly brokers: readonly string[]
  /** The name by which the broker's logs and metrics know this client. */
  readonly clientId: string
  /** How long the first connection may take altogether, in milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** How long one request may take, in milliseconds. Default 15,000. */
  readonly requestTimeoutMs?: number
  /** Options of `tls.connect`; left out: plain TCP. */
  readonly ssl?: object
  /** As kafkajs takes it: `{ mechanism: 'scram-sha-256', username, password }`. */
  readonly sasl?: object
  readonly log?: KafkaLog
  /** The newest generation of Kafka's transactions to use where the cluster has it in force: 2 is KIP-890. Default 2. */
  readonly transactionVersionMax?: 1 | 2
}

export interface ClientSettings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly ssl: object | null
  readonly sasl: object | null
  readonly log: KafkaLog
  readonly transactionVersionMax: 1 | 2
}

export function clientSettings(options: KafkaClientOptions): ClientSettings {
  if (options.brokers.length === 0) throw new TypeError('brokers: name at least one, as host:port')
  return {
    brokers: options.brokers,
    clientId: options.clientId,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    ssl: options.ssl ?? null,
    sasl: options.sasl ?? null,
    log: options.log ?? (() => undefined),
    transactionVersionMax: options.transactionVersionMax ?? 2,
  }
}

export interface Address {
  readonly host: string
  readonly port: number
}

/**
 * Reads `host:port`; an IPv6 host stands in brackets. The port defaults to Kafka's 9092.
 * @throws {TypeError} when it is neither.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3] ?? 9092)
  if (host === undefined || port < 1 || port > 65_535)
    throw new TypeError(`a broker is written host:port, not "${text}"`)
  return { host, port }
}
