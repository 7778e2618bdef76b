/** What may be done about an error is part of it. */
export interface KafkaErrorRow {
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retriable: boolean
  readonly fix: string
}

const errors = {
  KAFKA_UNREACHABLE: {
    retriable: true,
    fix: 'start the broker, or point KAFKA_BROKERS at one that is running and reachable from here',
  },
  KAFKA_INCOMPATIBLE: { retriable: false, fix: 'use Apache Kafka 2.3 or newer, or the bundled broker' },
  KAFKA_CLIENT_CLOSED: { retriable: false, fix: 'open a new client: this one was closed' },
  KAFKA_TIMEOUT: { retriable: true, fix: 'check that the cluster is healthy and every partition has a leader' },
  OFFSET_OUT_OF_RANGE: {
    retriable: false,
    fix: 'history is missing: check retention.ms and retention.bytes of the topic and whether it was made anew',
  },
  OFFSET_UNEXPECTED: {
    retriable: true,
    fix: 'read the partition to its end again before anything is written: it holds more than was known',
  },
  UNKNOWN_TOPIC_OR_PARTITION: { retriable: false, fix: 'create the topic, or correct its name or the partition' },
  TOPIC_REFUSED: { retriable: false, fix: 'correct the name or the settings of the topic as the broker says' },
  TOPIC_EXISTS: { retriable: false, fix: 'choose another name, or use the topic that is there' },
  GROUP_NOT_FOUND: { retriable: false, fix: 'correct the name of the group: it has no members and no offsets' },
  GROUP_ACTIVE: { retriable: false, fix: 'stop the consumers of the group first, then try again' },
  RECORDS_CORRUPT: { retriable: false, fix: 'check the disk of the broker that leads this partition' },
  COMPRESSION_UNSUPPORTED: {
    retriable: false,
    fix: 'install the optional packages snappy and lz4-napi; zstd needs Node 22.15',
  },
  AUTHENTICATION_FAILED: { retriable: false, fix: 'check the sasl mechanism, user name and password' },
  TRANSACTION_TIMED_OUT: {
    retriable: true,
    fix: 'open a new producer; raise transactionTimeoutMs if this process was not frozen or asleep',
  },
  TRANSACTION_UNDECIDED: {
    retriable: false,
    fix: 'decide by hand: `kafka-transactions abort --topic … --partition … --start-offset …` gives these records up',
  },
  PRODUCER_FENCED: { retriable: false, fix: 'stop writing: a newer producer has taken this transactional id over' },
  BROKER_REFUSED: { retriable: false, fix: 'see the broker error name, and the log of the broker' },
  BROKER_BUSY: { retriable: true, fix: 'try again: the cluster is electing a leader or loading its state' },
} as const satisfies Readonly<Record<string, KafkaErrorRow>>

export type KafkaErrorCode = keyof typeof errors

export interface KafkaErrorParticulars {
  readonly cause?: unknown
  readonly details?: Readonly<Record<string, unknown>>
}

/** An operating error of the Kafka client. `String(error)` is one line: code, cause, fix. */
export class KafkaClientError extends Error {
  override readonly name = 'KafkaClientError'
  readonly code: KafkaErrorCode
  readonly retriable: boolean
  readonly fix: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: KafkaErrorCode, message: string, particulars: KafkaErrorParticulars = {}) {
    super(message, particulars.cause === undefined ? undefined : { cause: particulars.cause })
    this.code = code
    this.retriable = errors[code].retriable
    this.fix = errors[code].fix
    this.details = particulars.details ?? {}
  }

  override toString(): string {
    return `${this.code}: ${this.message}. Fix: ${this.fix}`
  }
}
