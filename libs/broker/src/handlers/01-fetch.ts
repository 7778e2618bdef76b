import { Fetch, KafkaError, type RequestOf } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { PartitionReference, WantedPartition } from '../fetch-sessions/fetch-session.ts'
import type { SessionRequest } from '../fetch-sessions/fetch-sessions.ts'
import type { Partition } from '../partition/partition.ts'
import type { Isolation } from '../partition/partition-requests.ts'
import { type FetchTarget, waitForData } from './fetch-wait.ts'
import { handler } from './handler.ts'
import { isolationOf } from './isolation.ts'
import { epochProblem } from './leader-epoch.ts'
import { type CurrentLeader, LeaderHints } from './leader-hints.ts'
import { leaderProblem, replicaProblem } from './misrouted.ts'
import { findTopic } from './topic-of.ts'

/**
 * Fetch (1), versions 4-18.
 * Behaviour: whole batches from the one that holds the offset, up to the high watermark or, for read_committed, the
 * last stable offset. Waits for minBytes up to maxWaitMs, woken by appends. The first partition with data gives at
 * least one batch, whatever the limits (KIP-74). In a session requests and answers hold only what has changed.
 * Versions: 7 fetch sessions (KIP-227); 12 has diverging epochs (the epoch never changes here), 13 names topics by id (KIP-516), 16
 * names the leader to who asked another node (KIP-951).
 * Not done: throttling.
 */
export const fetch = handler(Fetch, async (request, broker, call) => {
  const isolation = isolationOf(request.isolationLevel)
  if (isolation === undefined) return refused(request)
  const plan = broker.fetchSessions.plan(sessionRequest(request, call.version))
  if (!('wanted' in plan)) return { errorCode: plan.code, sessionId: 0, responses: [] }
  const { session, isIncremental } = plan
  const targets = plan.wanted.map((wanted) => targetOf(wanted, broker, call.version))
  const isWanted = await waitForData(broker, call, {
    targets,
    isolation,
    minBytes: request.minBytes,
    maxWaitMs: Math.min(request.maxWaitMs, broker.config.number('keyfold.fetch.wait.max.ms')),
  })
  if (!isWanted) return undefined
  const startMs = broker.scheduler.now()
  const budget = { bytes: Math.min(request.maxBytes, broker.config.number('fetch.max.bytes')), isFirst: true }
  const responses: FetchedTopic[] = []
  const hints = new LeaderHints(broker)
  for (const target of targets) {
    const found = await read(broker, { target, isolation }, budget)
    const hint = call.version >= versionThatHints ? hints.of(found.errorCode, target.topicName, target.index) : {}
    const answer = { ...found, ...hint }
    const { reference } = target
    const isTold = session?.tells(reference, { ...answer, recordsBytes: sizeOf(answer.records) }) ?? true
    if (isIncremental && !isTold) continue
    const { topic, topicId } = reference
    const last = responses.at(-1)
    if (last?.topic === topic && last.topicId === topicId) last.partitions.push(answer)
    else responses.push({ topic, topicId, partitions: [answer] })
  }
  broker.metrics.fetchRead.observe(broker.scheduler.now() - startMs)
  const { nodeEndpoints } = hints
  const answer = { errorCode: KafkaError.NONE.code, sessionId: session?.id ?? 0, responses }
  return nodeEndpoints.length > 0 ? { ...answer, nodeEndpoints } : answer
})

/** From this version on, who asks the wrong node is told the right one. */
const versionThatHints = 16

interface FetchedTopic {
  topic: string
  topicId: string
  partitions: FetchedPartition[]
}

interface FetchedPartition {
  partitionIndex: number
  errorCode: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  abortedTransactions: { producerId: number; firstOffset: number }[] | null
  records: Buffer[]
  currentLeader?: CurrentLeader
}

interface Target extends FetchTarget {
  reference: PartitionReference
  /** Undefined if there is no such topic. */
  topicName: string | undefined
  index: number
  error: KafkaError | undefined
}

/** A request that is wrong as a whole: every partition says so. */
function refused({ topics }: RequestOf<typeof Fetch>) {
  const { code } = KafkaError.INVALID_REQUEST
  const responses = topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => {
      return { ...failed(partition, KafkaError.INVALID_REQUEST), abortedTransactions: [] }
    }),
  }))
  return { errorCode: code, sessionId: 0, responses }
}

/** What the answer may still hold. */
interface Budget {
  bytes: number
  isFirst: boolean
}

/** The partitions of a request one by one, in its order. */
function sessionRequest(request: RequestOf<typeof Fetch>, version: number): SessionRequest {
  const { sessionId, sessionEpoch } = request
  const wanted = request.topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map(({ partition, currentLeaderEpoch, fetchOffset, partitionMaxBytes }) => ({
      topic,
      topicId,
      partition,
      currentLeaderEpoch,
      fetchOffset,
      partitionMaxBytes,
    })),
  )
  const forgotten = request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  )
  return { sessionId, sessionEpoch, usesTopicIds: version >= 13, wanted, forgotten }
}

function targetOf(wanted: WantedPartition, broker: BrokerContext, version: number): Target {
  const { catalog, partitions } = broker
  const placementProblem = version >= 11 ? replicaProblem : leaderProblem
  const { topic: name, topicId } = wanted
  const { topic, error } = findTopic(catalog, { name, topicId }, version >= 13 ? 'id' : 'name')
  const partition = topic === undefined ? undefined : partitions.get(topic.name, wanted.partition)
  const misrouted = partition && placementProblem(broker, partition.topic, partition.index)
  const problem = error ?? misrouted ?? (partition && epochProblem(wanted.currentLeaderEpoch, partition.leaderEpoch))
  return {
    reference: wanted,
    topicName: topic?.name,
    index: wanted.partition,
    partition: problem === undefined ? partition : undefined,
    error: problem ?? (partition === undefined ? unknownPartition : undefined),
    offset: wanted.fetchOffset,
    maxBytes: wanted.partitionMaxBytes,
  }
}

async function read(
  broker: BrokerContext,
  { target, isolation }: { target: Target; isolation: Isolation },
  budget: Budget,
): Promise<FetchedPartition> {
  const { partition, index, offset } = target
  if (partition === undefined) return failed(index, target.error ?? unknownPartition)
  // A topic that goes away meanwhile is missed by the log, not by the catalog: so it has no id even for who asked by it.
  if (isGone(broker, partition)) return { ...failed(index, unknownPartition), abortedTransactions: null }
  const room = Math.min(target.maxBytes, budget.bytes)
  const isNonsense = room < 0 && partition.availableBytes(offset, isolation, 1) > 0
  const result = await partition.read({
    offset,
    maxBytes: Math.max(0, room),
    isolation,
    minOneBatch: budget.isFirst && !isNonsense,
  })
  if (isNonsense && result.errorCode === 0) return failed(index, KafkaError.INVALID_REQUEST)
  for (const records of result.records) {
    budget.bytes = Math.max(0, budget.bytes - records.length)
    budget.isFirst = false
  }
  const { errorCode, records, highWatermark, lastStableOffset, logStartOffset, abortedTransactions } = result
  return {
    partitionIndex: index,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: abortedTransactions === null ? null : [...abortedTransactions],
    records: [...records],
  }
}

function sizeOf(records: readonly Buffer[]): number {
  return records.reduce((sum, { length }) => sum + length, 0)
}

/** The topic was deleted, or deleted and created again, since the request came in. */
function isGone({ partitions }: BrokerContext, partition: Partition): boolean {
  return partitions.get(partition.topic, partition.index) !== partition
}

const unknownPartition = KafkaError.UNKNOWN_TOPIC_OR_PARTITION

function failed(partitionIndex: number, error: KafkaError): FetchedPartition {
  return {
    partitionIndex,
    errorCode: error.code,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    // Kafka's own two ways of saying nothing: a topic it does not know it refuses before it looks into a log.
    abortedTransactions: unknownTopicErrors.has(error) ? [] : null,
    records: [],
  }
}

const unknownTopicErrors: ReadonlySet<KafkaError> = new Set([unknownPartition, KafkaError.UNKNOWN_TOPIC_ID])
