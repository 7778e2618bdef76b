import type { BrokerNode } from './cluster.ts'
import type { BrokerError } from './errors.ts'
import type { BrokerLog } from './log.ts'

/** Where a broker keeps its data: a directory of its own, or memory (tests: gone when it closes). */
type DataOptions = { dataDirectory: string; memory?: false } | { memory: true; dataDirectory?: undefined }

export type BrokerOptions = DataOptions & {
  /** Address to listen on. Default 127.0.0.1: reachable from this machine only. */
  host?: string
  /**
   * TCP port; 0, the default, picks a free one (see `RunningBroker.port`). With `keyfold.virtual.brokers` each further
   * node takes the next one.
   */
  port?: number
  /** The address clients are told to connect to, where it differs from `host` (containers, 0.0.0.0). */
  advertisedHost?: string
  /** The port clients are told to connect to, where it differs from `port`; further nodes have the next ones. */
  advertisedPort?: number
  /** Broker settings under Kafka's own names, for example `{ 'num.partitions': 6 }`; see `brokerConfigs`. */
  config?: Readonly<Record<string, string | number | boolean>>
  /**
   * TCP port of an HTTP server with `/metrics` (Prometheus), `/health` and `/ready`; 0 picks a free one (see
   * `RunningBroker.metricsAddress`). Default: there is none.
   */
  metricsPort?: number
  /** Address that server listens on. Default 127.0.0.1: reachable from this machine only; it knows no passwords. */
  metricsHost?: string
  /** Receives log lines. Default: silence. */
  log?: BrokerLog
}

/** A broker that accepts connections. */
export interface RunningBroker {
  readonly host: string
  readonly port: number
  /** `host:port` as clients are told to connect. */
  readonly address: string
  /** Kafka's `node.id`; the same after every restart. */
  readonly nodeId: number
  /** Every node it answers as, with the addresses clients are told; more than one with `keyfold.virtual.brokers`. */
  readonly nodes: readonly BrokerNode[]
  /** 22 characters, the same after every restart of a data directory. */
  readonly clusterId: string
  /** `host:port` of the HTTP server with metrics and health; undefined without `metricsPort`. */
  readonly metricsAddress: string | undefined
  /** Settles when the broker has stopped: undefined after `close()`, the error when it failed by itself. */
  readonly stopped: Promise<BrokerError | undefined>
  /** Clean shutdown: ends connections, writes a checkpoint, releases the data directory. Safe to call twice. */
  close(): Promise<void>
}
