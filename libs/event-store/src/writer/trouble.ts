import type { KafkaErrorCode } from '@keyfold/kafka'
import type { EventStoreErrorCode } from '../errors.ts'

/**
 * What an error of a claim or a batch means for its partition:
 * - `passing`: the cluster, the registry or the disk is away, or says no for now. The partition is claimed again, for as
 *   long as it takes; commands that cannot wait hear why.
 * - `final`: what is stored cannot be read by this code, and reading it again will not help. The partition is refused.
 * - `doubtful`: it may be either. So many times in a row it is passing, then final.
 */
export type Trouble = 'passing' | 'final' | 'doubtful'

/** Doubtful errors in a row until the partition is refused; with the waits between claims some five seconds. */
const doubtsMax = 8

/** Counts what is doubtful. */
export class Doubts {
  #inARow = 0

  /** Whether the partition has to be refused. */
  isFinal(trouble: Trouble): boolean {
    if (trouble === 'doubtful') this.#inARow += 1
    return trouble === 'final' || this.#inARow >= doubtsMax
  }

  /** It went well. */
  over(): void {
    this.#inARow = 0
  }
}

const ofKafka: Readonly<Record<KafkaErrorCode, Trouble>> = {
  KAFKA_UNREACHABLE: 'passing',
  KAFKA_TIMEOUT: 'passing',
  BROKER_BUSY: 'passing',
  OFFSET_UNEXPECTED: 'passing',
  // Somebody else's producer is newer: whether the partition is still ours, the next claim finds out.
  PRODUCER_FENCED: 'passing',
  TRANSACTION_TIMED_OUT: 'passing',
  // Until somebody has decided by hand: the log says at every attempt how.
  TRANSACTION_UNDECIDED: 'passing',
  // A node that is being replaced by another version; rights that are missing, or an error inside a node; a node that has
  // not learned of its topics yet. An operator may mend each of them without touching this process.
  KAFKA_INCOMPATIBLE: 'passing',
  AUTHENTICATION_FAILED: 'passing',
  BROKER_REFUSED: 'passing',
  UNKNOWN_TOPIC_OR_PARTITION: 'passing',
  TOPIC_REFUSED: 'passing',
  TOPIC_EXISTS: 'passing',
  GROUP_NOT_FOUND: 'passing',
  GROUP_ACTIVE: 'passing',
  // A new leader whose log is shorter for now, or history that was deleted. A bad read, or a bad disk.
  OFFSET_OUT_OF_RANGE: 'doubtful',
  RECORDS_CORRUPT: 'doubtful',
  COMPRESSION_UNSUPPORTED: 'final',
  // The store's own client: whoever closed it is shutting down.
  KAFKA_CLIENT_CLOSED: 'final',
}

const ofEventStore: Readonly<Partial<Record<EventStoreErrorCode, Trouble>>> = {
  REGISTRY_UNREACHABLE: 'passing',
  REGISTRY_REFUSED: 'passing',
  SCHEMA_UNKNOWN: 'passing',
  SCHEMA_NOT_REGISTERED: 'passing',
  STATE_STORE_LOST: 'passing',
  TOPIC_MISMATCH: 'doubtful',
  LOG_CORRUPT_VERSION: 'final',
  PARTITION_REFUSED: 'final',
  EVENT_UNKNOWN: 'final',
  EVENT_NAME_TAKEN: 'final',
  ENVELOPE_UNREADABLE: 'final',
  VALUE_UNREADABLE: 'final',
  UPCASTER_FAILED: 'final',
  UPCASTERS_INVALID: 'final',
}

const table: Readonly<Record<string, Trouble>> = { ...ofKafka, ...ofEventStore }

/**
 * An error that no row has is believed when it calls itself retriable; otherwise it is a bug, here or in a codec: doubtful.
 */
export function troubleOf(error: unknown): Trouble {
  const { code, retriable } = (error ?? {}) as { readonly code?: unknown; readonly retriable?: unknown }
  const row = typeof code === 'string' ? table[code] : undefined
  return row ?? (retriable === true ? 'passing' : 'doubtful')
}

const away: ReadonlySet<unknown> = new Set<KafkaErrorCode>(['KAFKA_UNREACHABLE', 'KAFKA_TIMEOUT', 'BROKER_BUSY'])

/** Whether a transaction came to nothing because nobody was there in time: its records are not at fault. */
export function isAway(error: Error): boolean {
  return away.has((error as { readonly code?: unknown }).code)
}
