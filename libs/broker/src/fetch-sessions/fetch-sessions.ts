import { KafkaError } from '@keyfold/protocol'
import { FetchSession, type PartitionReference, type WantedPartition } from './fetch-session.ts'

/** What a request says about its session. */
export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly wanted: readonly WantedPartition[]
  readonly forgotten: readonly PartitionReference[]
}

/** What is to be read for a request, and in which session the answer goes. */
export interface SessionPlan {
  readonly wanted: readonly WantedPartition[]
  /** Undefined for an answer without a session. */
  readonly session: FetchSession | undefined
  /** Whether only what has changed is answered. */
  readonly isIncremental: boolean
}

export interface FetchSessionsOptions {
  /** max.incremental.fetch.session.cache.slots */
  readonly slots: () => number
  /** A positive int32 for the id of a session: ids shall not be guessed, nor be the same after a restart. */
  readonly newId: () => number
  /** Milliseconds that never jump. */
  readonly now: () => number
}

const epochs = { full: 0, none: -1, last: 0x7fff_ffff } as const
/** A session may be displaced when nobody has used it for so long. */
const idleMs = 120_000

/** The fetch sessions of all clients, in a bounded number of slots (KIP-227). */
export class FetchSessions {
  readonly #options: FetchSessionsOptions
  /** In order of last use. */
  readonly #sessions = new Map<number, FetchSession>()

  constructor(options: FetchSessionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Opens, continues or closes the session of a request; an error is the whole answer. */
  plan(request: SessionRequest): SessionPlan | KafkaError {
    const { sessionId, sessionEpoch, wanted } = request
    if (sessionEpoch === epochs.none || sessionEpoch === epochs.full) {
      this.#sessions.delete(sessionId)
      const session = sessionEpoch === epochs.full ? this.#open(request) : undefined
      return { wanted, session, isIncremental: false }
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return KafkaError.FETCH_SESSION_ID_NOT_FOUND
    if (session.epoch !== sessionEpoch) return KafkaError.INVALID_FETCH_SESSION_EPOCH
    if (session.usesTopicIds !== request.usesTopicIds) return KafkaError.FETCH_SESSION_TOPIC_ID_ERROR
    session.update(wanted, request.forgotten)
    this.#sessions.delete(sessionId)
    // Without partitions there is nothing left to be incremental about.
    if (session.size === 0) return { wanted: [], session: undefined, isIncremental: false }
    this.#sessions.set(sessionId, session)
    session.lastUsedMs = this.#options.now()
    session.epoch = session.epoch === epochs.last ? 1 : session.epoch + 1
    return { wanted: session.wanted, session, isIncremental: true }
  }

  #open({ usesTopicIds, wanted }: SessionRequest): FetchSession | undefined {
    const { slots, newId, now } = this.#options
    const nowMs = now()
    if (this.#sessions.size >= slots()) {
      const oldest = this.#sessions.values().next().value
      if (oldest === undefined || nowMs - oldest.lastUsedMs <= idleMs) return undefined
      this.#sessions.delete(oldest.id)
    }
    let id = newId()
    while (this.#sessions.has(id)) id = newId()
    const session = new FetchSession(id, usesTopicIds, nowMs)
    session.update(wanted, [])
    this.#sessions.set(id, session)
    return session
  }
}
