/**
 * One step of the script: a request whose ids are symbols, so that it means the same to both brokers. Everything in it
 * is data and can be printed.
 */
export interface Operation {
  /** What it tries, for people. */
  readonly title: string
  readonly api: string
  readonly version: number
  /** A request's fields; objects with `$` are symbols, see `Symbolic`. */
  readonly request: unknown
  /** Which connection it goes over; a connection has one request under way. */
  readonly connection: string
  /** Names of topics, producers, groups that it is about: earlier operations about them led here. */
  readonly about: readonly string[]
  /** `parks`: the answer may come after later operations. `none`: acks=0, no answer comes. */
  readonly answer?: 'parks' | 'none'
  /** What ids in the answer are called from now on. */
  readonly names?: {
    readonly producer?: string
    readonly member?: string
    readonly session?: string
    /** A member of a consumer group, whose assignment it is. */
    readonly consumer?: string
  }
  /** Codes that Kafka answers while something is still under way: the request is sent again. */
  readonly retryOn?: readonly number[]
  /** What has to have taken effect before the next operation. Kafka answers some requests earlier. */
  readonly settle?: readonly Settle[]
  /** Changes the encoded frame (bad requests). */
  readonly damage?: Damage
  /** Connections whose parked requests this one lets go: their answers are waited for. */
  readonly wakes?: readonly string[]
  /** Both brokers end in this way and start again before it is sent; `settle` has to have happened by then, too. */
  readonly restart?: Ending
}

/** SIGTERM, or SIGKILL. */
export type Ending = 'stop' | 'kill'

export type Settle =
  | { readonly kind: 'topic'; readonly topic: string; readonly partitions: number }
  | { readonly kind: 'no topic'; readonly topic: string }
  | { readonly kind: 'transaction'; readonly transactionalId: string }
  | { readonly kind: 'transaction timed out'; readonly transactionalId: string }
  /** The topics that a member subscribes to by regular expression are found. */
  | { readonly kind: 'pattern'; readonly group: string; readonly member: string }
  | { readonly kind: 'config'; readonly topic: string; readonly key: string; readonly value: string | null }
  /** Those of groups and transactions have read everything there is. */
  | { readonly kind: 'coordinators' }
  | { readonly kind: 'pause'; readonly ms: number }

export type Damage =
  | { readonly kind: 'key or version'; readonly apiKey: number; readonly apiVersion: number }
  | { readonly kind: 'cut'; readonly bytes: number }
  | { readonly kind: 'append'; readonly bytes: number }
  | { readonly kind: 'int32'; readonly at: number; readonly value: number }

/** Values that differ between the brokers, by the name that both know. */
export type Symbolic =
  | { readonly $: 'producerId'; readonly of: string }
  | { readonly $: 'producerEpoch'; readonly of: string; readonly plus: number }
  | { readonly $: 'member'; readonly of: string }
  | { readonly $: 'topicId'; readonly of: string }
  | { readonly $: 'session'; readonly of: string }
  /** The partitions that a member of a consumer group was told to have: last, or before that. */
  | { readonly $: 'owned'; readonly of: string; readonly when: 'now' | 'before' }
  /** The epoch of a partition's leader: Kafka's grows with each start. */
  | { readonly $: 'leaderEpoch'; readonly of: string; readonly partition: number; readonly plus: number }
  | { readonly $: 'bytes'; readonly text: string }
  /** A consumer's metadata for JoinGroup. */
  | { readonly $: 'subscription'; readonly topics: readonly string[] }
  /** What a leader of the classic protocol gives a consumer in SyncGroup. */
  | { readonly $: 'assignment'; readonly of: readonly TopicPartitions[] }
  | { readonly $: 'batches'; readonly of: readonly BatchSpec[] }

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface RecordSpec {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers?: readonly string[]
}

export interface BatchSpec {
  readonly records: readonly RecordSpec[]
  readonly producer?: string
  readonly epochPlus?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly compression?: 'none' | 'gzip' | 'zstd'
  readonly flaw?: BatchFlaw
}

export type BatchFlaw =
  | 'crc'
  | 'magic 0'
  | 'magic 1'
  | 'base offset'
  | 'control'
  | 'count'
  | 'negative count'
  | 'last offset delta'
  | 'log append time'
  | 'compression 5'
  | 'no sequence'
  | 'batch length'
  | 'cut'
  | 'huge'
  | 'garbage payload'

/** What one broker did: the decoded answer, or how the connection ended. */
export type Outcome =
  | { readonly answer: unknown }
  | { readonly closed: true }
  | { readonly parked: true }
  /** Not in the layout of the version that was asked. */
  | { readonly unreadable: string }
