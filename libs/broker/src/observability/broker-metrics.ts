import { type AnyApi, kafkaErrorByCode } from '@keyfold/protocol'
import { eachErrorCode } from './error-codes.ts'
import type { Exposition } from './exposition.ts'
import { durations, type Histogram } from './histogram.ts'
import { JournalMetrics } from './journal-metrics.ts'

/** What requests of one API have cost. Plain numbers: counting is free beside answering. */
export interface ApiTraffic {
  readonly name: string
  requests: number
  requestBytes: number
  responseBytes: number
  /** Milliseconds; acks=0 has no answer and so no duration. */
  readonly duration: Histogram
  /** Error codes in answers, by their names. */
  readonly errors: Map<string, number>
  /** Counts one of them. */
  readonly countError: (code: number) => void
}

export type ConnectionEnd = 'client' | 'idle' | 'refused' | 'broker'

/** What is counted while the broker works. Everything else is looked up when somebody asks. */
export class BrokerMetrics {
  readonly fetchWait = durations()
  readonly fetchRead = durations()
  readonly journal: JournalMetrics
  readonly connections = {
    open: 0,
    accepted: 0,
    refused: { 'max.connections': 0, 'max.connections.per.ip': 0 },
    closed: { client: 0, idle: 0, refused: 0, broker: 0 } satisfies Record<ConnectionEnd, number>,
  }
  readonly retention = { segments: 0, bytes: 0 }
  transactionsTimedOut = 0
  readonly #byKey: (ApiTraffic | undefined)[] = []

  /** `now`: milliseconds that never jump. */
  constructor(now: () => number) {
    this.journal = new JournalMetrics(now)
  }

  /** The counters of an API that the broker serves. */
  of({ key, name }: AnyApi): ApiTraffic {
    return (this.#byKey[key] ??= newTraffic(name))
  }

  /** Counts the error codes of an answer. */
  countErrors(api: AnyApi, response: object): void {
    eachErrorCode(api, response, this.of(api).countError)
  }

  collect(into: Exposition): void {
    for (const traffic of this.#byKey) if (traffic !== undefined) collectTraffic(traffic, into)
    into.histogram('keyfold_broker_fetch_wait_seconds', this.fetchWait)
    into.histogram('keyfold_broker_fetch_read_seconds', this.fetchRead)
    const { open, accepted, refused, closed } = this.connections
    into.sample('keyfold_broker_connections', open)
    into.sample('keyfold_broker_connections_accepted_total', accepted)
    for (const [limit, count] of Object.entries(refused)) {
      into.sample('keyfold_broker_connections_refused_total', count, limit)
    }
    for (const [by, count] of Object.entries(closed)) {
      into.sample('keyfold_broker_connections_closed_total', count, by)
    }
    into.sample('keyfold_broker_retention_deleted_segments_total', this.retention.segments)
    into.sample('keyfold_broker_retention_deleted_bytes_total', this.retention.bytes)
    into.sample('keyfold_broker_transactions_timed_out_total', this.transactionsTimedOut)
    this.journal.collect(into)
  }
}

function newTraffic(name: string): ApiTraffic {
  const errors = new Map<string, number>()
  const countError = (code: number): void => {
    const error = kafkaErrorByCode(code).name
    errors.set(error, (errors.get(error) ?? 0) + 1)
  }
  return { name, requests: 0, requestBytes: 0, responseBytes: 0, duration: durations(), errors, countError }
}

function collectTraffic({ name, ...traffic }: ApiTraffic, into: Exposition): void {
  into.sample('keyfold_broker_requests_total', traffic.requests, name)
  for (const [error, count] of traffic.errors) {
    into.sample('keyfold_broker_request_errors_total', count, name, error)
  }
  into.sample('keyfold_broker_request_bytes_total', traffic.requestBytes, name)
  into.sample('keyfold_broker_response_bytes_total', traffic.responseBytes, name)
  into.histogram('keyfold_broker_request_duration_seconds', traffic.duration, name)
}
