import { Fetch, KafkaError, type RequestOf, type ResponseInput } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { Partition } from '../partition/partition.ts'
import { type FetchTarget, waitForData } from './fetch-wait.ts'
import { handler } from './handler.ts'
import { epochProblem } from './leader-epoch.ts'
import { findTopic } from './topic-of.ts'

/**
 * Fetch (1), versions 4-18.
 * Behaviour: whole batches from the one that holds the offset, up to the high watermark or, for read_committed, the
 * last stable offset. Waits for minBytes up to maxWaitMs, woken by appends. The first partition with data gives at
 * least one batch, whatever the limits (KIP-74).
 * Versions: 7 fetch sessions (KIP-227): a client that asks for one gets id 0, which means "no session, ask in full";
 * 12 has diverging epochs (the epoch never changes here), 13 names topics by id (KIP-516).
 * Not done: fetch sessions that remember partitions; throttling.
 */
export const fetch = handler(Fetch, async (request, broker, call) => {
  if (request.sessionId !== 0 && request.sessionEpoch !== closeSession) {
    const { code } = KafkaError.FETCH_SESSION_ID_NOT_FOUND
    return { errorCode: code, sessionId: 0, responses: [] }
  }
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const topics = request.topics.map((topic) => ({ topic, targets: targetsOf(topic, broker, call.version) }))
  const isWanted = await waitForData(broker, call, {
    targets: topics.flatMap(({ targets }) => targets),
    isolation,
    minBytes: request.minBytes,
    maxWaitMs: Math.min(request.maxWaitMs, broker.config.number('keyfold.fetch.wait.max.ms')),
  })
  if (!isWanted) return undefined
  const budget = { bytes: Math.min(request.maxBytes, broker.config.number('fetch.max.bytes')), isFirst: true }
  const responses: FetchedTopic[] = []
  for (const { topic, targets } of topics) {
    const partitions: FetchedPartition[] = []
    for (const target of targets) partitions.push(await read(broker, { target, isolation }, budget))
    responses.push({ topic: topic.topic, topicId: topic.topicId, partitions })
  }
  return { errorCode: KafkaError.NONE.code, sessionId: 0, responses }
})

type RequestedTopic = RequestOf<typeof Fetch>['topics'][number]
type FetchedTopic = ResponseInput<typeof Fetch>['responses'][number]
type FetchedPartition = FetchedTopic['partitions'][number]
type Isolation = 'read_uncommitted' | 'read_committed'

interface Target extends FetchTarget {
  index: number
  error: KafkaError | undefined
  /** What a topic that goes away meanwhile is to this client. */
  goneError: KafkaError
}

/** What the answer may still hold. */
interface Budget {
  bytes: number
  isFirst: boolean
}

function targetsOf(requested: RequestedTopic, { catalog, partitions }: BrokerContext, version: number): Target[] {
  const reference = { name: requested.topic, topicId: requested.topicId }
  const { topic, error } = findTopic(catalog, reference, version >= 13 ? 'id' : 'name')
  const goneError = version >= 13 ? KafkaError.UNKNOWN_TOPIC_ID : KafkaError.UNKNOWN_TOPIC_OR_PARTITION
  return requested.partitions.map((wanted) => {
    const partition = topic === undefined ? undefined : partitions.get(topic.name, wanted.partition)
    const problem = error ?? (partition && epochProblem(wanted.currentLeaderEpoch, partition.leaderEpoch))
    return {
      index: wanted.partition,
      partition: problem === undefined ? partition : undefined,
      error: problem ?? (partition === undefined ? KafkaError.UNKNOWN_TOPIC_OR_PARTITION : undefined),
      goneError,
      offset: wanted.fetchOffset,
      maxBytes: wanted.partitionMaxBytes,
    }
  })
}

async function read(
  broker: BrokerContext,
  { target, isolation }: { target: Target; isolation: Isolation },
  budget: Budget,
): Promise<FetchedPartition> {
  const { partition, index, offset, goneError } = target
  if (partition === undefined) return failed(index, target.error ?? goneError)
  if (isGone(broker, partition)) return failed(index, goneError)
  const maxBytes = Math.max(0, Math.min(target.maxBytes, budget.bytes))
  const result = await partition.read({ offset, maxBytes, isolation, minOneBatch: budget.isFirst })
  for (const records of result.records) {
    budget.bytes -= records.length
    budget.isFirst = false
  }
  const { errorCode, records, highWatermark, lastStableOffset, logStartOffset, abortedTransactions } = result
  return {
    partitionIndex: index,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    records,
  }
}

/** The topic was deleted, or deleted and created again, since the request came in. */
function isGone({ partitions }: BrokerContext, partition: Partition): boolean {
  return partitions.get(partition.topic, partition.index) !== partition
}

function failed(partitionIndex: number, error: KafkaError): FetchedPartition {
  return {
    partitionIndex,
    errorCode: error.code,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: Buffer.alloc(0),
  }
}

const closeSession = -1
