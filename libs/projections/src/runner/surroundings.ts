import type { EventCodec } from '@keyfold/event-store'
import type { KafkaClient } from '@keyfold/kafka'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { RetryPolicy } from './trouble.ts'
import type { Turns } from './turns.ts'

/** What every runner of an application shares. */
export interface Surroundings {
  readonly kafka: KafkaClient
  readonly codec: EventCodec
  readonly clock: Clock
  readonly log: Log
  readonly batch: BatchLimits
  readonly retry: RetryPolicy
  readonly turns: Turns
}

/** The bounds of one transaction; whichever is met first ends it. */
export interface BatchLimits {
  /** Events applied. */
  readonly recordsMax: number
  /** Bytes of one fetch. */
  readonly bytesMax: number
  /** How long one transaction applies events, without the pauses that it makes for other work of the process. */
  readonly timeMsMax: number
  /** For this long at most other work of the process waits, give or take some events. */
  readonly turnMsMax: number
}

export const DEFAULT_BATCH: BatchLimits = { recordsMax: 10_000, bytesMax: 2 * 1024 * 1024, timeMsMax: 25, turnMsMax: 4 }
